"""Delivery of messages: claim due ones, send to all channels concurrently, and record each result.

A claim is committed before the message is sent. If the process dies, another one sends the message again under the same
id, once the lease has ended. A process renews the leases of its waiting messages.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby

from psycopg import AsyncConnection

from functions.alerts.delivery import queries
from functions.alerts.delivery.queries import DueDelivery
from functions.alerts.delivery.result import DeliveryResult
from functions.alerts.delivery.transport import Transport
from functions.alerts.settings import Settings
from shared.connections.circuit_breaker import UnavailableError
from shared.connections.postgres import PostgresClient
from shared.http.problem import Problem

_logger = logging.getLogger(__name__)
LEASE_SECONDS = 20
"""Longer than an attempt; renewed while messages wait, such as for a connection to the mail server."""
_RENEWALS = 4
"""Number of renewals within one lease."""
_BATCH_SIZE = 500
_PARALLEL = 8
"""Concurrent requests to one channel."""
_RETRY_PAUSES = (2, 5, 15, 30, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 79_200)
"""Seconds between attempts, three days in all. The first ones are retries of the broker, the others of ticks."""
_BROKER_ATTEMPTS = 4
"""After more attempts ticks repeat the message, and its event has succeeded."""
_SOON_SECONDS = 60


class Sender:
    """Sends due deliveries."""

    def __init__(self, settings: Settings, postgres: PostgresClient) -> None:
        self._postgres = postgres
        self._connections = asyncio.Semaphore(settings.database_connections)
        self._transport = Transport(settings)
        self._claimed: set[str] = set()

    async def send_due(self, seconds: float) -> None:
        """Send due deliveries in batches until none is left or *seconds* have passed."""
        deadline = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < deadline:
            due = await self._claim()
            if not due:
                return
            channels = groupby(sorted(due, key=lambda one: one.channel_id), key=lambda one: one.channel_id)
            ids = {one.delivery_id for one in due}
            self._claimed |= ids
            renewing = asyncio.create_task(self._renew_claims())
            try:
                await asyncio.gather(*[self._send_channel(list(messages)) for _, messages in channels])
            finally:
                renewing.cancel()
                self._claimed -= ids

    async def send_once(self, due: DueDelivery, *, last: bool = True) -> DeliveryResult:
        """Send a claimed message now and return the result; *last*: a failure is not retried, as of a test."""
        result = await self._attempt(due)
        await self._record([due], [result], last=last)
        return result

    async def awaits_retry(self, before: datetime) -> bool:
        """Return whether a message created until *before* is due soon while the broker still retries the event."""

        async def work(connection: AsyncConnection) -> bool:
            return await queries.is_pending(connection, _SOON_SECONDS, _BROKER_ATTEMPTS, before)

        return await self._postgres.run(work)

    async def _claim(self) -> list[DueDelivery]:
        return await self._postgres.run(lambda connection: queries.claim_due(connection, LEASE_SECONDS, _BATCH_SIZE))

    async def _renew_claims(self) -> None:
        """Renew the leases of messages without a recorded result, so that no other process sends them."""

        async def work(connection: AsyncConnection) -> None:
            await queries.update_leases(connection, list(self._claimed), LEASE_SECONDS)

        while True:
            await asyncio.sleep(LEASE_SECONDS / _RENEWALS)
            try:
                await self._run(work)
            except (UnavailableError, Problem):
                _logger.warning("the claims on messages were not renewed: no connection to the database")

    async def _send_channel(self, due: list[DueDelivery]) -> None:
        """Send the messages of one channel; postpone the rest after a failure: a dead channel costs one timeout."""
        waiting = list(due)
        while waiting:
            several, waiting = waiting[:_PARALLEL], waiting[_PARALLEL:]
            results = await asyncio.gather(*map(self._attempt, several))
            await self._record(several, results)
            if waiting and not all(result.delivered for result in results):
                pause = _pause(several[0].attempts) or _RETRY_PAUSES[-1]
                await self._postpone(waiting, pause)
                return

    async def _attempt(self, due: DueDelivery) -> DeliveryResult:
        """Send one message; any error becomes a failed result."""
        try:
            return await self._transport.send(due)
        except Exception:
            _logger.exception("an attempt failed for a fault of this service")
            return DeliveryResult(delivered=False, error="a fault of this service")

    async def _record(
        self, due: Sequence[DueDelivery], results: Sequence[DeliveryResult], *, last: bool = False
    ) -> None:
        """Record the results of messages of one channel."""
        self._claimed -= {one.delivery_id for one in due}

        async def work(connection: AsyncConnection) -> None:
            async with connection.transaction():
                delivered = [one.delivery_id for one, result in zip(due, results, strict=True) if result.delivered]
                await queries.update_delivered(connection, delivered)
                for one, result in zip(due, results, strict=True):
                    if result.delivered:
                        continue
                    given_up = result.gone or result.permanent or last
                    again = None if given_up else _pause(one.attempts)
                    disable = result.gone or (again is None and not given_up)
                    error = result.error or "unknown"
                    await queries.update_failed(
                        connection, one.delivery_id, error, again, gone=result.gone, disable=disable
                    )

        await self._run(work)

    async def _postpone(self, waiting: Iterable[DueDelivery], seconds: int) -> None:
        ids = [one.delivery_id for one in waiting]
        self._claimed.difference_update(ids)
        await self._run(lambda connection: queries.update_postponed(connection, ids, seconds))

    async def _run(self, work: Callable[[AsyncConnection], Awaitable[None]]) -> None:
        """Run *work*, with a limit that keeps hundreds of channels from filling the queue for connections."""
        async with self._connections:
            await self._postgres.run(work)


def _pause(attempts: int) -> int | None:
    """Return the seconds until the next attempt, None after the last one."""
    return _RETRY_PAUSES[attempts - 1] if attempts <= len(_RETRY_PAUSES) else None
