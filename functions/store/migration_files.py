"""Migration files: their order, and whether they agree with those that a database has seen."""

import hashlib
import re
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

_NAME = re.compile(r"\d{4}_\w+\.sql")


class MigrationError(Exception):
    """The migration cannot go on; the message has the reason and the remedy."""


class MigrationFile(NamedTuple):
    """A file of statements; its name begins with its number."""

    name: str
    statements: bytes

    @property
    def checksum(self) -> str:
        """SHA-256 of the statements."""
        return hashlib.sha256(self.statements).hexdigest()


def read_files(folder: Path) -> list[MigrationFile]:
    """Return the migrations in the order of their numbers; MigrationError for a number given twice."""
    paths = sorted(folder.glob("*.sql"))
    for one, other in pairwise(paths):
        if one.name.split("_")[0] == other.name.split("_")[0]:
            raise MigrationError(f"{one} and {other} have the same number: rename the newer one.")
    return [MigrationFile(path.name, path.read_bytes()) for path in paths]


def find_pending(files: list[MigrationFile], applied: Mapping[str, str]) -> list[MigrationFile]:
    """Return the *files* to apply, given the checksums of the *applied* ones by name.

    MigrationError when the database is newer than these files, or when an applied file was edited, is missing, or has a
    number above one of the pending files.
    """
    checksums = {file.name: file.checksum for file in files}
    newest = max(checksums, default="")
    done = {name: checksum for name, checksum in applied.items() if _NAME.fullmatch(name)}
    if newer := sorted(name for name in done if name > newest):
        raise MigrationError(
            f"The database is newer than this release: it has {', '.join(newer)}, and {newest or 'nothing'} is the "
            "newest here. Deploy the release that the database is of, or restore a backup of before it."
        )
    for name, checksum in sorted(done.items()):
        if name not in checksums:
            raise MigrationError(f"{name} has been applied and is missing here: bring the file back.")
        if checksums[name] != checksum:
            raise MigrationError(f"{name} has been edited since it was applied: undo that, and add a new file instead.")
    pending = [file for file in files if file.name not in done]
    if pending and done and pending[0].name < (last := max(done)):
        raise MigrationError(
            f"{pending[0].name} is numbered below {last}, which has been applied: give it the next number."
        )
    return pending
