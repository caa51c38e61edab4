"""Response times by the number of stored bars, and the plans by which Postgres finds them.

`python -m benchmarks.scale --rows 100000 1000000 10000000 [--tickers 10000] [--plans]`. Makes a database for each
size on the server of DATABASE_URL, else on a private one, and drops it afterwards. Ten million bars take some minutes
and two gigabytes.
"""

import argparse
import asyncio
import os
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg.sql import SQL, Identifier

from benchmarks.table import print_table
from functions.api.bars import BarQuery, BarRange, select_derived_bars, select_hourly_bars
from functions.api.coverage import Missing, select_coverage
from functions.api.latest import select_latest
from functions.api.market_state import select_ticker_statuses
from functions.api.movers import select_movers
from functions.api.parameters import Movers
from functions.api.status import select_health
from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres

# Hourly bars back to the year 2000, and beyond that number bars of a minute: it is one table.
BARS = """
    INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at)
    SELECT ticker, %(interval)s, start, price, price + 1.25, price - 1.25, price + 0.5, 1000 + n, 'simulated',
           start + %(length)s
      FROM (SELECT opens, closes, row_number() OVER (ORDER BY opens DESC) AS n
              FROM sessions
             WHERE opens < %(before)s
             ORDER BY opens DESC
             LIMIT %(sessions)s) AS session
     CROSS JOIN generate_series(opens, closes - interval '1 second', %(length)s) AS start
     CROSS JOIN tickers
     CROSS JOIN LATERAL (SELECT 100 + mod(n * 7919 + ascii(ticker), 1000) / 10.0 AS price) AS priced
"""
TICKERS = """
    INSERT INTO tickers (ticker, name)
    SELECT CASE number WHEN 1 THEN 'AAPL' WHEN 2 THEN 'MSFT' WHEN 3 THEN 'XOM' ELSE 'T' || number END, 'Company'
      FROM generate_series(1, %s) AS number
"""
HOURLY_SESSIONS = 6700
NOON = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
EVENING = datetime(2026, 11, 21, tzinfo=UTC)

Select = Callable[[psycopg.AsyncConnection], Awaitable[Any]]


def apple(connection: psycopg.AsyncConnection) -> Awaitable[Any]:
    """/ohlc/AAPL?limit=500."""
    return select_hourly_bars(connection, BarQuery([BarRange("AAPL", None, None)], 500, from_newest=True))


def from_a_day(connection: psycopg.AsyncConnection) -> Awaitable[Any]:
    """/ohlc/AAPL?start=2026-06-01&limit=500."""
    start = datetime(2026, 6, 1, 4, tzinfo=UTC)
    return select_hourly_bars(connection, BarQuery([BarRange("AAPL", start, None)], 500))


def days(connection: psycopg.AsyncConnection) -> Awaitable[Any]:
    """/ohlc/AAPL?interval=1d&limit=100."""
    return select_derived_bars(connection, "1d", BarQuery([BarRange("AAPL", None, None)], 100, from_newest=True))


def coverage(connection: psycopg.AsyncConnection) -> Awaitable[Missing]:
    """/coverage of one session and three tickers."""
    opens = [datetime(2026, 11, 20, 14, 30, tzinfo=UTC)]
    return select_coverage(connection, opens, ("AAPL", "MSFT", "XOM"), datetime(2026, 11, 22, tzinfo=UTC), "sessions")


SELECTS: dict[str, Select] = {
    "/latest": select_latest,
    "/movers": lambda connection: select_movers(connection, Movers()),
    "/ohlc/AAPL?limit=500": apple,
    "/ohlc/AAPL?start=2026-06-01&limit=500": from_a_day,
    "/ohlc/AAPL?interval=1d&limit=100": days,
    "/coverage of one session": coverage,
    "/status": lambda connection: select_health(connection, NOON),
    "lagging tickers": lambda connection: select_ticker_statuses(connection, NOON),
}


@contextmanager
def database(server: str, rows: int, tickers: int) -> Iterator[tuple[str, int]]:
    """Make a database with about so many bars of *tickers* on *server*; give its address and the number."""
    name = f"scale_{os.getpid()}_{secrets.token_hex(3)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    try:
        migrate(url)
        options = "-c synchronous_commit=off -c timezone=UTC"
        with psycopg.connect(url, autocommit=True, options=options) as connection:
            replace_tickers(connection, tickers)
            sessions = min(rows // (7 * tickers) + 1, HOURLY_SESSIONS)
            stored = insert(connection, "1h", timedelta(hours=1), sessions)
            if rows > stored:
                stored += insert(connection, "1min", timedelta(minutes=1), (rows - stored) // (tickers * 390) + 1)
            connection.execute("VACUUM ANALYZE")
        yield url, stored
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


def replace_tickers(connection: psycopg.Connection, count: int) -> None:
    """Track *count* invented tickers instead of the catalogue's, unless these are as many."""
    if count != 50:
        connection.execute("DELETE FROM companies")
        connection.execute("DELETE FROM tickers")
        connection.execute(TICKERS.encode(), [count])


def insert(
    connection: psycopg.Connection, interval: str, length: timedelta, sessions: int, before: datetime = EVENING
) -> int:
    """Fill the newest *sessions* that opened *before* an instant with the bars of all tickers; return how many."""
    given = {"interval": interval, "length": length, "sessions": sessions, "before": before}
    return connection.execute(BARS.encode(), given).rowcount


async def measure(url: str, *, runs: int, plans: bool) -> dict[str, tuple[float, float, list[str]]]:
    """Fastest and median milliseconds of each statement, with the scans of bars in its plan."""
    found: dict[str, tuple[float, float, list[str]]] = {}
    settings = ["timezone=UTC", "jit=off"]
    if plans:
        settings += ["session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0",
                     "auto_explain.log_nested_statements=on", "client_min_messages=log"]  # fmt: skip
    options = " ".join(f"-c {setting}" for setting in settings)
    logged: list[str] = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as connection:
        connection.add_notice_handler(lambda notice: logged.append(notice.message_primary or ""))
        for name, select in SELECTS.items():
            taken: list[float] = []
            for _ in range(1 if plans else runs):
                logged.clear()
                began = time.perf_counter()
                await select(connection)
                taken.append((time.perf_counter() - began) * 1000)
            lines = "\n".join(logged).splitlines()
            scans = sorted({line.strip(" ->").split("  (")[0] for line in lines if " Scan" in line and " bars" in line})
            found[name] = min(taken), median(taken), scans
    return found


def main() -> None:
    """Fill, measure and drop a database for each size; print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--plans", action="store_true", help="print how Postgres reached the bars, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="stocksalot-bench-") as folder:
        private = None if "DATABASE_URL" in os.environ else Postgres(Path(folder), os.environ)
        if private:
            private.start()
        try:
            results: dict[int, dict[str, tuple[float, float, list[str]]]] = {}
            for rows in options.rows:
                server = private.url if private else os.environ["DATABASE_URL"]
                with database(server, rows, options.tickers) as (url, stored):
                    results[stored] = asyncio.run(measure(url, runs=options.runs, plans=False))
                    if options.plans:
                        explained = asyncio.run(measure(url, runs=1, plans=True))
                        for name, (_, _, scans) in explained.items():
                            print(f"{stored} bars, {name}: {'; '.join(scans)}")
        finally:
            if private:
                private.stop()
    print_table(
        f"Milliseconds a statement, fastest and median of {options.runs}, over one warm connection",
        ("statement", *(f"{stored:,} bars" for stored in results)),
        [(name, *(f"{of[name][0]:.1f} ({of[name][1]:.1f})" for of in results.values())) for name in SELECTS],
    )


if __name__ == "__main__":
    main()
