"""Queues in RabbitMQ, on the event loop: two connections that come back whenever they are lost."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import Any

from pika import BasicProperties, DeliveryMode, URLParameters
from pika.adapters.asyncio_connection import AsyncioConnection
from pika.channel import Channel
from pika.connection import Connection
from pika.exceptions import AMQPError, ChannelClosedByBroker
from pika.spec import Basic

from knative.local.broker.messages import Message
from knative.local.broker.queues import Delivery, UnconfirmedError
from knative.local.broker.specs import BrokerError
from knative.local.broker.topology import Topology

log = logging.getLogger("knative.local.broker")
# It tells of every lost connection in several lines with stack traces; _Link tells of it in one.
logging.getLogger("pika").setLevel(logging.CRITICAL)

PREFETCH = 100
_QUEUE_TYPES = "quorum", "classic"  # the first that RabbitMQ does not refuse
_HEARTBEAT = 20
_CONNECT_SECONDS = 30
_CONFIRM_SECONDS = 10
_STATUS_SECONDS = 2
_LONGEST_PAUSE = 2
# RabbitMQ cuts a connection, and so every event on its way, for attributes that fill more than one frame of 128 KiB.
_MAX_HEADER_BYTES = 100_000


class _Channel:
    """A pika channel whose answers can be awaited. *closed* gets the exception that ended it."""

    def __init__(self, raw: Channel) -> None:
        self.raw = raw
        self.closed: asyncio.Future[BaseException] = asyncio.get_running_loop().create_future()
        raw.add_on_close_callback(lambda _, reason: self.closed.done() or self.closed.set_result(reason))
        raw.add_on_cancel_callback(lambda _: raw.is_open and raw.close(reply_text="a queue was deleted"))

    @classmethod
    async def open(cls, connection: Connection) -> "_Channel":
        opened = asyncio.get_running_loop().create_future()
        channel = cls(connection.channel(on_open_callback=opened.set_result))
        await channel._or_closed(opened)
        return channel

    async def call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        answer = asyncio.get_running_loop().create_future()
        method(**arguments, callback=answer.set_result)
        return await self._or_closed(answer)

    async def _or_closed(self, answer: asyncio.Future[Any]) -> Any:
        await asyncio.wait({answer, self.closed}, return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise self.closed.result()
        return answer.result()


class _Link:
    """One connection with one channel, opened again for ever.

    *prepare* readies a fresh channel. Real dispatchers exit when RabbitMQ goes, and Kubernetes starts them again; this
    process must outlive it.
    """

    def __init__(self, purpose: str, parameters: URLParameters, prepare: Callable[[_Channel], Awaitable[None]]) -> None:
        self._purpose, self._parameters, self._prepare = purpose, parameters, prepare
        self._connection: AsyncioConnection | None = None
        self.channel: _Channel | None = None
        self.ready = asyncio.Event()
        self.trouble: BaseException | None = None

    async def run(self) -> None:
        pause, told = 0.05, False
        while True:
            try:
                channel = await self._connect()
                await self._prepare(channel)
                if told:
                    log.info("RabbitMQ is back for %s", self._purpose)
                pause, told = 0.05, False
                self.channel = channel
                self.ready.set()
                raise await channel.closed
            except Exception as error:
                self.trouble = error
                if not told:
                    log.warning("RabbitMQ is gone for %s, trying until it is back: %r", self._purpose, error)
                    told = True
            finally:
                self.channel = None
                self.ready.clear()
                await self._disconnect()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _connect(self) -> _Channel:
        opened: asyncio.Future[AsyncioConnection] = asyncio.get_running_loop().create_future()
        self._connection = AsyncioConnection(
            self._parameters,
            on_open_callback=lambda connection: opened.done() or opened.set_result(connection),
            on_open_error_callback=lambda _, error: opened.done() or opened.set_exception(error),
        )
        return await _Channel.open(await opened)

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if not connection or connection.is_closed or connection.is_closing:
            return
        closed = asyncio.Event()
        connection.add_on_close_callback(lambda _, __: closed.set())
        was_open = connection.is_open
        with suppress(AssertionError):  # pika's own, when it is closed while it connects
            connection.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(2 if was_open else 0):
                await closed.wait()


class RabbitQueues:
    """The queues of one Broker in the RabbitMQ at *url*."""

    def __init__(self, url: str) -> None:
        self._parameters = URLParameters(url)
        self._parameters.heartbeat = _HEARTBEAT
        self._topology = Topology("", (), (), ())
        self._fresh = True
        self._published = 0
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._inboxes: dict[str, asyncio.Queue[Delivery]] = {}
        self._links: list[_Link] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, topology: Topology) -> None:
        """Declare *topology* without the bindings of an earlier start and begin to consume; BrokerError on failure."""
        self._topology, self._fresh = topology, True
        self._inboxes = {consumer.queue: asyncio.Queue() for consumer in topology.consumers}
        # An alarm of RabbitMQ stops all reading from a connection that publishes: acks must have another.
        self._links = [
            _Link("publishing", self._parameters, self._prepare_publishing),
            _Link("consuming", self._parameters, self._prepare_consuming),
        ]
        try:
            for link in self._links:
                self._tasks.append(asyncio.create_task(link.run()))
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await link.ready.wait()
        except TimeoutError:
            trouble = self._links[-1].trouble or self._links[0].trouble
            await self.close()
            address = f"{self._parameters.host}:{self._parameters.port}"
            raise BrokerError(f"RabbitMQ at {address} cannot be used: {trouble!r}") from trouble

    async def close(self) -> None:
        """Close the connections; RabbitMQ gives what was in hand to the next consumer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self._links = [], []

    async def publish(self, exchange: str, message: Message) -> None:
        """Publish *message* durably and wait for RabbitMQ's confirmation. Raises UnconfirmedError."""
        channel = self._links[0].channel if self._links else None
        if not channel:
            raise UnconfirmedError("RabbitMQ is not connected")
        if sum(len(name) + len(str(value)) for name, value in message.headers.items()) > _MAX_HEADER_BYTES:
            raise UnconfirmedError("the attributes are too long for RabbitMQ")
        properties = BasicProperties(
            headers=dict(message.headers),
            content_type=message.content_type,
            message_id=message.message_id,
            delivery_mode=DeliveryMode.Persistent,
        )
        try:
            channel.raw.basic_publish(exchange, "", message.body, properties)
        except AMQPError as error:
            raise UnconfirmedError(f"not published: {error!r}") from error
        self._published += 1
        tag, confirmed = self._published, asyncio.get_running_loop().create_future()
        self._unconfirmed[tag] = confirmed
        try:
            # The real ingress waits here for ever, and so does who posted; nobody should have to debug that.
            async with asyncio.timeout(_CONFIRM_SECONDS):
                await confirmed
        except TimeoutError:
            raise UnconfirmedError(f"not confirmed within {_CONFIRM_SECONDS} s") from None
        finally:
            self._unconfirmed.pop(tag, None)

    async def get(self, queue: str) -> Delivery:
        """Wait for the next message of *queue*; while RabbitMQ is away, until it is back."""
        return await self._inboxes[queue].get()

    async def ready(self, queue: str) -> int | None:
        """Return how many messages wait in *queue*, not yet in hand; None while RabbitMQ is away."""
        channel = self._links[1].channel if self._links else None
        if not channel:
            return None
        try:
            async with asyncio.timeout(_STATUS_SECONDS):
                answer = await channel.call(channel.raw.queue_declare, queue=queue, passive=True)
        except (AMQPError, TimeoutError):
            return None
        return answer.method.message_count

    async def _prepare_publishing(self, channel: _Channel) -> None:
        await self._declare(channel)
        self._published = 0
        await channel.call(channel.raw.confirm_delivery, ack_nack_callback=self._on_confirm)
        channel.closed.add_done_callback(lambda _: self._lose_unconfirmed())

    async def _prepare_consuming(self, channel: _Channel) -> None:
        await self._declare(channel)
        await channel.call(channel.raw.basic_qos, prefetch_count=PREFETCH)
        for queue, inbox in self._inboxes.items():
            await channel.call(channel.raw.basic_consume, queue=queue, on_message_callback=partial(_receive, inbox))

        channel.closed.add_done_callback(lambda _: self._empty_inboxes())

    async def _declare(self, channel: _Channel) -> None:
        if self._fresh:
            # With the exchange go its bindings: no Trigger is served by the filter it had yesterday.
            await channel.call(channel.raw.exchange_delete, exchange=self._topology.ingress)
            self._fresh = False
        for exchange in self._topology.exchanges:
            await channel.call(channel.raw.exchange_declare, exchange=exchange, exchange_type="headers", durable=True)
        for binding in self._topology.bindings:
            await self._declare_queue(channel, binding.queue)
            await channel.call(
                channel.raw.queue_bind,
                queue=binding.queue,
                exchange=binding.exchange,
                routing_key="",
                arguments=dict(binding.arguments),
            )

    async def _declare_queue(self, sibling: _Channel, queue: str) -> None:
        for queue_type in _QUEUE_TYPES:
            channel = await _Channel.open(sibling.raw.connection)  # a refusal closes it
            try:
                await channel.call(
                    channel.raw.queue_declare, queue=queue, durable=True, arguments={"x-queue-type": queue_type}
                )
                channel.raw.close()
                return
            except ChannelClosedByBroker as error:
                if queue_type == _QUEUE_TYPES[-1]:
                    raise
                log.warning("queue %s cannot be of type %s: %s", queue, queue_type, error)

    async def remove(self, queues: Iterable[str]) -> list[str]:
        """Delete those of *queues* that are empty; return the others."""
        kept: list[str] = []
        channel = self._links[0].channel if self._links else None
        if channel is None:
            return list(queues)
        for queue in queues:
            own = await _Channel.open(channel.raw.connection)  # a refusal closes it
            try:
                # Quorum queues know no if-empty. Nothing is bound to these any more, so nothing comes meanwhile.
                found = await own.call(own.raw.queue_declare, queue=queue, passive=True)
                if found.method.message_count:
                    kept.append(queue)
                else:
                    await own.call(own.raw.queue_delete, queue=queue)
                own.raw.close()
            except ChannelClosedByBroker:
                log.info("queue %s is gone already", queue)
        return kept

    def _on_confirm(self, frame: Any) -> None:
        confirmation = frame.method
        tags = [confirmation.delivery_tag]
        if confirmation.multiple:
            tags = [tag for tag in self._unconfirmed if tag <= confirmation.delivery_tag]
        for tag in tags:
            confirmed = self._unconfirmed.get(tag)
            if confirmed is None or confirmed.done():
                continue
            if isinstance(confirmation, Basic.Ack):
                confirmed.set_result(None)
            else:
                confirmed.set_exception(UnconfirmedError("RabbitMQ refused it"))

    def _lose_unconfirmed(self) -> None:
        for confirmed in self._unconfirmed.values():
            if not confirmed.done():
                confirmed.set_exception(UnconfirmedError("the connection to RabbitMQ was lost"))

    def _empty_inboxes(self) -> None:
        """Deliveries of a lost channel are redelivered by the next."""
        for inbox in self._inboxes.values():
            while not inbox.empty():
                inbox.get_nowait()


def _receive(inbox: asyncio.Queue[Delivery], channel: Channel, method: Any, properties: Any, body: bytes) -> None:
    message = Message(properties.headers or {}, body, properties.content_type or "", properties.message_id or "")
    inbox.put_nowait(
        Delivery(message, partial(_acknowledge, channel, method.delivery_tag), lambda: bool(channel.is_open))
    )


def _acknowledge(channel: Channel, tag: int) -> None:
    if channel.is_open:
        channel.basic_ack(tag)
    else:
        log.warning("RabbitMQ went away before an acknowledgement: the event will be delivered again")
