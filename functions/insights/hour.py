"""The market around one hour, as values: what its facts are computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple

from shared.calendar.trading import Session

HOURLY = "1h"
SESSIONS = 20
"""How many sessions before are looked at for what is usual, for streaks, and for new highs and lows."""


class Bar(NamedTuple):
    """A stored hourly bar; prices in USD, volume in shares, None where the source has none."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None
    source: str


@dataclass(frozen=True)
class Hour:
    """The bar that starts at *start* in *session*, of all *tickers*, with the bars before it.

    *previous* are the sessions before, oldest first; *bars* are by ticker and start, and may have holes.
    """

    start: datetime
    session: Session
    previous: Sequence[Session]
    tickers: tuple[str, ...]
    bars: Mapping[str, Mapping[datetime, Bar]]

    @property
    def end(self) -> datetime:
        """When the hour ends: the session's last bar may be shorter."""
        return self.session.end(HOURLY, self.start)

    @cached_property
    def present(self) -> tuple[str, ...]:
        """The tickers that have a bar of this hour, in order."""
        return tuple(ticker for ticker in self.tickers if self.start in self.bars.get(ticker, ()))

    @property
    def missing(self) -> tuple[str, ...]:
        """The tickers that have none, in order."""
        return tuple(ticker for ticker in self.tickers if ticker not in self.present)

    @cached_property
    def so_far(self) -> tuple[datetime, ...]:
        """The starts of the session's bars up to this one."""
        return tuple(start for start in self.session.starts(HOURLY) if start <= self.start)

    @property
    def before(self) -> datetime | None:
        """The start of the bar before this one in the same session, None for the session's first."""
        return self.so_far[-2] if len(self.so_far) > 1 else None

    @cached_property
    def closings(self) -> tuple[datetime, ...]:
        """The starts of the last bars of the sessions before, newest first."""
        return tuple(last_start(session) for session in reversed(self.previous))

    @cached_property
    def same_time(self) -> tuple[datetime, ...]:
        """The starts of the bars of earlier sessions at the same time after the opening, and as long, oldest first."""
        offset, length = self.start - self.session.opens, self.end - self.start
        starts = [(session, session.opens + offset) for session in self.previous]
        return tuple(
            start
            for session, start in starts
            if start < session.closes and session.end(HOURLY, start) - start == length
        )

    @cached_property
    def history(self) -> tuple[datetime, ...]:
        """The starts of all bars of the sessions before, oldest first."""
        return tuple(start for session in self.previous for start in session.starts(HOURLY))

    def bar(self, ticker: str, start: datetime | None) -> Bar | None:
        """Return the bar of *ticker* at *start*, None where there is none."""
        return None if start is None else self.bars.get(ticker, {}).get(start)

    def all_bars(self, ticker: str, starts: Sequence[datetime]) -> list[Bar] | None:
        """Return the bars of *ticker* at *starts*, None when one is missing."""
        held = self.bars.get(ticker, {})
        found = [held[start] for start in starts if start in held]
        return found if len(found) == len(starts) else None


def last_start(session: Session) -> datetime:
    """Return the start of the last bar of *session*."""
    *_, last = session.starts(HOURLY)
    return last
