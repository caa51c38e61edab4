"""User service of systemd that runs the application, also after a reboot."""

import getpass
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from knative.local.processes import ROOT
from knative.local.run_folder import CannotRunError

_UNIT = """\
[Unit]
Description={name}: {root}
After=network-online.target
StartLimitIntervalSec=0

[Service]
WorkingDirectory={root}
ExecStart={command}
Restart=on-failure
RestartSec=10
# The runner ends its functions, then its servers.
KillMode=mixed
TimeoutStopSec=120

[Install]
WantedBy=default.target
"""
_OPEN = (
    "it listens on {host}: anyone who can reach that address can read, register and log in, and passwords travel "
    "unencrypted unless a proxy with TLS stands in front"
)


def unit_path(name: str) -> Path:
    """Return the file of the unit."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "systemd" / "user" / f"{name}.service"


def make_unit(name: str, arguments: Sequence[str]) -> str:
    """Return the text of the unit that runs `up` with *arguments*."""
    words = [sys.executable, "-m", "knative.local", "up", *arguments]
    return _UNIT.format(name=name, root=str(ROOT).replace("%", "%%"), command=" ".join(map(_quote, words)))


def install_unit(name: str, arguments: Sequence[str], host: str) -> list[str]:
    """Write, enable and start the unit; return sentences about the steps done and those left to do."""
    path = unit_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(make_unit(name, arguments))
    lines = [f"wrote {path}"]
    if host not in ("127.0.0.1", "::1", "localhost"):
        lines.append(_OPEN.format(host=host))
    if not shutil.which("systemctl"):
        return [*lines, f"systemctl is not on this machine: where it is, run systemctl --user enable --now {name}"]
    _systemctl("daemon-reload")
    _systemctl("enable", name)
    _systemctl("restart", name)
    lines.append(
        f"{name} runs, and starts when you log in: journalctl --user -u {name}, systemctl --user status {name}"
    )
    if _run(["loginctl", "enable-linger", getpass.getuser()]):
        return [*lines, f"to start it at boot, run: sudo loginctl enable-linger {getpass.getuser()}"]
    return [*lines, "it starts at boot, too, because lingering is enabled for you"]


def uninstall(name: str, folder: Path) -> list[str]:
    """Stop, disable and delete the unit; return sentences about the steps done and the files kept."""
    path = unit_path(name)
    if not path.exists():
        raise CannotRunError(f"there is no service {name}: {path} does not exist")
    if shutil.which("systemctl"):
        _systemctl("disable", "--now", name)
    path.unlink()
    if shutil.which("systemctl"):
        _systemctl("daemon-reload")
    return [
        f"removed {path}, the only file outside of the checkout",
        f"the data stay in {folder}; `loginctl disable-linger` ends lingering if nothing else needs it",
    ]


def _systemctl(*arguments: str) -> None:
    if text := _run(["systemctl", "--user", *arguments]):
        raise CannotRunError(f"systemctl --user {' '.join(arguments)} failed: {text}")


def _run(command: Sequence[str]) -> str:
    """Return nothing when *command* succeeds, else the reason."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error.strerror)
    return (done.stderr.strip() or f"exit code {done.returncode}") if done.returncode else ""


def _quote(word: str) -> str:
    """Return *word* as systemd reads it: quoted, without specifiers and variables."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'
