"""Accidents of a simulated time besides random faults: early closes, halts, upgrades, restores, full disks."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import NamedTuple

import redis

from functions.store.migrate import MIGRATIONS, migrate
from knative.local.backup import back_up, restore
from shared.calendar.trading import EXCHANGE_ZONE, Session, TradingCalendar
from tests.fake_vendors import exchange
from tests.fakes.market_data.market import Market, Row
from tests.ingest.ingest_harness import IngestHarness
from tests.reading import Api, redis_key, serving

TICKERS = ("AAPL", "KO", "MSFT", "V")
SUSPENDED = "V"
NEXT_RELEASE = "ALTER TABLE bars ADD COLUMN note_{0} text; ALTER TABLE tickers ADD COLUMN note_{0} text DEFAULT '';"
FULL_DISK = """
    CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON bars FOR EACH STATEMENT EXECUTE FUNCTION refuse()
"""


Accident = tuple[datetime, Callable[[], None]]


class Rhythm(NamedTuple):
    """Four sessions in a row of each month, on which something happens."""

    announcement: Session
    early: Session
    suspension: Session
    full_disk: Session


def rhythms(sessions: Sequence[Session]) -> list[Rhythm]:
    """Return the first four of each twenty *sessions*."""
    months = (sessions[first : first + 4] for first in range(0, len(sessions), 20))
    return [Rhythm(*month) for month in months if len(month) == 4]


class EventfulMarket(Market):
    """The simulated market with sessions that close early, and one ticker whose trading is suspended for a session."""

    def __init__(self, months: Sequence[Rhythm]) -> None:
        early = {month.early.date for month in months}
        super().__init__(
            TradingCalendar(
                [
                    Session(one.date, one.opens, one.opens + timedelta(minutes=150)) if one.date in early else one
                    for one in exchange().sessions
                ]
            )
        )
        self._suspensions = [
            (month.suspension.opens + timedelta(hours=2), month.full_disk.opens + timedelta(hours=2))
            for month in months
        ]

    def trades(self, symbol: str, start: datetime) -> bool:
        """Return whether a bar of *symbol* that starts then exists."""
        return symbol != SUSPENDED or not any(first <= start < end for first, end in self._suspensions)

    def rows(self, symbol: str, interval: str, start: datetime, end: datetime, now: datetime) -> list[Row]:
        """Return the bars of the hours in which *symbol* was traded."""
        found = super().rows(symbol, interval, start, end, now)
        return [row for row in found if self.trades(symbol, row.start)]


class Installation:
    """Ingest and store in this process, and api; each can be replaced as by an upgrade or a restart."""

    def __init__(
        self, open_functions: Callable[[], IngestHarness], redis_url: str, folder: Path, stack: ExitStack
    ) -> None:
        self._open_functions, self._redis_url, self._folder, self._stack = open_functions, redis_url, folder, stack
        self._migrations = MIGRATIONS
        self._api_stack = stack.enter_context(ExitStack())
        self.functions = open_functions()
        self.database_url = self.functions.database_url
        self.api = self._serve()

    def plan(self, months: Sequence[Rhythm]) -> list[Accident]:
        """Return what happens in *months*, by instant."""
        found: list[Accident] = []
        for month in months:
            found += [
                (month.announcement.opens + timedelta(hours=4), lambda month=month: self._announce(month.early)),
                (month.early.opens + timedelta(hours=1), self._upgrade),
                (month.early.closes + timedelta(hours=1), self._back_up),
                (month.suspension.opens + timedelta(minutes=95), self._restore),
                (month.full_disk.opens + timedelta(hours=1), self._fill_disk),
                (month.full_disk.opens + timedelta(hours=4), self._free_disk),
            ]
        return sorted(found, key=lambda one: one[0])

    def restart(self) -> None:
        """Replace all functions, whose memory is gone."""
        self._api_stack.close()
        self.functions = self._open_functions()
        self.api = self._serve()

    def _serve(self) -> Api:
        return self._api_stack.enter_context(serving(self.database_url, self._redis_url, None))

    def _announce(self, session: Session) -> None:
        closes = (session.opens + timedelta(minutes=150)).astimezone(EXCHANGE_ZONE)
        announced: dict[date, time | None] = {session.date: time(closes.hour, closes.minute)}
        migrate(self.database_url, tickers=TICKERS, closings=announced, folder=self._migrations)

    def _upgrade(self) -> None:
        """Migrate to a schema of tomorrow under the functions of today, which work on it until they are replaced."""
        number = 9000 + len(list(self._folder.glob("release-*")))
        self._migrations = Path(shutil.copytree(self._migrations, self._folder / f"release-{number}"))
        (self._migrations / f"{number}_next.sql").write_text(NEXT_RELEASE.format(number))
        migrate(self.database_url, tickers=TICKERS, folder=self._migrations)

    def _back_up(self) -> None:
        self.restart()  # the second half of the upgrade
        back_up(self._folder / "backup", self._folder, {"DATABASE_URL": self.database_url})

    def _restore(self) -> None:
        restore(self._folder / "backup", self._folder, {"DATABASE_URL": self.database_url}, replace=True)
        # A restart takes longer than the copy of the market version lives, which is newer than the restored one.
        with redis.Redis.from_url(self._redis_url) as client:
            client.delete(redis_key(self.database_url, "market:epoch"))
        self.restart()

    def _fill_disk(self) -> None:
        self.functions.sql(FULL_DISK)

    def _free_disk(self) -> None:
        self.functions.sql("DROP TRIGGER refuse ON bars")
