"""Bars per second through store, 500 an event, beside a plain COPY of the same rows into the same kind of table.

`python -m benchmarks.store [--rounds 60] [--tickers 10000 --filled 60] [--url postgresql://… [--redis redis://…]]`:
into empty tables, or into such as hold so many tickers and sessions. The function itself is called, warm, in this
process: reading the event, checking, comparing, writing, committing, publishing the epoch and making the reply; only
HTTP is left out. Cases take turns, so that a slow moment of the machine meets all; every round has bars of its own.
"""

import argparse
import asyncio
import gc
import json
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from statistics import median, quantiles
from typing import NamedTuple, cast
from urllib.parse import urlsplit

import psycopg
import uvloop
from psycopg.sql import SQL, Identifier
from starlette.requests import Request
from starlette.responses import Response

from benchmarks.scale import insert, replace_tickers
from benchmarks.stage import Stage, stage
from benchmarks.table import print_table
from functions.store.migrate import migrate
from shared.calendar.trading import Session, TradingCalendar
from shared.events.types import BarsFetched

SHAPES = ((10, 50), (50, 10))
"""Tickers and bars of each; both are 500 bars."""

FETCHED = datetime(2026, 4, 1, 21, tzinfo=UTC)
COLUMNS = "ticker, interval, start, open, high, low, close, volume, source, received_at"


class Round(NamedTuple):
    """The same 500 bars as an event at three hours, the last one with other prices, and as rows."""

    event: bytes
    later: bytes
    corrected: bytes
    rows: Sequence[Sequence[object]]


class Bench(NamedTuple):
    """Connections and rows that the cases use."""

    store: Callable[[Request], Awaitable[Response]]
    connection: psycopg.Connection


def make_round(tickers: list[str], starts: list[datetime], seed: int) -> Round:
    """Return a round's bars: closes of two decimals around a level for each ticker."""
    random = Random(seed)
    closes_of = {
        ticker: [round((100 + index) * random.uniform(0.98, 1.02), 2) for _ in starts]
        for index, ticker in enumerate(tickers)
    }

    def event(at: datetime, shift: int) -> bytes:
        series = [
            {
                "ticker": ticker,
                "start": starts[0].isoformat(),
                "end": (starts[-1] + timedelta(hours=1)).isoformat(),
                "bars": [_bar(start, close + shift) for start, close in zip(starts, closes, strict=True)],
            }
            for ticker, closes in closes_of.items()
        ]
        sent = {"interval": "1h", "source": "bench", "fetched_at": at.isoformat(), "series": series}
        return BarsFetched.from_json(json.dumps(sent).encode()).to_json()  # to the byte as ingest writes it

    rows = [
        (ticker, "1h", *_bar(start, close).values(), "bench", FETCHED)
        for ticker, closes in closes_of.items()
        for start, close in zip(starts, closes, strict=True)
    ]
    first, later, corrected = (FETCHED + timedelta(hours=hours) for hours in range(3))
    return Round(event(first, 0), event(later, 0), event(corrected, 1), rows)


def _bar(start: datetime, close: float) -> dict[str, str]:
    return {
        "start": start.isoformat(),
        "open": f"{close - 0.25:.2f}",
        "high": f"{close + 0.5:.2f}",
        "low": f"{close - 0.5:.2f}",
        "close": f"{close:.2f}",
        "volume": str(1_000_000 + int(close * 1000)),
    }


async def time_copy_of_rows(bench: Bench, data: Round) -> None:
    """COPY as a loader writes it: row by row from Python values."""
    with bench.connection.transaction(), bench.connection.cursor().copy(_COPY) as copy:
        for row in data.rows:
            copy.write_row(row)


async def time_store_fresh(bench: Bench, data: Round) -> None:
    """Bars that are not there yet."""
    assert b'"inserted":500' in await _post(bench, data.event)


async def time_store_repeated(bench: Bench, data: Round) -> None:
    """The same event again: nothing is to be written."""
    assert b'"unchanged":500' in await _post(bench, data.event)


async def time_store_seen_again(bench: Bench, data: Round) -> None:
    """A later answer that says the same: its time is noted for each bar."""
    assert b'"unchanged":500' in await _post(bench, data.later)


async def time_store_all_revised(bench: Bench, data: Round) -> None:
    """A later answer in which every bar differs: 500 revisions, which never happens."""
    assert b'"revised":500' in await _post(bench, data.corrected)


CASES = [
    time_copy_of_rows,
    time_store_fresh,
    time_store_repeated,
    time_store_seen_again,
    time_store_all_revised,
]
_COPY = f"COPY copied ({COLUMNS}) FROM STDIN".encode()


async def _post(bench: Bench, body: bytes) -> bytes:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = {
        "ce-id": "bench",
        "ce-source": "/benchmarks",
        "ce-type": "tech.stocksalot.bars.fetched.v1",
        "ce-specversion": "1.0",
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw}
    return bytes((await bench.store(Request(scope, receive))).body)


async def measure(bench: Bench, shape: tuple[int, int], starts: list[datetime], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each case in each round, the first rounds left out: they open connections and plan."""
    tickers = [row[0] for row in bench.connection.execute("SELECT ticker FROM tickers ORDER BY ticker").fetchall()]
    count, length = shape
    seconds: dict[str, list[float]] = {case.__name__: [] for case in CASES}
    bench.connection.execute("TRUNCATE bar_revisions, asked_windows")
    for table in ("bars", "copied"):
        bench.connection.execute(SQL("DELETE FROM {} WHERE start >= %s").format(Identifier(table)), starts[:1])
    for number in range(rounds + 5):
        first = number * count % (len(tickers) - count + 1)
        data = make_round(tickers[first : first + count], starts[number * length : (number + 1) * length], number)
        for case in CASES:
            gc.collect()
            before = time.perf_counter()
            await case(bench, data)
            seconds[case.__name__].append(time.perf_counter() - before)
    return {name: found[5:] for name, found in seconds.items()}


def report(shape: tuple[int, int], seconds: dict[str, list[float]]) -> None:
    """Print the table of one shape."""
    floor = median(seconds["time_copy_of_rows"])
    rows = [
        (
            name.removeprefix("time_").replace("_", " "),
            *(f"{value * 1000:.2f}" for value in (min(found), median(found), quantiles(found, n=10)[-1])),
            f"{500 / median(found):,.0f}",
            f"{floor / median(found):.2f}",
        )
        for name, found in seconds.items()
    ]
    print_table(
        f"{shape[0]} tickers x {shape[1]} bars an event, milliseconds",
        ("case", "min", "median", "p90", "rows/s", "of COPY"),
        rows,
    )


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """Make a database with the schema on *server* and drop it afterwards; yield its address."""
    name = f"bench_store_{secrets.token_hex(4)}"
    url = urlsplit(server)._replace(path=f"/{name}").geturl()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("CREATE DATABASE {}").format(Identifier(name)))
        try:
            migrate(url)
            yield url
        finally:
            connection.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(name)))


async def run(url: str, options: argparse.Namespace) -> None:
    """Measure all shapes on the database at *url*."""
    from functions.store.main import store  # reads its settings from the environment that measure_on has set

    logging.disable(logging.INFO)
    gc.freeze()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE copied (LIKE bars INCLUDING ALL)")
        sessions = connection.execute(
            "SELECT date, opens, closes FROM sessions WHERE opens < %s ORDER BY date", [FETCHED]
        ).fetchall()
        starts = TradingCalendar([Session(*row) for row in sessions]).starts("1h", sessions[0][1], FETCHED)
        longest = (options.rounds + 5) * max(length for _, length in SHAPES)
        if options.filled:
            replace_tickers(connection, options.tickers)
            insert(connection, "1h", timedelta(hours=1), options.filled, before=starts[-longest])
            connection.execute("INSERT INTO copied SELECT * FROM bars")
            connection.execute("VACUUM ANALYZE")
        bench = Bench(cast("Callable[[Request], Awaitable[Response]]", store), connection)
        for shape in SHAPES:
            used = starts[-(options.rounds + 5) * shape[1] :]
            report(shape, await measure(bench, shape, used, options.rounds))


def main() -> None:
    """Measure on the given servers, or on private ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--tickers", type=int, default=50)
    parser.add_argument("--filled", type=int, default=0, help="sessions that are stored already")
    parser.add_argument(
        "--url", help="a Postgres server on which a database may be made; else a private one is started"
    )
    parser.add_argument("--redis", default="redis://127.0.0.1:6379/0", help="the Redis to go with it (%(default)s)")
    options = parser.parse_args()
    if options.url:
        measure_on(Stage({"DATABASE_URL": options.url, "REDIS_URL": options.redis}), options)
        return
    with stage(filled=False) as place:
        measure_on(place, options)


def measure_on(place: Stage, options: argparse.Namespace) -> None:
    """Measure on the servers of *place*, in a database of its own."""
    with fresh_database(place.database_url) as url:
        os.environ |= {"DATABASE_URL": url, "REDIS_URL": place.redis_url}
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(url, options))


if __name__ == "__main__":
    main()
