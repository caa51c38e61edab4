"""What every answer looks at before its own statement: the instant, the calendar around it, and who lags behind."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import AsyncConnection
from psycopg.rows import class_row

from shared.calendar.queries import select_calendar
from shared.calendar.trading import TradingCalendar
from shared.http.problem import Problem
from shared.runtime import clock

HOURLY = "1h"
_PAST, _AHEAD = timedelta(days=15), timedelta(days=25)
_CALENDAR_HOLDS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a ticker lacks the newest finished bar, though a provider may still have it."""

    ticker: str
    active: bool
    behind: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """The market at the instant *now*."""

    now: datetime
    grace: timedelta
    market: TradingCalendar
    standings: tuple[Standing, ...]
    open_from: datetime | None = None
    """Where the history begins for who asks; None: all of it is theirs."""

    @property
    def finished(self) -> datetime | None:
        """The start of the newest bar that counts as finished."""
        return self.market.newest_finished(HOURLY, self.now, self.grace)

    @property
    def next_due(self) -> datetime | None:
        """When the next bar counts as finished."""
        return self.market.next_due(HOURLY, self.now, self.grace)

    @property
    def due(self) -> datetime | None:
        """From when on new data may come at any moment: now, if somebody lags behind."""
        return self.now if self.behind else self.next_due

    @property
    def behind(self) -> int:
        """How many active tickers lack the newest finished bar."""
        return sum(standing.behind for standing in self.standings)

    @property
    def active(self) -> tuple[str, ...]:
        """The tickers that are fetched and shown, in order."""
        return tuple(standing.ticker for standing in self.standings if standing.active)

    def check(self, tickers: Iterable[str]) -> None:
        """Problem 404 when one of *tickers* is not known."""
        unknown = sorted(set(tickers) - {standing.ticker for standing in self.standings})
        if unknown:
            raise unknown_ticker(*unknown)


def unknown_ticker(*tickers: str) -> Problem:
    """Return the 404 for *tickers* that are not known."""
    return Problem(
        404,
        "unknown-ticker",
        "Unknown ticker",
        f"{', '.join(tickers)}: no such ticker here. /tickers lists those there are.",
    )


class Scenes:
    """Looks at the market; keeps the calendar for a day, and who lags behind as long as epoch and hour hold."""

    def __init__(self, grace_seconds: int) -> None:
        self._grace = timedelta(seconds=grace_seconds)
        self._market = TradingCalendar(())
        self._market_from: datetime | None = None
        self._standings: tuple[Standing, ...] = ()
        self._standings_of: tuple[int, datetime | None] | None = None

    async def look(self, connection: AsyncConnection, epoch: int) -> Scene:
        """Return the market now, as *epoch* knows it."""
        now = clock.now()
        if self._market_from is None or not self._market_from <= now < self._market_from + _CALENDAR_HOLDS:
            self._market = await select_calendar(connection, now - _PAST, now + _AHEAD)
            self._market_from = now
        finished = self._market.newest_finished(HOURLY, now, self._grace)
        if self._standings_of != (epoch, finished):
            self._standings = tuple(await select_standings(connection, finished))
            self._standings_of = (epoch, finished)
        return Scene(now, self._grace, self._market, self._standings)


async def select_standings(connection: AsyncConnection, finished: datetime | None) -> list[Standing]:
    """Return every ticker, and whether it lacks the bar that started at *finished*, in order."""
    cursor = connection.cursor(row_factory=class_row(Standing))
    await cursor.execute(
        """
        SELECT ticker.ticker,
               ticker.active,
               ticker.active
               AND coalesce(newest.start < %(finished)s::timestamptz, %(finished)s IS NOT NULL)
               AND NOT coalesce(asked.settled @> %(finished)s::timestamptz, false) AS behind
          FROM tickers AS ticker
          LEFT JOIN LATERAL (SELECT start
                               FROM bars
                              WHERE bars.ticker = ticker.ticker
                                AND bars.interval = '1h'
                              ORDER BY start DESC
                              LIMIT 1) AS newest ON true
          LEFT JOIN asked_windows AS asked
                 ON asked.ticker = ticker.ticker
                AND asked.interval = '1h'
         ORDER BY ticker.ticker
        """,
        {"finished": finished},
    )
    return await cursor.fetchall()
