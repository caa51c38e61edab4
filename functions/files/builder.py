"""Builder: the file of a month with every bar as of the market version, built again only if its bars have changed."""

import asyncio
from datetime import date
from functools import partial
from hashlib import sha256

from psycopg import AsyncConnection, IsolationLevel

from functions.files.parquet import ParquetFile
from functions.files.queries import (
    BarFile,
    MonthOfBars,
    iterate_bars,
    select_digits,
    select_file,
    select_month,
    select_version,
    upsert_file,
)
from shared.connections.postgres import PostgresClient
from shared.runtime import clock

BUILD_SECONDS = 50.0
"""Of the 60 that a request may take."""

Checked = tuple[int, BarFile | None]
"""A file, and the market version at which it was found to have every bar."""


class Builder:
    """Files for the requests of this process: one build of a month at a time."""

    def __init__(self, postgres: PostgresClient) -> None:
        self._postgres = postgres
        self._running: dict[date, asyncio.Task[Checked]] = {}
        self._checked: dict[date, Checked] = {}

    async def get(self, month: date, version: int | None) -> BarFile | None:
        """Return the file of *month* as of the market *version* or a later one, None where no bar is stored."""
        checked = self._checked.get(month)
        while checked is None or version is None or checked[0] < version:
            is_mine = month not in self._running
            if is_mine:
                task = self._running[month] = asyncio.create_task(self._check(month))
                task.add_done_callback(lambda _: self._running.pop(month, None))
            checked = await asyncio.shield(self._running[month])
            if is_mine:  # it began after the request: nothing of the version is missing
                break
        return checked[1]

    async def _check(self, month: date) -> Checked:
        version, found, stored, made = await self._postgres.run(partial(_read, month=month), BUILD_SECONDS)
        file = stored if found else None
        if found and made:
            content = await asyncio.to_thread(made.to_bytes)
            file = _describe(version, found, made, content)
            await self._postgres.run(partial(upsert_file, file=file, content=content), BUILD_SECONDS)
        self._checked[month] = version, file
        return version, file


async def _read(
    connection: AsyncConnection, month: date
) -> tuple[int, MonthOfBars | None, BarFile | None, ParquetFile | None]:
    """Return the market version, the bars of *month* and its file, as of one moment; a new file if it lacks some."""
    await connection.set_isolation_level(IsolationLevel.REPEATABLE_READ)
    try:
        async with connection.transaction():
            version, found = await select_version(connection), await select_month(connection, month)
            stored = await select_file(connection, month)
            if found is None or (stored and stored.fingerprint == found.fingerprint):
                return version, found, stored, None
            made = ParquetFile(await select_digits(connection, month))
            async for rows in iterate_bars(connection, month):
                await asyncio.to_thread(made.add, rows)
            return version, found, stored, made
    finally:
        await connection.set_isolation_level(None)


def _describe(version: int, found: MonthOfBars, made: ParquetFile, content: bytes) -> BarFile:
    assert made.first is not None, "a month that is found has bars"  # noqa: S101
    assert made.last is not None  # noqa: S101
    return BarFile(
        found.month,
        found.fingerprint,
        version,
        made.rows,
        len(made.tickers),
        made.first,
        made.last,
        len(content),
        sha256(content).hexdigest(),
        clock.now(),
    )
