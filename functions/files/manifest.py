"""Manifest: the files of all months, each with its content and the market version up to which it is complete."""

import time
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

from psycopg import AsyncConnection

from functions.files.builder import Builder
from functions.files.queries import BarFile, MonthOfBars, file_name, select_files, select_months, select_version
from shared.auth.open_history import open_history
from shared.connections.postgres import PostgresClient
from shared.http.response_data import ResponseData, json_body, rfc3339
from shared.runtime import clock

_BUILD_SECONDS = 5.0
"""For files that are out of date: the others are pending, and are built by the next requests."""
_MAX_AGE = 60
_EXCHANGE_ZONE = ZoneInfo("America/New_York")


class Manifest:
    """Makes the manifest."""

    def __init__(self, postgres: PostgresClient, builder: Builder, open_days: int) -> None:
        self._postgres = postgres
        self._builder = builder
        self._open_days = open_days

    async def make(self, version: int) -> ResponseData:
        """Return the manifest as of the market *version*, after some of the files that are out of date are built."""
        months, stored, version = await self._postgres.run(_select)
        until = time.monotonic() + _BUILD_SECONDS
        pending: list[date] = []
        for found in reversed(months):  # the newest change most often, and are read most often
            if _is_current(found, stored.get(found.month)):
                continue
            if time.monotonic() >= until:
                pending.append(found.month)
            elif file := await self._builder.get(found.month, version):
                stored[found.month] = file
        now = clock.now()
        open_from, _ = open_history(self._open_days, now)
        items = [
            _item(stored[one.month], not self._open_days or _begins(one.month) >= open_from)
            for one in months
            if one.month not in pending and one.month in stored
        ]
        members = {
            "version": version,
            "stale": False,
            "format": "parquet",
            "interval": "1h",
            "count": len(items),
            "pending": [file_name(one) for one in sorted(pending)],
            "items": items,
        }
        valid_until = now if pending else None
        return ResponseData(json_body(members), valid_until=valid_until, max_age=1 if pending else _MAX_AGE)


async def _select(connection: AsyncConnection) -> tuple[list[MonthOfBars], dict[date, BarFile], int]:
    """Return the months, the files, and a market version that is not newer than they are."""
    version = await select_version(connection)
    return await select_months(connection), await select_files(connection), version


def _is_current(found: MonthOfBars, file: BarFile | None) -> bool:
    return file is not None and file.fingerprint == found.fingerprint


def _begins(month: date) -> datetime:
    return datetime.combine(month, time_of_day(), _EXCHANGE_ZONE).astimezone(UTC)


def _item(file: BarFile, is_open: bool) -> dict[str, object]:
    return {
        "name": file.name,
        "month": f"{file.month:%Y-%m}",
        "rows": file.rows,
        "tickers": file.tickers,
        "first": rfc3339(file.first),
        "last": rfc3339(file.last),
        "bytes": file.bytes,
        "sha256": file.sha256,
        "built_version": file.version,
        "built_at": rfc3339(file.built_at),
        "needs_token": not is_open,
    }
