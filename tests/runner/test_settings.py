"""A wrong setting is one sentence before `ready`, whatever reads it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from knative.local import backup
from knative.local.__main__ import main
from knative.local.environment import read_env
from knative.local.services.external_services import check_amqp, check_postgres, check_redis
from knative.local.services.server import CannotStartError
from knative.stocksalot.extension import check_settings
from tests.reading import ROOT

VALID = {
    "DATABASE_URL": "postgresql://localhost/x",
    "REDIS_URL": "redis://localhost",
    "API_TOKEN_SECRET": "0123456789abcdef0123456789abcdef",
}


@pytest.mark.parametrize(
    ("function", "name", "value"),
    [
        ("ingest", "PROVIDERS", "yahho"),
        ("ingest", "REPLAY_FILES", "/nowhere/bars.csv"),
        ("ingest", "REPLAY_FILES", str(ROOT)),
        ("ingest", "REPLAY_ZONE", "Mars/Phobos"),
        ("ingest", "FINNHUB_BASE_URL", "nowhere"),
        ("insights", "OPENAI_BASE_URL", "nowhere"),
        ("insights", "CORS_ORIGINS", "https://page.example.com, page.example.com"),
        ("ingest", "TICKERS", "AAPL, msft"),
        ("api", "BAR_GRACE_SECONDS", "abc"),
        ("token", "API_TOKEN_SECRET", "short"),
    ],
)
def test_a_setting_that_a_function_refuses_is_named(function: str, name: str, value: str) -> None:
    """Each function's own settings are read before anything is served."""
    assert check_settings(function, VALID) == []

    [fault] = check_settings(function, {**VALID, name: value})

    assert name in fault
    assert "\n" not in fault


def test_a_function_without_settings_has_none_to_refuse() -> None:
    """The page, and a function of another application, read none."""
    assert check_settings("page", {}) == check_settings("shop", {}) == []


def test_an_env_file_is_read_as_people_write_it(tmp_path: Path) -> None:
    """A byte order mark, `export`, quotes, and comments behind values change no value; # within one stays."""
    lines = ["\ufeffA=1", "export B='2 # 3'  # why", 'C="4"', "D=5 # why", "E=#6", "F=a#b", "# G=7", "H="]
    (tmp_path / ".env").write_text("\n".join(lines), "utf-8")

    expected = {"A": "1", "B": "2 # 3", "C": "4", "D": "5", "E": "", "F": "a#b", "H": ""}
    assert read_env(tmp_path / ".env") == expected


@pytest.mark.parametrize(
    ("check", "url"),
    [
        (check_postgres, "nonsense"),
        (check_postgres, "postgresql://127.0.0.1:1/x"),
        (check_redis, "http://localhost"),
        (check_redis, "redis://localhost:abc"),
        (check_redis, "redis://127.0.0.1:1"),
        (check_amqp, "localhost:5672"),
        (check_amqp, "amqp://localhost:99999"),
        (check_amqp, "amqp://127.0.0.1:1/%2F"),
    ],
)
def test_a_server_that_cannot_be_used_is_one_sentence(check: Callable[[str], None], url: str) -> None:
    """The setting is named with the reason, on one line."""
    with pytest.raises(CannotStartError, match=r"^(DATABASE|REDIS|AMQP)_URL[^\n]+$"):
        check(url)


@pytest.mark.parametrize("value", ["yesterday", "2026-01-01 2026-01-01 1", "a b c", "2026-01-01T00:00:00Z now 1"])
def test_a_wrong_clock_is_one_sentence(value: str) -> None:
    """CLOCK is read when a process begins, which ends with a sentence."""
    command = [sys.executable, "-c", "import shared.runtime.clock"]
    done = subprocess.run(command, env={"CLOCK": value}, capture_output=True, text=True, cwd=ROOT, check=False)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: CLOCK={value!r} is not")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "verb", [("backup", "/proc/nowhere/file"), ("restore", "/proc/nowhere"), ("restore", __file__)]
)
def test_a_file_that_cannot_be_used_is_one_sentence(
    verb: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`backup` and `restore` name the file and the reason."""
    monkeypatch.setattr(backup, "_run", lambda *_: b"")
    monkeypatch.setattr(backup, "read_settings", lambda: VALID)

    assert main([*verb, "--folder", str(tmp_path)]) == 1

    error = capsys.readouterr().err
    assert error.startswith("error: /")
    assert error.count("\n") == 1
