"""A wrong setting is one sentence before `ready`, whatever reads it."""

from pathlib import Path

import pytest

from knative.local.environment import read_env
from knative.stocksalot.extension import check_settings

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
