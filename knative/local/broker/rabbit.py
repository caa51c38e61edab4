"""Queues in RabbitMQ: durable, with confirmed publications, over two connections."""

import asyncio
import logging
import time
from collections.abc import Iterable
from functools import partial
from typing import Any

from pika import BasicProperties, DeliveryMode, URLParameters
from pika.channel import Channel
from pika.exceptions import AMQPError, ChannelClosedByBroker, ShortStringTooLong
from pika.spec import Basic

from knative.local.broker.connection import AwaitableChannel, ReconnectingConnection
from knative.local.broker.messages import AmqpMessage
from knative.local.broker.queues import BusyError, QueuedMessage, TooLargeError, UnconfirmedError
from knative.local.broker.specs import BrokerError
from knative.local.broker.topology import Topology

log = logging.getLogger("knative.local.broker")

PREFETCH = 100
_QUEUE_TYPES = "quorum", "classic"  # the first that RabbitMQ does not refuse
_HEARTBEAT = 20
_CONNECT_SECONDS = 30
_CONFIRM_SECONDS = 10
_ALARM_SECONDS = 0.25
_STATUS_SECONDS = 2
# RabbitMQ cuts a connection, and so every event on its way, for attributes that fill more than one frame of 128 KiB.
_MAX_HEADER_BYTES = 100_000


class RabbitQueues:
    """The queues of one Broker in the RabbitMQ at *url*."""

    def __init__(self, url: str) -> None:
        self._parameters = URLParameters(url)
        self._parameters.heartbeat = _HEARTBEAT
        self._topology = Topology("", (), (), ())
        self._fresh = True
        self._published = 0
        self._is_silent = False
        """An event was not confirmed in time, and nothing since."""
        self._unconfirmed: dict[int, asyncio.Future[None]] = {}
        self._inboxes: dict[str, asyncio.Queue[QueuedMessage]] = {}
        self._links: list[ReconnectingConnection] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self, topology: Topology) -> None:
        """Declare *topology* without the bindings of an earlier start and begin to consume; BrokerError on failure."""
        self._topology, self._fresh = topology, True
        self._inboxes = {consumer.queue: asyncio.Queue() for consumer in topology.consumers}
        # An alarm of RabbitMQ stops all reading from a connection that publishes: acks must have another.
        self._links = [
            ReconnectingConnection("publishing", self._parameters, self._prepare_publishing),
            ReconnectingConnection("consuming", self._parameters, self._prepare_consuming),
        ]
        try:
            for link in self._links:
                self._tasks.append(asyncio.create_task(link.run()))
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await link.ready.wait()
        except TimeoutError:
            error = self._links[-1].last_error or self._links[0].last_error
            await self.close()
            address = f"{self._parameters.host}:{self._parameters.port}"
            raise BrokerError(f"RabbitMQ at {address} cannot be used: {error!r}") from error

    async def close(self) -> None:
        """Close the connections; RabbitMQ gives unacknowledged messages to the next consumer."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks, self._links = [], []

    async def publish(self, exchange: str, message: AmqpMessage) -> None:
        """Publish *message* durably and wait for RabbitMQ's confirmation; UnconfirmedError without one."""
        link = self._links[0] if self._links else None
        if not link or not link.channel:
            raise UnconfirmedError("RabbitMQ is not connected")
        if link.alarm:
            raise BusyError(f"RabbitMQ accepts no events: {link.alarm}")
        if self._is_silent:
            raise BusyError("RabbitMQ is connected but does not confirm events")
        if sum(len(name) + len(str(value)) for name, value in message.headers.items()) > _MAX_HEADER_BYTES:
            raise TooLargeError("the attributes are too long for RabbitMQ")
        properties = BasicProperties(
            headers=dict(message.headers),
            content_type=message.content_type,
            message_id=message.message_id,
            delivery_mode=DeliveryMode.Persistent,
        )
        try:
            link.channel.raw.basic_publish(exchange, "", message.body, properties)
        except ShortStringTooLong:
            raise TooLargeError("the id is too long for RabbitMQ") from None
        except AMQPError as error:
            raise UnconfirmedError(f"not published: {error!r}") from error
        await self._wait_for_confirmation(link)

    async def _wait_for_confirmation(self, link: ReconnectingConnection) -> None:
        self._published += 1
        tag, confirmed = self._published, asyncio.get_running_loop().create_future()
        self._unconfirmed[tag] = confirmed
        # The real ingress waits without limit, and so does its client.
        deadline = time.monotonic() + _CONFIRM_SECONDS
        try:
            while not (await asyncio.wait({confirmed}, timeout=_ALARM_SECONDS))[0]:
                if link.alarm:  # RabbitMQ confirms what it has read before the alarm, and reads nothing afterwards
                    raise BusyError(f"RabbitMQ accepts no events: {link.alarm}")
                if time.monotonic() > deadline:
                    self._is_silent = True
                    raise UnconfirmedError(f"not confirmed within {_CONFIRM_SECONDS} s")
            confirmed.result()
        finally:
            self._unconfirmed.pop(tag, None)

    async def get(self, queue: str) -> QueuedMessage:
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

    async def _prepare_publishing(self, channel: AwaitableChannel) -> None:
        await self._declare(channel)
        self._published, self._is_silent = 0, False
        await channel.call(channel.raw.confirm_delivery, ack_nack_callback=self._on_confirm)
        channel.closed.add_done_callback(lambda _: self._lose_unconfirmed())

    async def _prepare_consuming(self, channel: AwaitableChannel) -> None:
        await self._declare(channel)
        await channel.call(channel.raw.basic_qos, prefetch_count=PREFETCH)
        for queue, inbox in self._inboxes.items():
            await channel.call(channel.raw.basic_consume, queue=queue, on_message_callback=partial(_receive, inbox))

        channel.closed.add_done_callback(lambda _: self._empty_inboxes())

    async def _declare(self, channel: AwaitableChannel) -> None:
        if self._fresh:
            # This deletes its bindings too, so that no Trigger keeps the filter of an earlier start.
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

    async def _declare_queue(self, sibling: AwaitableChannel, queue: str) -> None:
        for queue_type in _QUEUE_TYPES:
            channel = await AwaitableChannel.open(sibling.raw.connection)  # a refusal closes it
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
        remaining: list[str] = []
        channel = self._links[0].channel if self._links else None
        if channel is None:
            return list(queues)
        for queue in queues:
            own = await AwaitableChannel.open(channel.raw.connection)  # a refusal closes it
            try:
                # Quorum queues know no if-empty. Nothing is bound to these any more, so nothing comes meanwhile.
                found = await own.call(own.raw.queue_declare, queue=queue, passive=True)
                if found.method.message_count:
                    remaining.append(queue)
                else:
                    await own.call(own.raw.queue_delete, queue=queue)
                own.raw.close()
            except ChannelClosedByBroker:
                log.info("queue %s no longer exists", queue)
        return remaining

    def _on_confirm(self, frame: Any) -> None:
        confirmation = frame.method
        self._is_silent = False
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


def _receive(inbox: asyncio.Queue[QueuedMessage], channel: Channel, method: Any, properties: Any, body: bytes) -> None:
    message = AmqpMessage(properties.headers or {}, body, properties.content_type or "", properties.message_id or "")
    inbox.put_nowait(
        QueuedMessage(message, partial(_acknowledge, channel, method.delivery_tag), lambda: bool(channel.is_open))
    )


def _acknowledge(channel: Channel, tag: int) -> None:
    if channel.is_open:
        channel.basic_ack(tag)
    else:
        log.warning("connection to RabbitMQ lost before an acknowledgement: the event will be delivered again")
