"""The market around one hour, as values: the input of every metric."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from shared.calendar.trading import Session

HOURLY = "1h"
SESSIONS = 20
"""Sessions before this one whose bars are all loaded: for usual volume and for new highs and lows."""
USUAL_AT_LEAST = 5
"""Sessions that an average or a median needs before it is called usual."""
_USUAL_MOVE = Decimal("1.2")
"""Size in percent of a day's move, where a stock's own is not known."""
HUNDRED = Decimal(100)


class Bar(NamedTuple):
    """A stored hourly bar; prices in USD, volume in shares, None where the source has none."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None
    source: str


class EarlierVersion(NamedTuple):
    """An earlier version of a bar, and since when it was served."""

    bar: Bar
    served_at: datetime


class SplitRatio(NamedTuple):
    """A split of shares: new ones for old ones."""

    new_shares: Decimal
    old_shares: Decimal


@dataclass(frozen=True)
class Hour:
    """The bar that starts at *start* in *session*, of all *tickers*, with the bars before it.

    *previous* are the sessions before, oldest first: of the newest 20 all bars are loaded, of older ones the last bar.
    *bars* are by ticker and start, and may have holes. *next_session* is the date of the session after, None where it
    is not known. *revisions* are the first versions of bars that were revised since, by ticker and start;
    *splits* are those of this session. *on_two_scales* are tracked tickers that no figure compares because of a split,
    *on_two_sources* those without a figure of the day or the session because their source changed.
    """

    start: datetime
    session: Session
    previous: Sequence[Session]
    tickers: tuple[str, ...]
    bars: Mapping[str, Mapping[datetime, Bar]]
    industries: Mapping[str, str] = field(default_factory=dict)
    next_session: date | None = None
    revisions: Mapping[str, Mapping[datetime, EarlierVersion]] = field(default_factory=dict)
    splits: Mapping[str, SplitRatio] = field(default_factory=dict)
    on_two_scales: tuple[str, ...] = ()
    on_two_sources: tuple[str, ...] = ()

    @property
    def end(self) -> datetime:
        """End of the hour: the session's last bar may be shorter."""
        return self.session.end(HOURLY, self.start)

    @property
    def closes(self) -> bool:
        """True for the last bar of the session."""
        return self.end == self.session.closes

    @property
    def opens(self) -> bool:
        """True for the first bar of the session."""
        return self.start == self.session.opens

    @property
    def ends_week(self) -> bool:
        """True for the last bar of the week's last session."""
        return self.closes and self.next_session is not None and _week(self.next_session) != _week(self.session.date)

    @property
    def tracked(self) -> int:
        """Number of all tickers, those that are left out for a split included."""
        return len(self.tickers) + len(self.on_two_scales)

    @cached_property
    def present(self) -> tuple[str, ...]:
        """The tickers that have a bar of this hour, in order."""
        return tuple(ticker for ticker in self.tickers if self.start in self.bars.get(ticker, ()))

    @property
    def missing(self) -> tuple[str, ...]:
        """The tickers that have none, in order."""
        return tuple(ticker for ticker in self.tickers if ticker not in self.present)

    @property
    def left_out(self) -> list[dict[str, str]]:
        """The tickers that figures leave out although they have a bar, with the reason, in order."""
        reasons = dict.fromkeys(self.on_two_sources, "source-changed") | dict.fromkeys(self.on_two_scales, "split")
        return [{"ticker": ticker, "reason": reason} for ticker, reason in sorted(reasons.items())]

    @cached_property
    def so_far(self) -> tuple[datetime, ...]:
        """Starts of the session's bars up to this one."""
        return tuple(start for start in self.session.starts(HOURLY) if start <= self.start)

    @property
    def before(self) -> datetime | None:
        """Start of the bar before this one in the same session, None for the session's first."""
        return self.so_far[-2] if len(self.so_far) > 1 else None

    @cached_property
    def recent(self) -> Sequence[Session]:
        """The newest 20 sessions before this one."""
        return self.previous[-SESSIONS:]

    @cached_property
    def closings(self) -> tuple[datetime, ...]:
        """Starts of the last bars of the sessions before, newest first."""
        return tuple(last_start(session) for session in reversed(self.previous))

    @property
    def previous_closing(self) -> datetime | None:
        """Start of the last bar of the session before."""
        return self.closings[0] if self.closings else None

    @cached_property
    def history(self) -> tuple[datetime, ...]:
        """Starts of all bars of the newest 20 sessions before, oldest first."""
        return tuple(start for session in self.recent for start in session.starts(HOURLY))

    def same_time(self, start: datetime) -> tuple[datetime, ...]:
        """Return the starts of earlier sessions' bars that are as long and as far from their opening as at *start*."""
        offset, length = start - self.session.opens, self.session.end(HOURLY, start) - start
        starts = [(session, session.opens + offset) for session in self.recent]
        return tuple(
            other
            for session, other in starts
            if other < session.closes and session.end(HOURLY, other) - other == length
        )

    def period_closing(self, period: str) -> datetime | None:
        """Return the start of the last bar before this week, month or year."""
        part = PERIODS[period]
        earlier = [session for session in self.previous if part(session.date) != part(self.session.date)]
        return last_start(earlier[-1]) if earlier else None

    def bar(self, ticker: str, start: datetime | None) -> Bar | None:
        """Return the bar of *ticker* at *start*, None where there is none."""
        return None if start is None else self.bars.get(ticker, {}).get(start)

    def all_bars(self, ticker: str, starts: Iterable[datetime]) -> list[Bar] | None:
        """Return the bars of *ticker* at *starts*, None when one is missing."""
        held = self.bars.get(ticker, {})
        found = [held.get(start) for start in starts]
        return None if None in found else [bar for bar in found if bar]

    def changes_since(self, start: datetime | None, field: str = "close") -> dict[str, Decimal]:
        """Return the unrounded changes in percent to this close from *field* of the bar at *start*, by ticker."""
        found: dict[str, Decimal] = {}
        for ticker in self.present if start else ():
            old = self.bar(ticker, start)
            if old is not None and (base := getattr(old, field)):
                found[ticker] = change(base, self.bars[ticker][self.start].close)
        return found

    @cached_property
    def day_changes(self) -> dict[str, Decimal]:
        """Changes in percent since the previous close, by ticker."""
        return self.changes_since(self.previous_closing)

    @cached_property
    def hour_changes(self) -> dict[str, Decimal]:
        """Changes in percent since the bar before in this session, by ticker."""
        return self.changes_since(self.before)

    @cached_property
    def usual_moves(self) -> dict[str, Decimal]:
        """Median size in percent of the moves from close to close over the 20 sessions before, by ticker."""
        return {ticker: self._usual_move(ticker) for ticker in self.present}

    def _usual_move(self, ticker: str) -> Decimal:
        closes = [bar.close for start in self.closings[:SESSIONS] if (bar := self.bar(ticker, start))]
        moves = [abs(change(old, new)) for new, old in pairwise(closes) if old]
        return max(median(moves), Decimal("0.2")) if len(moves) >= USUAL_AT_LEAST else _USUAL_MOVE


def change(old: Decimal, new: Decimal) -> Decimal:
    """Return the change from *old* to *new* in percent, unrounded."""
    return (new - old) / old * HUNDRED


def last_start(session: Session) -> datetime:
    """Return the start of the last bar of *session*."""
    *_, last = session.starts(HOURLY)
    return last


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _month(day: date) -> tuple[int, int]:
    return day.year, day.month


def _year(day: date) -> tuple[int, int]:
    return day.year, 0


PERIODS = {"week": _week, "month": _month, "year": _year}
