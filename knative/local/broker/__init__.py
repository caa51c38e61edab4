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
from knative.local.broker.specs import BrokerError, Mode, TriggerSpec
from knative.local.broker.topology import plan
from knative.local.listener import Listener, bind

__all__ = ["Broker", "BrokerError", "Counts", "QueueStatus", "TriggerSpec"]

log = logging.getLogger("knative.local.broker")


@dataclass(frozen=True)
class QueueStatus:
    """One queue: what became of its events since the start, and how many wait in it (*ready*; None: cannot tell)."""

    counts: Counts
    ready: int | None


class Broker:
    """A Broker with its Triggers. Raises BrokerError for declarations by which a cluster would lose events.

    *amqp_url* None keeps the queues in memory. *port* 0 is any free one. Mode "faithful" copies what the real
    dispatcher does against the specification and tells of it; "spec" dead-letters instead.
    """

    def __init__(
        self,
        amqp_url: str | None,
        namespace: str,
        name: str,
        triggers: Sequence[TriggerSpec],
        *,
        mode: Mode = "faithful",
        port: int = 0,
    ) -> None:
        self._topology = plan(namespace, name, triggers)
        self._queues = RabbitQueues(amqp_url) if amqp_url else MemoryQueues()
        self._mode: Mode = mode
        self._port = port
        self._listener: Listener | None = None
        self._dispatchers: list[Dispatcher] = []
        self._client: httpx.AsyncClient | None = None

    @property
    def ingress_url(self) -> str:
        """Where events are POSTed, from the first start on."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Make queues and bindings, then serve the ingress and deliver. Raises BrokerError without RabbitMQ."""
        await self._queues.open(self._topology)
        sockets = bind(self._port)
        self._port = sockets[0].getsockname()[1]
        self._listener = Listener(Ingress(self._queues, self._topology.ingress), sockets)
        await self._listener.start()
        # A function that starts from zero may take its time, unless its Trigger's delivery.timeout says otherwise.
        self._client = httpx.AsyncClient(timeout=None, trust_env=False, limits=httpx.Limits())  # noqa: S113
        self._dispatchers = [
            Dispatcher(consumer, self._queues, self._client, self.ingress_url, self._mode)
            for consumer in self._topology.consumers
        ]

    async def stop(self, grace: float = 5) -> None:
        """Stop delivering, give requests on their way *grace* seconds, and keep the rest for the next start."""
        await asyncio.gather(*(dispatcher.stop(grace) for dispatcher in self._dispatchers))
        if self._listener:  # after the dispatchers, whose replies go through it
            await self._listener.stop()
        if self._client:
            await self._client.aclose()
        await self._queues.close()

    async def status(self) -> dict[str, QueueStatus]:
        """Return the state of every queue, by Trigger; of its dead letters as "<trigger> (dead letters)"."""
        return {
            dispatcher.consumer.name: QueueStatus(
                dispatcher.counts, await self._queues.ready(dispatcher.consumer.queue)
            )
            for dispatcher in self._dispatchers
        }
