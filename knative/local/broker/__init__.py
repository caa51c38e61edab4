"""A Knative Broker on one machine: eventing-rabbitmq 1.22 over the same RabbitMQ topology, with its quirks.

`Broker` is used from the event loop of its process: `await broker.start()`, then events POSTed to `broker.ingress_url`
go to the Triggers' subscribers, until `await broker.stop()`. What was not delivered is delivered after the next start.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

import httpx

from knative.local.broker.dispatcher import Counts, Dispatcher
from knative.local.broker.ingress import Ingress
from knative.local.broker.memory import MemoryQueues
from knative.local.broker.rabbit import RabbitQueues
from knative.local.broker.specs import BrokerError, Destination, Mode, QueueType, TriggerSpec
from knative.local.broker.topology import plan

__all__ = ["Broker", "BrokerError", "Destination", "QueueStatus", "TriggerSpec"]

log = logging.getLogger("knative.local.broker")


@dataclass(frozen=True)
class QueueStatus:
    """One queue: what became of its events since the start, and how many wait in it (*ready*; None: cannot tell)."""

    counts: Counts
    ready: int | None


class Broker:
    """A Broker with its Triggers. Raises BrokerError for declarations by which a cluster would lose events.

    *amqp_url* None keeps the queues in memory. *dead_letter* serves the Triggers that have none of their own.
    Mode "faithful" copies what the real dispatcher does against the specification; "spec" dead-letters instead.
    """

    def __init__(
        self,
        amqp_url: str | None,
        namespace: str,
        name: str,
        triggers: Sequence[TriggerSpec],
        *,
        dead_letter: Destination | None = None,
        mode: Mode = "faithful",
        queue_type: QueueType = "quorum",
        host: str = "127.0.0.1",
        port: int = 0,
        confirm_seconds: float = 10,
    ) -> None:
        self.name = name
        self._triggers = triggers
        self._topology = plan(namespace, name, triggers, dead_letter)
        self._queues = (
            RabbitQueues(amqp_url, queue_type=queue_type, confirm_seconds=confirm_seconds)
            if amqp_url
            else MemoryQueues()
        )
        self._mode: Mode = mode
        self._address = host, port
        self._ingress: Ingress | None = None
        self._dispatchers: list[Dispatcher] = []
        self._client: httpx.AsyncClient | None = None

    @property
    def ingress_url(self) -> str:
        """Where events are POSTed; known once the Broker has started."""
        if not self._ingress:
            raise BrokerError(f"Broker {self.name} has not started")
        return self._ingress.url

    async def start(self) -> None:
        """Make queues and bindings, then serve the ingress and deliver. Raises BrokerError without RabbitMQ."""
        _warn_of_quirks(self._triggers)
        await self._queues.open(self._topology)
        self._ingress = Ingress(self._queues, self._topology.ingress, *self._address)
        # No timeouts: a function that starts from zero may take its time, unless delivery.timeout says otherwise.
        self._client = httpx.AsyncClient(
            timeout=None,  # noqa: S113
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        )
        self._dispatchers = [
            Dispatcher(consumer, self._queues, self._client, self._ingress.url, self._mode)
            for consumer in self._topology.consumers
        ]

    async def stop(self, grace: float = 5) -> None:
        """Stop taking events, give deliveries on their way *grace* seconds, and keep the rest for the next start."""
        await asyncio.gather(*(dispatcher.stop(grace) for dispatcher in self._dispatchers))
        if self._ingress:
            await self._ingress.stop()
        if self._client:
            await self._client.aclose()
        await self._queues.close()

    async def status(self) -> dict[str, QueueStatus]:
        """Return the state of every queue, by Trigger; dead letters as "<trigger> (dead letters)"."""
        return {
            dispatcher.consumer.name: QueueStatus(
                dispatcher.counts, await self._queues.ready(dispatcher.consumer.queue)
            )
            for dispatcher in self._dispatchers
        }


def _warn_of_quirks(triggers: Sequence[TriggerSpec]) -> None:
    for trigger in triggers:
        for name, value in trigger.filter_attributes.items():
            if name == "datacontenttype":
                log.warning("Trigger %s never matches: RabbitMQ knows no header datacontenttype", trigger.name)
            if not value:
                log.warning('Trigger %s: "" matches only events whose %s is empty, not any', trigger.name, name)
