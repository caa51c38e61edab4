"""Small files of a run, written whole or not at all."""

import os
import secrets
from pathlib import Path


def write_whole(path: Path, text: str, mode: int = 0o600) -> None:
    """Write *text* to *path* atomically: neither a reader nor a crash sees a part of it."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(file, "w") as new:
        new.write(text)
        new.flush()
        os.fsync(new.fileno())
    unfinished.replace(path)


def stored_secret(path: Path, length: int = 32) -> str:
    """Return the secret in *path*, generated when the file is missing or empty; only its owner can read it."""
    if not path.exists() or not path.read_text().strip():
        write_whole(path, secrets.token_hex(length))
    return path.read_text().strip()
