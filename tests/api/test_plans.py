"""How Postgres finds what the API answers: by the primary key of bars, however many there are."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from functions.api.bars import BarQuery, BarRange, select_derived_bars, select_hourly_bars
from functions.api.coverage import select_coverage
from functions.api.latest import select_latest
from functions.api.market_state import select_ticker_statuses
from functions.api.movers import select_movers
from functions.api.parameters import Basis, Movers
from functions.api.status import select_health
from tests.conftest import new_database
from tests.reading import at

FILL = """
    INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at)
    SELECT ticker, '1h', hour, 100, 101, 99, 100.5, 1000, 'simulated', hour + interval '1 hour'
      FROM tickers,
           (SELECT * FROM sessions WHERE opens < '2026-11-21' ORDER BY opens DESC LIMIT 575) AS session,
           generate_series(opens, closes - interval '1 second', interval '1 hour') AS hour
"""
TICKERS = ("AAPL", "MSFT", "XOM")
WINDOW = (at("2026-03-02 14:30"), at("2026-11-20 14:30"))

BARS = {"bars", "bars_pkey"}

Select = Callable[[psycopg.AsyncConnection], Awaitable[Any]]


@pytest.fixture(scope="module")
def filled(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A database with 200,000 bars of which Postgres has looked at the statistics."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(FILL)
            connection.execute("VACUUM ANALYZE")
        yield url


def plans_of(url: str, select: Select) -> list[dict[str, Any]]:
    """Every node of the plans by which *select* worked, those inside SQL functions too."""
    logged: list[str] = []

    async def explain() -> None:
        settings = (
            "jit=off",
            "session_preload_libraries=auto_explain",
            "auto_explain.log_min_duration=0",
            "auto_explain.log_analyze=on",
            "auto_explain.log_nested_statements=on",
            "auto_explain.log_format=json",
            "client_min_messages=log",
        )
        options = " ".join(f"-c {setting}" for setting in ("timezone=UTC", *settings))
        async with await psycopg.AsyncConnection.connect(url, autocommit=True, options=options) as connection:
            connection.add_notice_handler(lambda notice: logged.append(notice.message_primary or ""))
            await select(connection)

    asyncio.run(explain())
    plans = [json.loads(message[message.index("{") :])["Plan"] for message in logged if "plan:" in message]
    return [node for plan in plans for node in nodes(plan)]


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """*plan* and all below it."""
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def movers(basis: Basis) -> Select:
    """The statement behind /movers."""
    return lambda connection: select_movers(connection, Movers(basis=basis))


def hourly(*window: datetime | None, from_newest: bool, known_at: datetime | None = None) -> Select:
    """The statement behind /ohlc, for 50 bars of three tickers."""
    page = BarQuery([BarRange(ticker, *window) for ticker in TICKERS], 50, from_newest, known_at=known_at)
    return lambda connection: select_hourly_bars(connection, page)


def derived(interval: str, limit: int, *, from_newest: bool, known_at: datetime | None = None) -> Select:
    """The statement behind /ohlc with a longer interval, for three tickers."""
    spans = [BarRange(ticker, WINDOW[0], None) for ticker in TICKERS]
    page = BarQuery(spans, limit, from_newest, known_at=known_at)
    return lambda connection: select_derived_bars(connection, interval, page)


CASES: dict[str, tuple[Select, int]] = {
    "/latest": (select_latest, 300),
    "/movers": (movers("previous_close"), 8_000),
    "/movers?basis=previous_bar": (movers("previous_bar"), 1_500),
    "/ohlc, newest": (hourly(None, None, from_newest=True), 200),
    "/ohlc, newest in a window": (hourly(*WINDOW, from_newest=True), 200),
    "/ohlc, from a start": (hourly(*WINDOW, from_newest=False), 200),
    "/ohlc, newest as of then": (hourly(None, None, from_newest=True, known_at=WINDOW[1]), 200),
    "/ohlc?interval=1d": (derived("1d", 5, from_newest=True), 3 * 6 * (10 + 7)),
    "/ohlc?interval=1mo": (derived("1mo", 2, from_newest=False), 3 * 3 * (170 + 161)),
    "/ohlc?interval=1d, as of then": (derived("1d", 5, from_newest=True, known_at=WINDOW[1]), 3 * 6 * 10),
    "/coverage": (lambda it: select_coverage(it, [WINDOW[1]], TICKERS, at("2026-11-22 00:00"), "sessions"), 50),
    "/status": (lambda connection: select_health(connection, WINDOW[0]), 500),
    "lagging tickers": (lambda connection: select_ticker_statuses(connection, WINDOW[1]), 100),
}


@pytest.mark.parametrize("name", CASES)
def test_bars_are_found_by_their_key(filled: str, name: str) -> None:
    """No answer reads the table from end to end: each goes through the primary key, to few more bars than it needs."""
    select, most = CASES[name]

    met = [node for node in plans_of(filled, select) if BARS & {node.get("Relation Name"), node.get("Index Name")}]
    scans = [node for node in met if "Relation Name" in node]

    assert scans, "a plan that never meets the table proves nothing"
    assert {node["Node Type"] for node in scans} <= {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}
    assert {node["Index Name"] for node in met if "Index Name" in node} == {"bars_pkey"}
    assert sum(node["Actual Rows"] * node["Actual Loops"] for node in scans) <= most


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("from_newest", [True, False])
@pytest.mark.parametrize("first", [None, WINDOW[0]])
def test_a_few_periods_are_the_first_of_all(
    filled: str, unit: str, *, from_newest: bool, first: datetime | None
) -> None:
    """Of a long history with holes a short answer is the beginning of the long one, though it looks at less."""
    asked = "SELECT * FROM derived_bars('AAPL', %s, %s, NULL, %s, %s)"
    holes = "start BETWEEN '2026-05-10' AND '2026-08-03' OR start > '2026-10-30'"
    with psycopg.connect(filled) as connection:
        connection.execute(f"DELETE FROM bars WHERE ticker = 'AAPL' AND ({holes})".encode())
        whole = connection.execute(asked, [unit, first, from_newest, 10_000]).fetchall()
        for most in (1, 2, 3, 7, 20):
            assert connection.execute(asked, [unit, first, from_newest, most]).fetchall() == whole[:most]
        connection.rollback()
    assert len(whole) >= 5
