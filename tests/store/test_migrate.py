"""The migration Job: each file once, the exchange's true calendar, a catalogue that steps back for fresher facts."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from functions.store.catalogue import read_catalogue
from functions.store.migrate import MigrationError, migrate
from tests.conftest import new_database

ROOT = Path(__file__).parents[2]


@pytest.fixture
def empty_url(postgres_server: str) -> Iterator[str]:
    """An empty database of the test's own."""
    with new_database(postgres_server) as url:
        yield url


def query(url: str, statement: str, *arguments: object) -> list[tuple]:
    """The rows that *statement* gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), arguments)
        return cursor.fetchall() if cursor.description else []


def write(folder: Path, name: str, statements: str) -> Path:
    """A migration *name* in *folder*."""
    path = folder / name
    path.write_text(statements)
    return path


def test_a_second_run_finds_nothing_to_do(empty_url: str) -> None:
    """Each step is done once."""
    first, second = migrate(empty_url), migrate(empty_url)

    assert (first[0], first[-2:], second) == ("0001_market.sql", ["sessions", "catalogue"], [])


def test_jobs_at_the_same_time_do_no_harm(empty_url: str) -> None:
    """One works, the others wait and find nothing to do: two deployments at once are no accident."""
    done: list[list[str]] = []
    jobs = [threading.Thread(target=lambda: done.append(migrate(empty_url))) for _ in range(4)]

    for job in jobs:
        job.start()
    for job in jobs:
        job.join()

    assert sorted(map(bool, done)) == [False, False, False, True]


def test_files_are_applied_in_the_order_of_their_numbers(empty_url: str, tmp_path: Path) -> None:
    """A later file may build on an earlier one."""
    write(tmp_path, "0003_c.sql", "INSERT INTO things VALUES (3);")
    write(tmp_path, "0001_a.sql", "CREATE TABLE things (number int); INSERT INTO things VALUES (1);")
    write(tmp_path, "0002_b.sql", "INSERT INTO things VALUES (2);")

    done = migrate(empty_url, folder=tmp_path)

    assert (done, query(empty_url, "SELECT number FROM things")) == (
        ["0001_a.sql", "0002_b.sql", "0003_c.sql"],
        [(1,), (2,), (3,)],
    )


def test_a_number_given_twice_is_refused(empty_url: str, tmp_path: Path) -> None:
    """Two branches that both added the next file are an error, not applied in an order of chance."""
    write(tmp_path, "0001_a.sql", "SELECT 1;")
    write(tmp_path, "0001_b.sql", "SELECT 1;")

    with pytest.raises(MigrationError, match="same number"):
        migrate(empty_url, folder=tmp_path)


def test_an_edited_file_is_refused_by_name(empty_url: str, tmp_path: Path) -> None:
    """An applied migration that differs from its file stops the run: a person has to look."""
    file = write(tmp_path, "0001_a.sql", "CREATE TABLE things (number int);")
    migrate(empty_url, folder=tmp_path)
    file.write_text("CREATE TABLE things (number bigint);")

    with pytest.raises(MigrationError, match=r"0001_a\.sql has been edited"):
        migrate(empty_url, folder=tmp_path)


def test_a_file_that_fails_leaves_nothing_of_itself(empty_url: str, tmp_path: Path) -> None:
    """Files before it stay; it is tried again as a whole."""
    write(tmp_path, "0001_a.sql", "CREATE TABLE things (number int);")
    broken = write(tmp_path, "0002_b.sql", "INSERT INTO things VALUES (1); INSERT INTO nowhere VALUES (1);")

    with pytest.raises(MigrationError, match=r'^0002_b\.sql failed and was rolled back: relation "nowhere" does not'):
        migrate(empty_url, folder=tmp_path)
    left = query(empty_url, "SELECT number FROM things")
    broken.write_text("INSERT INTO things VALUES (2);")

    assert (left, migrate(empty_url, folder=tmp_path)) == ([], ["0002_b.sql"])


def test_the_top_50_are_there_with_plausible_profiles(migrated_database: str) -> None:
    """Movers and the page have names, industries and sizes without any key."""
    rows = query(
        migrated_database,
        """SELECT ticker, exchange, industry, currency, market_cap_millions / shares_millions AS price
             FROM tickers JOIN companies USING (ticker) WHERE active AND source = 'catalogue'""",
    )

    assert len(rows) == 50
    assert {row[1] for row in rows} == {"NASDAQ", "NYSE"}
    assert all(row[2] and row[3] == "USD" for row in rows)
    assert [row[0] for row in rows if not 20 < row[4] < 1100] == ["BRK.A"]
    assert all(500_000 < row[4] < 1_000_000 for row in rows if row[0] == "BRK.A")


def test_the_catalogue_steps_back_for_another_source(database_url: str) -> None:
    """Profiles of a provider stay; those of an older catalogue are updated."""
    query(database_url, "UPDATE companies SET name = 'Apple Inc', source = 'finnhub' WHERE ticker = 'AAPL'")
    query(database_url, "UPDATE tickers SET name = 'Apple Inc' WHERE ticker = 'AAPL'")
    query(database_url, "UPDATE companies SET name = 'Macrosoft', industry = 'Toys' WHERE ticker = 'MSFT'")
    query(database_url, "UPDATE tickers SET name = 'Macrosoft' WHERE ticker = 'MSFT'")

    done = migrate(database_url)

    assert done == ["catalogue"]
    assert query(
        database_url,
        """SELECT tickers.name, companies.name, industry, source FROM tickers JOIN companies USING (ticker)
            WHERE ticker IN ('AAPL', 'MSFT') ORDER BY ticker""",
    ) == [
        ("Apple Inc", "Apple Inc", "Technology", "finnhub"),
        ("Microsoft Corporation", "Microsoft Corporation", "Technology", "catalogue"),
    ]


def test_another_list_of_tickers_is_configuration(database_url: str) -> None:
    """Exactly the given ones are active, an unknown one under its own name; the bars of the others are kept."""
    query(
        database_url,
        """INSERT INTO bars (ticker, interval, start, open, high, low, close, source, received_at)
           VALUES ('MSFT', '1h', '2026-11-20 14:30Z', 1, 1, 1, 1, 'test', now())""",
    )

    migrate(database_url, tickers=("AAPL", "RGP"))

    assert query(database_url, "SELECT ticker, name FROM tickers WHERE active ORDER BY 1") == [
        ("AAPL", "Apple Inc."),
        ("RGP", "RGP"),
    ]
    assert query(database_url, "SELECT ticker FROM bars") == [("MSFT",)]


def test_without_a_list_the_catalogue_is_active_again(database_url: str) -> None:
    """Taking the setting back takes its effect back."""
    migrate(database_url, tickers=("AAPL", "RGP"))
    migrate(database_url)

    active = {ticker for (ticker,) in query(database_url, "SELECT ticker FROM tickers WHERE active")}

    assert active == {company["ticker"] for company in read_catalogue()}


def test_something_that_is_no_ticker_changes_nothing(database_url: str) -> None:
    """A slip in the setting fails the Job, and the tickers stay as they were."""
    with pytest.raises(MigrationError, match="not a ticker must be in capitals"):
        migrate(database_url, tickers=("AAPL", "not a ticker"))

    assert query(database_url, "SELECT count(*) FROM tickers WHERE active") == [(50,)]


def test_readers_are_told_of_other_tickers(database_url: str) -> None:
    """Cached answers would otherwise show the old list until the next bar."""
    (before,) = query(database_url, "SELECT epoch FROM market_epoch")
    migrate(database_url, tickers=("AAPL",))
    (after,) = query(database_url, "SELECT epoch FROM market_epoch")
    migrate(database_url, tickers=("AAPL",))

    assert before < after == query(database_url, "SELECT epoch FROM market_epoch")[0]


def test_the_job_reads_its_environment_and_says_what_it_did(empty_url: str) -> None:
    """`python -m functions.store.migrate` is the whole Job, and quick enough to run before every start."""
    started = datetime.now(UTC)
    job = subprocess.run(
        [sys.executable, "-m", "functions.store.migrate"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "DATABASE_URL": empty_url, "TICKERS": "AAPL, RGP"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (job.returncode, "0001_market.sql" in job.stdout) == (0, True), job.stderr
    assert query(empty_url, "SELECT ticker FROM tickers WHERE active ORDER BY 1") == [("AAPL",), ("RGP",)]
    assert datetime.now(UTC) - started < timedelta(seconds=30)
