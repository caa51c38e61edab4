"""Market state shared by all endpoints: current time, trading calendar, tickers with missing bars."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import class_row

from functions.api.splits import Split, select_left_out, select_splits
from shared.calendar.trading import TradingCalendar, select_calendar
from shared.http.tickers import resolve, unknown_ticker
from shared.runtime import clock

HOURLY = "1h"
_SCALING = ("applied", "pending", "suspected")
"""States of a split that stored prices follow, or may have to follow."""
_PAST, _AHEAD = timedelta(days=15), timedelta(days=25)
_CALENDAR_SECONDS = 24 * 3600


@dataclass(frozen=True, slots=True)
class TickerStatus:
    """Status of a ticker; *behind*: the last finished bar is missing and a provider may still have it."""

    ticker: str
    active: bool
    behind: bool
    renamed_to: str | None = None
    """None also where the old name still has bars: those that the new name has too."""


@dataclass(frozen=True)
class MarketState:
    """The market at the instant *now*."""

    now: datetime
    grace: timedelta
    calendar: TradingCalendar
    tickers: tuple[TickerStatus, ...]
    splits: tuple[Split, ...] = ()
    """Splits that the scale of prices depends on, newest first."""
    left_out: tuple[dict[str, Any], ...] = ()
    """Tickers that no figure compares for now, with the reason."""

    @property
    def last_finished_bar(self) -> datetime | None:
        """The start of the newest bar that counts as finished."""
        return self.calendar.last_finished_bar(HOURLY, self.now, self.grace)

    @property
    def next_due(self) -> datetime | None:
        """The instant at which the next bar counts as finished."""
        return self.calendar.next_due(HOURLY, self.now, self.grace)

    @property
    def next_update_at(self) -> datetime | None:
        """The instant from which new data may come at any moment: now, while a ticker is behind."""
        return self.now if self.behind else self.next_due

    @property
    def behind(self) -> int:
        """Number of active tickers that lack the last finished bar."""
        return sum(status.behind for status in self.tickers)

    @property
    def active(self) -> tuple[str, ...]:
        """The tickers that are fetched and shown, in order."""
        return tuple(status.ticker for status in self.tickers if status.active)

    @cached_property
    def renames(self) -> dict[str, str | None]:
        """Every ticker that is known, with the new name of one that was renamed."""
        return {status.ticker: status.renamed_to for status in self.tickers}

    def resolve_tickers(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the tickers that *names* spell, in order; Problem 404 when one of them is unknown."""
        found = {name: resolve(name, self.renames) for name in names}
        if unknown := sorted(name for name, ticker in found.items() if ticker is None):
            raise unknown_ticker(*unknown, known=self.renames)
        return tuple(sorted({ticker for ticker in found.values() if ticker}))


class MarketStateCache:
    """Cache of the calendar and of the tickers while the market version stays; a closing raises it as a bar does."""

    def __init__(self, grace_seconds: int) -> None:
        self._grace = timedelta(seconds=grace_seconds)
        self._calendar = TradingCalendar(())
        self._calendar_at: datetime | None = None
        self._calendar_version = 0
        self._tickers: tuple[TickerStatus, ...] = ()
        self._tickers_key: tuple[int, datetime | None] | None = None
        self._splits: tuple[Split, ...] = ()
        self._left_out: tuple[dict[str, Any], ...] = ()

    async def load(self, connection: AsyncConnection, version: int) -> MarketState:
        """Return the market now, as of the market *version*."""
        now = clock.now()
        age = (now - self._calendar_at).total_seconds() if self._calendar_at else -1
        if self._calendar_version != version or not 0 <= age < _CALENDAR_SECONDS:
            self._calendar = await select_calendar(connection, now - _PAST, now + _AHEAD)
            self._calendar_at, self._calendar_version = now, version
        finished = self._calendar.last_finished_bar(HOURLY, now, self._grace)
        if self._tickers_key != (version, finished):
            self._tickers = tuple(await select_ticker_statuses(connection, finished))
            self._splits = tuple(await select_splits(connection, states=_SCALING))
            self._left_out = tuple(await select_left_out(connection)) if self._splits else ()
            self._tickers_key = (version, finished)
        return MarketState(now, self._grace, self._calendar, self._tickers, self._splits, self._left_out)


async def select_ticker_statuses(connection: AsyncConnection, bar_start: datetime | None) -> list[TickerStatus]:
    """Return every ticker in order, with whether it lacks the bar of that start."""
    cursor = connection.cursor(row_factory=class_row(TickerStatus))
    await cursor.execute(
        """
        SELECT ticker.ticker,
               ticker.active,
               lagging.ticker IS NOT NULL AS behind,
               CASE WHEN NOT ticker.active
                     AND ticker.renamed_to IS NOT NULL
                     AND (SELECT start
                            FROM bars
                           WHERE bars.ticker = ticker.ticker
                             AND interval = '1h'
                           ORDER BY start
                           LIMIT 1) IS NULL
                    THEN ticker.renamed_to END AS renamed_to
          FROM tickers AS ticker
          LEFT JOIN lagging_tickers(%(bar_start)s) AS lagging
                 ON lagging.ticker = ticker.ticker
                AND %(bar_start)s::timestamptz IS NOT NULL
         ORDER BY ticker.ticker
        """,
        {"bar_start": bar_start},
    )
    return await cursor.fetchall()
