"""Gaps in the stored bars and the windows to request for them. Pure: values to values, no I/O."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from shared.calendar.trading import TradingCalendar

OVERLAP_BARS = 10
"""Bars requested again before the missing ones, so that late corrections and gaps are picked up."""

EVENT_BARS = 7000
"""Bars of one event. At up to 140 bytes a bar it stays under 1 MiB; `truncate` handles longer figures."""

TICKER_BARS = 5000
"""Bars of one ticker in one answer of a provider: Twelve Data's outputsize."""

RETRY_PAUSE = timedelta(seconds=30)
"""Less than lies between two ticks of the schedule."""


class TickerHistory(NamedTuple):
    """History of a ticker: its newest stored bar, and the ranges in which a provider has no more bars."""

    ticker: str
    newest: datetime | None
    source: str | None
    """Of the newest bar."""
    asked_at: datetime | None
    settled: tuple[tuple[datetime, datetime], ...] = ()
    pausing: bool = False
    """Every provider failed to serve it at the last try."""
    rechecks: bool = False
    """Bars that the provider lacked are due to be requested again."""


class Gap(NamedTuple):
    """The oldest and the newest missing bar of a ticker, by their starts; *source* is that of its newest stored bar."""

    ticker: str
    first: datetime
    last: datetime
    asked_at: datetime | None
    source: str | None


class FetchRequest(NamedTuple):
    """Bars to request from a provider: those of *ticker* that start in [start, end)."""

    ticker: str
    start: datetime
    end: datetime


def find_gaps(history_of: Iterable[TickerHistory], expected: Sequence[datetime], history: datetime) -> list[Gap]:
    """Return the missing ranges of each ticker after its newest bar, or since *history* if it has none.

    *expected* are the starts of the finished bars that the sessions call for, in order.
    """
    gaps: list[Gap] = []
    for one in history_of:
        index = bisect_left(expected, history) if one.newest is None else bisect_right(expected, one.newest)
        missing = [start for start in expected[index:] if not _holds(one.settled, start)]
        if missing:
            gaps.append(Gap(one.ticker, missing[0], missing[-1], one.asked_at, one.source if one.newest else None))
    return gaps


def ignore_simulated(history_of: Iterable[TickerHistory]) -> list[TickerHistory]:
    """Return *history_of* as a real provider sees it: a ticker that ends in simulated bars has none."""
    return [one._replace(newest=None, asked_at=None) if one.source == "simulated" else one for one in history_of]


def drop_recent(gaps: Iterable[Gap], finished_at: datetime, now: datetime) -> list[Gap]:
    """Return *gaps* without those requested within RETRY_PAUSE, after the newest bar was finished at *finished_at*.

    A bar that the provider does not have is requested again by the next tick, not by one right after this.
    """
    return [gap for gap in gaps if not (gap.asked_at and gap.asked_at >= max(finished_at, now - RETRY_PAUSE))]


def sort_by_urgency(gaps: Iterable[Gap], finished_at: datetime) -> list[Gap]:
    """Return the gaps not requested since the newest bar was finished, stalest first, then those that wait longest."""

    def place(gap: Gap) -> tuple[bool, datetime, datetime, str]:
        asked = gap.asked_at is not None and gap.asked_at >= finished_at
        return asked, (gap.asked_at if asked and gap.asked_at else gap.first), gap.first, gap.ticker

    return sorted(gaps, key=place)


def replace_histories(
    gaps: Iterable[Gap],
    history_of: Iterable[TickerHistory],
    refetches: Mapping[str, datetime],
    expected: Sequence[datetime],
) -> list[Gap]:
    """Return *gaps* with the whole history of the tickers in *refetches* first, as far back as one answer reaches."""
    reach = len(expected) - TICKER_BARS + OVERLAP_BARS
    again = [
        Gap(one.ticker, expected[max(bisect_left(expected, first), reach)], expected[-1], one.asked_at, one.source)
        for one in history_of
        if (first := refetches.get(one.ticker)) and first <= expected[-1]
    ]
    return [*again, *(gap for gap in gaps if gap.ticker not in {one.ticker for one in again})]


def plan_requests(
    gaps: Iterable[Gap],
    expected: Sequence[datetime],
    market: TradingCalendar,
    interval: str,
    *,
    overlap: int = OVERLAP_BARS,
) -> list[FetchRequest]:
    """Return the requests, in order: as many whole tickers as one event carries.

    Where even one window is too long, its oldest part, so that the next tick goes on from there. With a ticker that has
    bars, *overlap* bars before the gap are requested too.
    """
    asks: list[FetchRequest] = []
    room = EVENT_BARS
    for gap in gaps:
        low = bisect_left(expected, gap.first)
        first = low if gap.source is None else max(low - overlap, 0)
        end = min(bisect_right(expected, gap.last), first + TICKER_BARS)
        if end - first > room:
            break
        asks.append(FetchRequest(gap.ticker, expected[first], bar_end(market, interval, expected[end - 1])))
        room -= end - first
    return asks


def bar_end(market: TradingCalendar, interval: str, start: datetime) -> datetime:
    """Return when the bar that starts at *start*, in one of the sessions of *market*, ends."""
    session = market.session_at(start)
    assert session is not None, "bars lie in sessions"  # noqa: S101
    return session.end(interval, start)


def _holds(windows: Sequence[tuple[datetime, datetime]], instant: datetime) -> bool:
    return any(start <= instant < end for start, end in windows)
