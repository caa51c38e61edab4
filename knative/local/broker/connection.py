"""Connection to RabbitMQ: one channel whose answers can be awaited, opened again whenever it is lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from pika import URLParameters
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.connection import Connection

log = logging.getLogger("knative.local.broker")
# It logs every lost connection in several lines with stack traces; ReconnectingConnection logs it in one.
logging.getLogger("pika").setLevel(logging.CRITICAL)

_LONGEST_PAUSE = 2


class AwaitableChannel:
    """A pika channel whose answers can be awaited. *closed* gets the exception that ended it."""

    def __init__(self, raw: Channel) -> None:
        self.raw = raw
        self.closed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(lambda _, reason: self.closed.done() or self.closed.set_result(reason))
        raw.add_on_cancel_callback(lambda _: raw.is_open and raw.close(reply_text="a queue was deleted"))

    @classmethod
    async def open(cls, connection: Connection) -> "AwaitableChannel":
        """Return a new channel of *connection*."""
        opened = asyncio.get_running_loop().create_future()
        channel = cls(connection.channel(on_open_callback=opened.set_result))
        await channel._or_closed(opened)
        return channel

    async def call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        """Return the answer of *method*; raise the exception that closes the channel meanwhile."""
        answer = asyncio.get_running_loop().create_future()
        method(**arguments, callback=answer.set_result)
        return await self._or_closed(answer)

    async def _or_closed(self, answer: asyncio.Future[Any]) -> Any:
        await asyncio.wait({answer, self.closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise self.closed.result()
        return answer.result()


class _Connection(AsyncioConnection):
    def _on_connection_workflow_done(self, conn_or_exc: Any) -> None:
        # When it is closed while it connects, pika passes the class of an exception here and asserts an instance.
        error = conn_or_exc() if isinstance(conn_or_exc, type) else conn_or_exc
        super()._on_connection_workflow_done(error)  # pyright: ignore[reportAttributeAccessIssue]  pika has no types


class ReconnectingConnection:
    """A connection with one channel, opened again until cancelled; *prepare* prepares each new channel.

    Real dispatchers exit when RabbitMQ goes, and Kubernetes starts them again; this process must outlive it.
    """

    def __init__(
        self, purpose: str, parameters: URLParameters, prepare: Callable[[AwaitableChannel], Awaitable[None]]
    ) -> None:
        self._purpose, self._parameters, self._prepare = purpose, parameters, prepare
        self._connection: AsyncioConnection | None = None
        self.channel: AwaitableChannel | None = None
        self.ready = asyncio.Event()
        self.last_error: BaseException | None = None
        self.alarm: str | None = None
        """The reason why RabbitMQ accepts nothing on this connection, such as `low on memory`."""

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        pause, is_lost = 0.05, False
        while True:
            try:
                channel = await self._connect()
                await self._prepare(channel)
                if is_lost:
                    log.info("reconnected to RabbitMQ for %s", self._purpose)
                pause, is_lost = 0.05, False
                self.channel = channel
                self.ready.set()
                raise await channel.closed
            except Exception as error:
                self.last_error = error
                if not is_lost:
                    log.warning("connection to RabbitMQ lost for %s, reconnecting: %r", self._purpose, error)
                    is_lost = True
            finally:
                self.channel = None
                self.ready.clear()
                await self._disconnect()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> AwaitableChannel:
        opened: asyncio.Future[AsyncioConnection] = asyncio.get_running_loop().create_future()
        self._connection = _Connection(
            self._parameters,
            on_open_callback=lambda connection: opened.done() or opened.set_result(connection),
            on_open_error_callback=lambda _, error: opened.done() or opened.set_exception(error),
        )
        connection = await opened
        self.alarm = None
        connection.add_on_connection_blocked_callback(lambda _, frame: self._set_alarm(frame.method.reason))
        connection.add_on_connection_unblocked_callback(lambda _, __: self._set_alarm(None))
        return await AwaitableChannel.open(connection)

    def _set_alarm(self, reason: str | None) -> None:
        self.alarm = reason
        if reason:
            log.warning("RabbitMQ accepts no events: %s", reason)
        else:
            log.warning("RabbitMQ accepts events again")

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if not connection or connection.is_closed or connection.is_closing:
            return
        closed = asyncio.Event()
        connection.add_on_close_callback(lambda _, __: closed.set())
        was_open = connection.is_open
        connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 if was_open else 0):
                await closed.wait()
