"""Settings: secrets in files, the log level, and a check of every function without starting it."""

import subprocess
import sys
from pathlib import Path

import pytest

from functions.page.settings import Settings as PageSettings
from shared.auth.authenticator import AuthSettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import SettingsError, check_settings, read_settings
from tests.reading import ROOT

SECRET = "a secret in a file, long enough for a key"
VALID = {
    "API_TOKEN_SECRET": "x" * 32,
    "DATABASE_URL": "postgresql://user@host/db",
    "REDIS_URL": "redis://host:6379/0",
    "API_URL": "http://api",
    "INSIGHTS_URL": "http://insights",
    "ALERTS_URL": "http://alerts",
    "TWELVEDATA_API_KEYS": "key",
}
MODULES = sorted(f"functions.{path.parent.name}.settings" for path in (ROOT / "functions").glob("*/settings.py"))


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """The variable with _FILE names a file; the line break at its end does not count."""
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")

    settings = read_settings(AuthSettings, {"API_TOKEN_SECRET_FILE": str(file)})

    assert settings.api_token_secret.reveal() == SECRET


@pytest.mark.parametrize(
    ("content", "more", "words"),
    [
        (None, {}, "cannot be read"),
        ("", {}, "empty"),
        (SECRET, {"API_TOKEN_SECRET": SECRET}, "should not be set beside"),
        ("short", {}, "at least 32"),
    ],
)
def test_a_wrong_secret_file_is_named(tmp_path: Path, content: str | None, more: dict[str, str], words: str) -> None:
    """The message names the variable and shows no secret."""
    file = tmp_path / "secret"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SettingsError, match=f"API_TOKEN_SECRET.*{words}") as error:
        read_settings(AuthSettings, {"API_TOKEN_SECRET_FILE": str(file), **more})

    assert SECRET not in str(error.value)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("LOG_LEVEL", "loud"),
        ("API_TOKEN_SECRET", "short"),
        ("DATABASE_URL", "mysql://host"),
        ("REDIS_URL", "http://host"),
        ("BAR_GRACE_SECONDS", "abc"),
        ("API_TOKEN_EXPIRY_DAYS", "0"),
        ("RATE_LIMIT_ANONYMOUS", "-1"),
        ("REGISTRATION", "maybe"),
        ("API_URL", "nowhere"),
        ("OPENAI_BASE_URL", "http://"),
        ("TWELVEDATA_BASE_URL", "https://host:port"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"),
        ("HSTS_SECONDS", "abc"),
        ("HSTS_SECONDS", "-1"),
        ("CORS_ORIGINS", "not-an-origin"),
        ("CORS_ORIGINS", "https://page.example.com/"),
    ],
)
def test_settings_are_checked_without_a_start(module: str, variable: str, text: str) -> None:
    """Valid settings pass, and a wrong value is named by each function that reads it."""
    fields = __import__(module, fromlist=["Settings"]).Settings.__dataclass_fields__

    assert check_settings(module, VALID) is None
    wrong = check_settings(module, {**VALID, variable: text})
    assert (variable in (wrong or "")) == (variable.lower() in fields)


@pytest.mark.parametrize("origins", ["*", "https://page.example.com, http://127.0.0.1:5173", "http://[::1]:80"])
def test_origins_as_browsers_send_them_are_accepted(origins: str) -> None:
    """With a port or without, separated by commas."""
    assert check_settings("functions.token.settings", {**VALID, "CORS_ORIGINS": origins}) is None


def test_settings_are_checked_from_the_command_line() -> None:
    """The exit code is 1 and the message one line a function."""
    command = [sys.executable, "-m", "shared.runtime.settings", "functions.api.settings", "functions.mcp.settings"]
    environment = {"PYTHONPATH": str(ROOT), **VALID, "BAR_GRACE_SECONDS": "abc"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 1
    assert done.stderr.startswith("functions.api.settings: BAR_GRACE_SECONDS")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "contact", ["security@example.com", "mailto:", "mailto:a@b.example, tel:1", "https://a\nExpires: 1"]
)
def test_a_contact_for_security_reports_is_one_address(contact: str) -> None:
    """A contact that would break the lines of security.txt, or lead nowhere, is refused before the page starts."""
    with pytest.raises(SettingsError, match="SECURITY_CONTACT: should be one address"):
        read_settings(PageSettings, {"SECURITY_CONTACT": contact})


@pytest.mark.parametrize(
    "address", ["stocks.example.com", "https://a.example/page", "https://a@b.example", "https://a?x"]
)
def test_a_public_address_is_a_scheme_and_a_host(address: str) -> None:
    """Links are made of it by adding a path."""
    with pytest.raises(SettingsError, match="PUBLIC_URL: should"):
        read_settings(PublicAddressSettings, {"PUBLIC_URL": address})
