"""Backup and restore of an installation: the database, and the secret that its tokens depend on."""

import hashlib
import io
import json
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from knative.local.environment import read_env
from knative.local.files import write_whole
from knative.local.generated_secrets import TOKEN_SECRET, generate_secrets, secret_file
from knative.local.processes import ROOT
from knative.local.run_folder import CannotRunError
from knative.local.running_copies import is_running
from knative.local.services import lock_folder
from knative.local.services.postgres import Postgres, find_binaries, find_version

_DUMP, _ABOUT = "database.dump", "about.json"
# A new schema in the same transaction: either the backup is there afterwards, or what was there before.
_REPLACE = "DROP SCHEMA public CASCADE;\nCREATE SCHEMA public;\n"
_IS_USED = "SELECT EXISTS (SELECT FROM information_schema.tables WHERE table_schema = 'public')"


def read_settings() -> dict[str, str]:
    """Return the settings of `.env` and the shell."""
    return {**read_env(ROOT / ".env"), **os.environ}


@contextmanager
def database(folder: Path, settings: Mapping[str, str], *, exclusive: bool = False) -> Iterator[str]:
    """Yield the address of the database: the user's own, that of the running `up`, or a private one started for now.

    CannotRunError when *exclusive* and `up` runs.
    """
    running = is_running(folder)
    if running and exclusive:
        raise CannotRunError(f"the runner in {folder} is running: stop it first")
    if url := settings.get("DATABASE_URL"):
        refuse_pooler(url)
        yield url
        return
    data = folder.resolve() / "services" / "postgres"
    if running:
        port, password = ((data / name).read_text().strip() for name in ("port", "password"))
        yield f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
        return
    with lock_folder(data.parent):
        server = Postgres(data, settings)
        server.start()
        try:
            yield server.url
        finally:
            server.stop()


def refuse_pooler(url: str) -> None:
    """Raise CannotRunError for a pooler by transaction: the settings of a dump would stay with servers that it shares.

    Through one, two sessions that wait have the same server, which is not the one that was announced to them.
    """
    with (
        suppress(psycopg.OperationalError),  # pg_dump and pg_restore say it in one sentence
        psycopg.connect(url, autocommit=True) as first,
        psycopg.connect(url, autocommit=True) as second,
    ):
        [(one,), (two,)] = (each.execute("SELECT pg_backend_pid()").fetchall()[0] for each in (first, second))
        if one == two != first.info.backend_pid:
            raise CannotRunError(
                "DATABASE_URL leads through a pooler that changes servers between transactions: "
                "give DATABASE_URL the server's own address for this"
            )


def back_up(file: Path, folder: Path, settings: Mapping[str, str]) -> str:
    """Write the installation to *file*, read it again to check it, and return a summary."""
    folder.mkdir(parents=True, exist_ok=True)
    with database(folder, settings) as url:
        dump = _run("pg_dump", url, ["--format=custom", "--no-owner", "--no-privileges", "--schema=public"])
    about = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "sha256": hashlib.sha256(dump).hexdigest(),
        TOKEN_SECRET: {**settings, **generate_secrets(folder, settings)}[TOKEN_SECRET],
    }
    unfinished = file.with_name(f".{file.name}.new")
    with (
        os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as new,
        tarfile.open(fileobj=new, mode="w") as archive,
    ):
        for name, content in ((_ABOUT, json.dumps(about).encode()), (_DUMP, dump)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o600
            archive.addfile(entry, io.BytesIO(content))
    _, checked = _read(unfinished)
    tables = _run("pg_restore", None, ["--list"], checked).count(b" TABLE DATA ")
    unfinished.replace(file)
    return f"{file}: {tables} tables and the token secret, {file.stat().st_size / 1e6:.1f} MB"


def restore(file: Path, folder: Path, settings: Mapping[str, str], *, replace: bool) -> str:
    """Load *file* into the installation and return a summary; with *replace* also over data that it holds."""
    about, dump = _read(file)
    folder.mkdir(parents=True, exist_ok=True)
    with database(folder, settings, exclusive=True) as url:
        used = False
        with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:  # psql says it in one sentence
            [used] = connection.execute(_IS_USED).fetchone() or (False,)
        if used and not replace:
            raise CannotRunError("the database holds data: add --replace to replace it with the backup")
        script = _run("pg_restore", None, ["--no-owner", "--no-privileges", "--schema=public", "--file=-"], dump)
        options = ["--single-transaction", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
        _run("psql", url, options, _REPLACE.encode() + script)
    summary = f"restored the backup of {about['at']}; what was revoked, changed or deleted since then is valid again"
    if settings.get(TOKEN_SECRET, about[TOKEN_SECRET]) != about[TOKEN_SECRET]:
        return f"{summary}; tokens are not: {TOKEN_SECRET} is another than at the backup"
    write_whole(secret_file(folder), about[TOKEN_SECRET])
    return summary


def open_psql(folder: Path, settings: Mapping[str, str], arguments: list[str]) -> int:
    """Run psql on the database and return its exit code."""
    with database(folder, settings) as url:
        command, environment = _command("psql", url, arguments)
        return subprocess.run(command, env=environment, check=False).returncode


def _read(file: Path) -> tuple[dict[str, str], bytes]:
    """Return the description and the dump in *file*; CannotRunError when they do not fit together."""
    try:
        with tarfile.open(file) as archive:
            contents = [member.read() for name in (_ABOUT, _DUMP) if (member := archive.extractfile(name))]
        about = json.loads(contents[0])
        if hashlib.sha256(contents[1]).hexdigest() != about["sha256"]:
            raise ValueError("another checksum")
    except (OSError, tarfile.TarError, LookupError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is damaged or something else"
        raise CannotRunError(f"{file} is not a backup that can be read: {reason}") from error
    return about, contents[1]


def _programs(program: str, url: str | None) -> Path:
    """Return the folder of *program*; a dump is made by that of the server's own version where it is installed.

    A newer one may dump internals of the old server (column options in 15.20) that no other server accepts.
    """
    path = os.environ.get("PATH", os.defpath)
    if program == "pg_dump" and url:
        with suppress(psycopg.OperationalError), psycopg.connect(url) as connection:  # pg_dump says it in one sentence
            return find_version(path, connection.info.server_version // 10000) or find_binaries(path)
    return find_binaries(path)


def _command(program: str, url: str | None, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command and its environment; the password is not on the command line, which all users can read."""
    command, environment = [str(_programs(program, url) / program)], dict(os.environ)
    if url:
        parameters = conninfo_to_dict(url)
        if password := parameters.pop("password", None):
            environment["PGPASSWORD"] = str(password)
        command.append("--dbname=" + make_conninfo("", **parameters))
    return [*command, *arguments], environment


def _run(program: str, url: str | None, arguments: list[str], content: bytes = b"") -> bytes:
    command, environment = _command(program, url, arguments)
    done = subprocess.run(command, input=content, capture_output=True, env=environment, check=False)
    if done.returncode:
        raise CannotRunError(f"{program} failed: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout
