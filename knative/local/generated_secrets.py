"""Secrets that a run generates for the settings that the user leaves open; they belong to the data beside them."""

from collections.abc import Mapping
from pathlib import Path

from knative.local.files import stored_secret

TOKEN_SECRET = "API_TOKEN_SECRET"  # noqa: S105  its name


def secret_file(folder: Path) -> Path:
    """Return the file of the token secret."""
    return folder / "api-token-secret"


def generate_secrets(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that *settings* lacks, stored in *folder* so that API tokens outlive a restart."""
    return {} if settings.get(TOKEN_SECRET) else {TOKEN_SECRET: stored_secret(secret_file(folder))}
