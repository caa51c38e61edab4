"""A Knative Broker on one machine: eventing-rabbitmq 1.22 over the same RabbitMQ topology, with its quirks.

`Broker` runs on the event loop of its process: after `await broker.start()`, events POSTed to `broker.ingress_url` go
to the Triggers' subscribers until `await broker.stop()`. Undelivered events are delivered after the next start.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from knative.local.broker.dispatcher import Counts, Dispatcher, Result
from knative.local.broker.ingress import Ingress, IngressProtocol
from knative.local.broker.memory import MemoryQueues
from knative.local.broker.rabbit import RabbitQueues
from knative.local.broker.specs import BrokerError, TriggerSpec
from knative.local.broker.topology import plan
from knative.local.files import write_whole
from knative.local.listener import Listener, bind
from knative.local.loopback import loopback_client

if TYPE_CHECKING:
    import httpx

__all__ = ["Broker", "BrokerError", "Counts", "QueueStatus", "Result", "TriggerSpec"]

log = logging.getLogger("knative.local.broker")
_TRACES = 1000


@dataclass(frozen=True)
class QueueStatus:
    """A queue: its results since the start and the number of events that wait in it (None: unknown)."""

    counts: Counts
    ready: int | None


class Broker:
    """A Broker with its Triggers.

    *amqp_url* None keeps the queues in memory. *port* 0 is any free one; the ingress is below the path *secret*.
    *identity* keeps runs on one RabbitMQ apart. The file *declared* lists the queues of the last start.
    """

    def __init__(
        self,
        amqp_url: str | None,
        namespace: str,
        name: str,
        triggers: Sequence[TriggerSpec],
        *,
        port: int = 0,
        secret: str = "",
        identity: str = "",
        declared: Path | None = None,
    ) -> None:
        self._topology = plan(namespace, name, triggers, identity)
        self._queues = RabbitQueues(amqp_url) if amqp_url else MemoryQueues()
        self._port, self._secret, self._declared = port, secret, declared
        self._listener: Listener | None = None
        self._dispatchers: list[Dispatcher] = []
        self._client: httpx.AsyncClient | None = None
        self._results: OrderedDict[str, list[Result]] = OrderedDict()

    @property
    def ingress_url(self) -> str:
        """Address for events, known from the first start on."""
        return f"http://127.0.0.1:{self._port}" + (f"/{self._secret}" if self._secret else "")

    async def start(self) -> None:
        """Declare queues and bindings, then serve the ingress and deliver; BrokerError without RabbitMQ."""
        await self._queues.open(self._topology)
        await self._remove_old_queues()
        sockets = bind(self._port)
        self._port = sockets[0].getsockname()[1]
        ingress = Ingress(self._queues, self._topology.ingress, f"/{self._secret}")
        self._listener = Listener(ingress, sockets, IngressProtocol)
        await self._listener.start()
        # A function that starts from zero may take its time, unless its Trigger's delivery.timeout says otherwise.
        self._client = loopback_client(None)
        self._dispatchers = [
            Dispatcher(consumer, self._queues, self._client, self._topology.ingress, self._record)
            for consumer in self._topology.consumers
        ]

    async def stop(self, grace: float = 5) -> None:
        """Stop delivering, give open requests *grace* seconds, and keep the rest for the next start."""
        await asyncio.gather(*(dispatcher.stop(grace) for dispatcher in self._dispatchers))
        if self._listener:  # after the dispatchers, whose replies go through it
            await self._listener.stop()
        if self._client:
            await self._client.aclose()
        await self._queues.close()

    def results(self, trace_id: str) -> list[Result]:
        """Return the results of the events of one trace, oldest first."""
        return list(self._results.get(trace_id, ()))

    def _record(self, trace_id: str, result: Result) -> None:
        self._results.setdefault(trace_id, []).append(result)
        while len(self._results) > _TRACES:
            self._results.popitem(last=False)

    async def _remove_old_queues(self) -> None:
        """Delete the queues of Triggers that are gone; name those that still hold events."""
        if not self._declared or not isinstance(self._queues, RabbitQueues):
            return
        current = {binding.queue for binding in self._topology.bindings}
        earlier = set(self._declared.read_text().split()) if self._declared.exists() else set()
        remaining = await self._queues.remove(sorted(earlier - current))
        for queue in remaining:
            log.warning("queue %s belongs to no Trigger any more, and stays because it holds events", queue)
        write_whole(self._declared, "".join(f"{queue}\n" for queue in sorted(current | set(remaining))))

    async def status(self) -> dict[str, QueueStatus]:
        """Return the state of every queue, by Trigger; of its dead letters as "<trigger> (dead letters)"."""
        return {
            dispatcher.consumer.name: QueueStatus(
                dispatcher.counts, await self._queues.ready(dispatcher.consumer.queue)
            )
            for dispatcher in self._dispatchers
        }
