"""Keys that a run makes for itself when nobody gives any: they mean something only to the data beside them."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

_TOKEN_SECRET = "API_TOKEN_SECRET"  # noqa: S105  its name


def generate_secrets(folder: Path, outside: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that *outside* lacks, kept in *folder* so that API tokens outlive a restart."""
    if outside.get(_TOKEN_SECRET):
        return {}
    path = folder / "api-token-secret"
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(file, "w") as new:
            new.write(secrets.token_hex(32))
    return {_TOKEN_SECRET: path.read_text()}
