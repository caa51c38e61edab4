"""Whatever stands in an answer's cells: no fault of one bar touches another, and none is lost."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers.alpaca import pair
from functions.ingest.providers.twelvedata_answers import read_series
from functions.ingest.providers.yahoo import read_chart
from functions.store.validation import validate_bars
from shared.events.types import Bar, BarsFetched, RefusedBar, Series
from shared.runtime.settings import Secret
from tests.fake_vendors import exchange, utc

OPENS, CLOSES = utc("2026-11-16 14:30"), utc("2026-11-20 21:00")
MARKET = exchange()
STARTS = MARKET.starts("1h", OPENS, CLOSES)
HALVES = [start + timedelta(minutes=30) * half for start in STARTS for half in range(1 + (start.hour < 20))]
JUNK: tuple[Any, ...] = (
    None, "", "abc", True, [], {"a": 1}, "NaN", float("nan"), "Infinity", "-Infinity", float("inf"), "1e999999", "9e30",
    Decimal("1e-320"), "-5", 0, 10**40, "0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59-05:00", -(10**18), "\ud800\0",
)  # fmt: skip

Read = tuple[Sequence[Bar], Sequence[RefusedBar]]


def twelvedata(rows: list[Any]) -> Read:
    """Read values as of Twelve Data."""
    names = ("datetime", "open", "high", "low", "close", "volume")
    values = [dict(zip(names, row, strict=True)) if isinstance(row, list) and row else row for row in rows]
    found = read_series({"values": values}, "1h", Secret("k"))
    return found.bars, found.refused


def alpaca(rows: list[Any]) -> Read:
    """Read half hours as of Alpaca."""
    halves = [dict(zip("tohlcv", row, strict=True)) if isinstance(row, list) and row else row for row in rows]
    return pair(halves, FetchRequest("KO", OPENS, CLOSES), MARKET, CLOSES)


def yahoo(rows: list[Any]) -> Read:
    """Read a chart as of Yahoo."""
    cells = [row if isinstance(row, list) and row else [row] * 6 for row in rows]
    times, opened, high, low, close, volume = (list(column) for column in zip(*cells, strict=True))
    quote = {"open": opened, "high": high, "low": low, "close": close, "volume": volume}
    return read_chart({"timestamp": times, "indicators": {"quote": [quote]}})


@pytest.mark.parametrize(("hours", "extended"), [(-5, False), (-5, True), (0.5, False), (7, True)])
def test_half_hours_under_another_clock_are_refused(hours: float, extended: bool) -> None:
    """New York's time called UTC, for instance, with the half hours outside sessions or without them."""
    days = [OPENS + timedelta(days=day) for day in range(5)]
    span = range(-11, 21) if extended else range(13)
    starts = [opens + timedelta(minutes=30) * half for opens in days for half in span]

    right, none = alpaca([[f"{start}", 1, 1, 1, 1, 1] for start in starts])
    bars, refused = alpaca([[f"{start + timedelta(hours=hours)}", 1, 1, 1, 1, 1] for start in starts])

    assert (len(right), none) == (35, [])
    assert bars == []
    assert {one.reason for one in refused} == {"clock-doubtful"}


@pytest.mark.parametrize(("read", "starts"), [(twelvedata, STARTS), (alpaca, HALVES), (yahoo, STARTS)])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_junk_in_some_bars_costs_no_other(
    read: Callable[[list[Any]], Read], starts: list[datetime], data: st.DataObject
) -> None:
    """Each hour without junk is valid with its figures; the others are refused by a reason, or valid, or were nulls."""
    rows: list[Any] = [
        [int(start.timestamp()) if read is yahoo else start.isoformat(), "10.5", "12", "9.25", "11", 700]
        for start in starts
    ]
    spoiled = data.draw(st.dictionaries(st.integers(0, len(rows) - 1), st.sampled_from(JUNK), min_size=1, max_size=5))
    for index, junk in spoiled.items():
        place = data.draw(st.integers(0, 6))
        rows[index] = (
            junk if place == 6 else [junk if place == cell else value for cell, value in enumerate(rows[index])]
        )
    hours = {next(hour for hour in reversed(STARTS) if hour <= starts[index]) for index in spoiled}

    bars, refused = read(rows)

    series = Series(ticker="KO", start=OPENS, end=CLOSES, bars=tuple(bars), refused=tuple(refused))
    event = BarsFetched(interval="1h", source="x", fetched_at=CLOSES + timedelta(hours=9), series=(series,))
    received = BarsFetched.from_json(event.to_json()).series[0]
    sent = [("KO", bar.start, bar) for bar in received.bars]
    valid, rejected = validate_bars(
        sent, interval="1h", fetched_at=event.fetched_at, market=MARKET, tickers={"KO": True}
    )
    stored = valid.get("KO", {})
    assert set(STARTS) - hours <= stored.keys() <= set(STARTS)
    assert all(
        bar.open == Decimal("10.5") and bar.low == Decimal("9.25") for hour, bar in stored.items() if hour not in hours
    )
    assert all(one.rejection.reason for one in rejected)
    assert all(one.reason and one.text for one in received.refused)
    if read is twelvedata:
        assert len(bars) + len(refused) == len(rows)
