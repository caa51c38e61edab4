"""The migration Job on a living database: locks, killed predecessors, and files that disagree with what was applied."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from functions.store import migration_locks
from functions.store.migrate import migrate
from functions.store.migration_files import MigrationError
from tests.conftest import new_database
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def url(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database; waits are short."""
    monkeypatch.setattr(migration_locks, "_PAUSES", (0.05,) * 100)
    monkeypatch.setitem(migration_locks._WAITS, "lock_timeout", "100ms")
    with new_database(postgres_server) as address:
        yield address


def write(folder: Path, **files: str) -> Path:
    """Write migrations by the names `_0001_a` and so on, and return their folder."""
    for name, statements in files.items():
        (folder / f"{name[1:]}.sql").write_text(statements)
    return folder


def test_readers_do_not_queue_behind_a_migration(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A long transaction holds a table: readers pass, the log names it, and after it the file is applied."""
    migrate(url, folder=write(tmp_path, _0001_a="CREATE TABLE things (number int);"))
    write(tmp_path, _0002_b="ALTER TABLE things ADD COLUMN name text;")
    done: list[list[str]] = []
    with psycopg.connect(url, application_name="a report") as holder, psycopg.connect(url, autocommit=True) as reader:
        holder.execute("SELECT FROM things")
        pid = holder.info.backend_pid
        job = threading.Thread(target=lambda: done.append(migrate(url, folder=tmp_path)))
        with caplog.at_level(logging.WARNING):
            job.start()
            wait_until(lambda: len(caplog.messages) > 2)
        reader.execute("SET statement_timeout = '1s'")
        for _ in range(20):
            reader.execute("SELECT FROM things")
        holder.rollback()
        job.join(20)

    assert done == [["0002_b.sql"]]
    assert "0002_b.sql waits for a lock" in caplog.messages[0]
    assert f"pid {pid} (a report), idle in transaction, for" in caplog.messages[0]


def test_a_lock_that_is_never_free_ends_in_one_sentence(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what was not applied, and how to end what holds the lock."""
    monkeypatch.setattr(migration_locks, "_PAUSES", (0.01,))
    migrate(url, folder=write(tmp_path, _0001_a="CREATE TABLE things (number int);"))
    write(tmp_path, _0002_b="DROP TABLE things;")
    with psycopg.connect(url) as holder:
        holder.execute("SELECT FROM things")
        with pytest.raises(MigrationError, match=r"^0002_b\.sql did not get its locks .*pg_terminate_backend"):
            migrate(url, folder=tmp_path)


def test_the_statement_of_a_killed_job_ends(url: str, tmp_path: Path) -> None:
    """A Job killed amid a long statement leaves nothing running: the next one has its turn within seconds."""
    slow = write(tmp_path, _0001_a="CREATE TABLE things (number int); SELECT pg_sleep(300);")
    code = (
        "import sys; from pathlib import Path; from functions.store import migration_locks, migrate\n"
        "migration_locks._WAITS['client_connection_check_interval'] = '200ms'\n"
        "migrate.migrate(sys.argv[1], folder=Path(sys.argv[2]))"
    )
    job = subprocess.Popen([sys.executable, "-c", code, url, str(slow)], cwd=ROOT, stderr=subprocess.DEVNULL)
    with psycopg.connect(url, autocommit=True) as observer:

        def is_sleeping() -> bool:
            row = observer.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'").fetchone()
            return bool(row and row[0])

        wait_until(is_sleeping, 15)
        job.kill()
        job.wait()
        write(tmp_path, _0001_a="CREATE TABLE things (number int);")

        assert migrate(url, folder=tmp_path) == ["0001_a.sql"]
        assert not is_sleeping()


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        (
            {"_0001_a": "SELECT 1", "_0003_c": "SELECT 3"},
            {"_0001_a": "SELECT 1", "_0002_b": "SELECT 2", "_0003_c": "SELECT 3"},
            r"^0002_b\.sql is numbered below 0003_c\.sql, which has been applied: give it the next number\.$",
        ),
        (
            {"_0001_a": "SELECT 1", "_0002_b": "SELECT 2"},
            {"_0002_b": "SELECT 2"},
            r"^0001_a\.sql has been applied and is missing here: bring the file back\.$",
        ),
        (
            {"_0001_a": "SELECT 1", "_0002_b": "SELECT 2"},
            {"_0001_a": "SELECT 1"},
            r"^The database is newer than this release: it has 0002_b\.sql, and 0001_a\.sql is the newest here\.",
        ),
    ],
    ids=["a number below", "a file that vanished", "a newer schema"],
)
def test_files_that_disagree_with_the_database_stop_it(
    url: str, tmp_path: Path, before: dict[str, str], after: dict[str, str], message: str
) -> None:
    """One sentence says what to do, and nothing is applied."""
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    migrate(url, folder=write(tmp_path / "before", **before))

    with pytest.raises(MigrationError, match=message):
        migrate(url, folder=write(tmp_path / "after", **after))


def test_the_job_says_what_failed_without_a_traceback(url: str, tmp_path: Path) -> None:
    """An unreachable database and a newer schema are one line each."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO migrations (name, checksum) VALUES ('9999_of_tomorrow.sql', '')")

    for address, expected in ((url, "9999_of_tomorrow.sql"), ("postgresql://127.0.0.1:1/x", "cannot be reached")):
        job = subprocess.run(
            [sys.executable, "-m", "functions.store.migrate"],
            cwd=ROOT,
            env={"DATABASE_URL": address},
            capture_output=True,
            text=True,
        )
        assert (job.returncode, "Traceback" in job.stdout + job.stderr) == (1, False)
        assert expected in job.stdout
