"""`install-service` and `uninstall-service`: a unit that systemd accepts, loopback unless another address is given."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from knative.local import systemd_unit
from knative.local.__main__ import main
from knative.local.processes import ROOT


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of the commands to a systemd that only writes them down."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("systemctl", "loginctl"):
        (programs / name).write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "calls"


def test_a_service_is_installed_and_removed(calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The unit starts at boot, runs the copy on its port, and is gone afterwards; the data stay."""
    folder = tmp_path / "data"
    assert main(["install-service", "--port", "8123", "--folder", str(folder)]) == 0
    unit = systemd_unit.unit_path("stocksalot-8123")
    text = unit.read_text()
    installed = capsys.readouterr().out
    assert main(["uninstall-service", "--port", "8123", "--folder", str(folder)]) == 0

    assert f'ExecStart="{sys.executable}" "-m" "knative.local" "up" "--port" "8123" "--folder" "{folder}"\n' in text
    assert "Restart=on-failure" in text
    assert "--host" not in text
    assert "unencrypted" not in installed
    assert [line.split()[2] for line in calls.read_text().splitlines() if line.startswith("systemctl")] == [
        "daemon-reload", "enable", "restart", "disable", "daemon-reload",
    ]  # fmt: skip
    assert "enable-linger" in calls.read_text()
    assert not unit.exists()
    assert str(folder) in capsys.readouterr().out


def test_an_open_address_is_explained(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another address than loopback is passed on, with what it means."""
    assert main(["install-service", "--port", "8123", "--host", "0.0.0.0"]) == 0

    assert '"--host" "0.0.0.0"' in systemd_unit.unit_path("stocksalot-8123").read_text()
    assert "passwords travel unencrypted" in capsys.readouterr().out


def test_no_service_is_one_sentence(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A service that is not installed cannot be removed."""
    assert main(["uninstall-service", "--port", "8124"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no service stocksalot-8124")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    """systemd's own check finds nothing wrong, also with characters that it gives a meaning."""
    unit = tmp_path / "app.service"
    unit.write_text(systemd_unit.make_unit("app", ["--folder", '/a b/100% $HOME "x"\\']))

    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)

    assert [line for line in done.stderr.splitlines() if "app.service" in line] == []
    assert f"WorkingDirectory={ROOT}" in unit.read_text()
