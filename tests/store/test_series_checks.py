"""A series with another clock, grid, interval or scale: no false bar is stored, and every other ticker is."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.ingest.providers import simulated
from functions.store.jumps import drop_jumps
from functions.store.validation import BarBatch, RejectedBar, validate_bars
from shared.calendar.trading import EXCHANGE_ZONE, Session
from shared.events.types import Bar
from tests.fake_vendors import exchange, utc

NOW = utc("2026-11-21 12:00")
SESSIONS = [session for session in exchange().sessions if session.closes < NOW]


def moved(bars: Sequence[Bar], change: Callable[[Bar, Session], datetime | None]) -> list[Bar]:
    """*bars* with other times; those without one are left out."""
    found = []
    for bar in bars:
        session = exchange().session_at(bar.start)
        assert session is not None
        if start := change(bar, session):
            found.append(replaced(bar, start=start))
    return found


def replaced(bar: Bar, **changes: Any) -> Bar:
    """*bar* with *changes*."""
    figures: dict[str, Any] = {name: getattr(bar, name) for name in ("start", "open", "high", "low", "close", "volume")}
    return Bar(**figures | changes)


def scaled(bar: Bar, factor: Decimal) -> Bar:
    """*bar* with all prices times *factor*."""
    return replaced(bar, **{name: getattr(bar, name) * factor for name in ("open", "high", "low", "close")})


def named_in_new_york(bar: Bar, _: Session) -> datetime:
    """The time on New York's clock, said to be UTC."""
    return bar.start.astimezone(EXCHANGE_ZONE).replace(tzinfo=UTC)


def named_by_end(bar: Bar, session: Session) -> datetime:
    """The end of the bar."""
    return session.end("1h", bar.start)


def named_by_clock_hours(bar: Bar, session: Session) -> datetime:
    """9:30, 10:00, 11:00 ... as IBKR cuts hours."""
    return bar.start if bar.start == session.opens else bar.start - timedelta(minutes=30)


def named_every_other(bar: Bar, session: Session) -> datetime | None:
    """Two-hour bars."""
    return None if (bar.start - session.opens) % timedelta(hours=2) else bar.start


def checked(series: dict[str, Sequence[Bar]], now: datetime = NOW) -> tuple[BarBatch, list[RejectedBar]]:
    """The bars of *series* that are stored, and the rejected ones."""
    bars = [(ticker, bar.start, bar) for ticker, some in series.items() for bar in some]
    valid, rejected = validate_bars(
        bars, interval="1h", fetched_at=now, market=exchange(), tickers=dict.fromkeys(series, True)
    )
    plausible, jumped = drop_jumps(valid, {}, ())
    return plausible, rejected + jumped


def market(ticker: str, first: int, count: int) -> list[Bar]:
    """The bars of *count* sessions from the session *first* on."""
    return [bar for session in SESSIONS[first : first + count] for bar in simulated.session_bars(ticker, "1h", session)]


WRONG = {
    "clock-doubtful": named_in_new_york,
    "named-by-end": named_by_end,
    "off-grid": named_by_clock_hours,
    "spacing": named_every_other,
}


@pytest.mark.parametrize(("reason", "change"), WRONG.items())
@given(first=st.integers(0, len(SESSIONS) - 61), count=st.integers(5, 15))
@settings(max_examples=10, deadline=None)
def test_a_series_with_other_times_is_rejected_and_no_other(
    reason: str, change: Callable[[Bar, Session], datetime | None], first: int, count: int
) -> None:
    """Whichever days it covers; clock changes, holidays and half days among them."""
    wrong, right = moved(market("KO", first, count), change), market("PG", first, count)

    valid, rejected = checked({"KO": wrong, "PG": right})

    assert list(valid) == ["PG"]
    assert list(valid["PG"].values()) == right
    assert len(rejected) == len(wrong)
    assert {one.ticker for one in rejected} == {"KO"}
    assert reason in {one.rejection.reason for one in rejected}


@given(
    st.integers(0, len(SESSIONS) - 61), st.integers(2, 12), st.integers(-20, 20).filter(lambda steps: abs(steps) > 1)
)
@settings(max_examples=20, deadline=None)
def test_a_series_with_any_clock_is_rejected(first: int, count: int, half_hours: int) -> None:
    """An hour to ten hours off, in either direction."""
    shift = timedelta(minutes=30 * half_hours)

    valid, rejected = checked({"KO": moved(market("KO", first, count), lambda bar, _: bar.start + shift)})

    assert valid == {}
    assert len(rejected) == len(market("KO", first, count))


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_week_of_one_session_is_judged_by_the_others(hours: int) -> None:
    """Bars beside the window of a request are not sent: a session an hour off has six bars on the grid."""
    first = next(index for index, session in enumerate(SESSIONS) if session.date == date(2026, 9, 11))  # a Friday
    opens, closes = SESSIONS[first].opens, SESSIONS[first + 6].closes
    late = moved(market("KO", first - 1, 9), lambda bar, _: bar.start + timedelta(hours=hours))
    sent = [bar for bar in late if opens <= bar.start < closes]

    valid, rejected = checked({"KO": sent})

    assert (valid, len(rejected)) == ({}, len(sent))


@given(
    st.integers(0, len(SESSIONS) - 30),
    st.integers(1, 7),
    st.integers(8, 40),
    st.sampled_from(["100", "0.01", "10000", "10", "0.1", "2", "0.5"]),
)
@settings(max_examples=20, deadline=None)
def test_bars_on_another_scale_for_a_while_are_rejected_alone(first: int, length: int, at: int, factor: str) -> None:
    """Up to a session of them, all others are stored."""
    right = market("KO", first, 10)
    wrong = [scaled(bar, Decimal(factor)) if at <= index < at + length else bar for index, bar in enumerate(right)]

    valid, rejected = checked({"KO": wrong})

    assert [one.start for one in rejected] == [bar.start for bar in right[at : at + length]]
    assert list(valid["KO"].values()) == [*right[:at], *right[at + length :]]


@pytest.mark.parametrize(("name", "factor"), [("high", "100"), ("low", "0.01"), ("open", "1.6")])
def test_one_price_on_another_scale_is_enough(name: str, factor: str) -> None:
    """All four prices are compared with those around, not the close alone."""
    right = market("KO", 0, 5)
    price = getattr(right[9], name) * Decimal(factor)
    changes = {name: price} | ({"high": price} if name == "open" else {})
    wrong = [replaced(bar, **changes) if index == 9 else bar for index, bar in enumerate(right)]

    _, rejected = checked({"KO": wrong})

    assert [(one.start, one.rejection.reason) for one in rejected] == [(right[9].start, "spike")]


def test_extended_hours_are_rejected_alone() -> None:
    """Bars before the open and after the close say nothing of the clock: all of the sessions' are stored."""
    right = market("KO", 0, 10)
    around = [
        replaced(right[0], start=session.opens + timedelta(hours=hours))
        for session in SESSIONS[:10]
        for hours in (-5, -4, -3, -2, -1, 7, 8, 9)
    ]

    valid, rejected = checked({"KO": [*around, *right]})

    assert list(valid["KO"].values()) == right
    assert {one.rejection.reason for one in rejected} == {"outside-session"}


@pytest.fixture(scope="module")
def real(real_data: Callable[[str], Path]) -> dict[str, list[Bar]]:
    """Two months of real hourly bars of 50 tickers."""
    found: dict[str, list[Bar]] = defaultdict(list)
    with gzip.open(real_data("stooq_top50_1h.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            figures: dict[str, Any] = {name: Decimal(row[name]) for name in ("open", "high", "low", "close")}
            volume = Decimal(row["volume"]) if row["volume"] else None
            found[row["ticker"]].append(Bar(start=datetime.fromisoformat(row["datetime"]), volume=volume, **figures))
    return dict(found)


@pytest.mark.parametrize(("reason", "change"), WRONG.items())
def test_real_bars_with_other_times_among_healthy_ones(
    real: dict[str, list[Bar]], reason: str, change: Callable[[Bar, Session], datetime | None]
) -> None:
    """Every second ticker of one answer is wrong: none of their bars is stored, and every bar of the others is."""
    wrong = set(sorted(real)[::2])

    valid, rejected = checked(
        {ticker: moved(bars, change) if ticker in wrong else bars for ticker, bars in real.items()}
    )

    assert valid.keys() == real.keys() - wrong
    assert all(list(valid[ticker].values()) == real[ticker] for ticker in valid)
    assert {one.ticker for one in rejected} == wrong
