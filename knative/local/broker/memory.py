"""In-memory queues for a machine without RabbitMQ: the same behaviour, but lost when the process ends."""

import asyncio
from collections import defaultdict, deque

from knative.local.broker.messages import AmqpMessage
from knative.local.broker.queues import QueuedMessage, UnconfirmedError
from knative.local.broker.topology import Binding, Topology, headers_match


class MemoryQueues:
    """Queues that live as long as this object."""

    def __init__(self) -> None:
        self._bindings: dict[str, list[Binding]] = {}
        self._waiting: dict[str, deque[AmqpMessage]] = defaultdict(deque)
        self._in_hand: dict[str, dict[int, AmqpMessage]] = defaultdict(dict)
        self._arrived: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self._tag = 0

    async def open(self, topology: Topology) -> None:
        """Bind as *topology* says; messages of an earlier time are still there."""
        self._bindings = {exchange: [] for exchange in topology.exchanges}
        for binding in topology.bindings:
            self._bindings[binding.exchange].append(binding)

    async def close(self) -> None:
        """Requeue unacknowledged messages at the head, in their order."""
        self._bindings = {}
        for queue, messages in self._in_hand.items():
            self._waiting[queue].extendleft(reversed(messages.values()))
            self._arrived[queue].set()
        self._in_hand.clear()

    async def publish(self, exchange: str, message: AmqpMessage) -> None:
        """Add *message* to every queue it matches."""
        if exchange not in self._bindings:
            raise UnconfirmedError(f"there is no exchange {exchange}")
        for binding in self._bindings[exchange]:
            if headers_match(binding.arguments, message.headers):
                self._waiting[binding.queue].append(message)
                self._arrived[binding.queue].set()

    async def get(self, queue: str) -> QueuedMessage:
        """Wait for the next message of *queue*."""
        while not self._waiting[queue]:
            self._arrived[queue].clear()
            await self._arrived[queue].wait()
        self._tag += 1
        tag, in_hand = self._tag, self._in_hand[queue]
        in_hand[tag] = message = self._waiting[queue].popleft()
        return QueuedMessage(message, lambda: in_hand.pop(tag, None) and None)

    async def ready(self, queue: str) -> int | None:
        """Return how many messages wait in *queue*."""
        return len(self._waiting[queue])
