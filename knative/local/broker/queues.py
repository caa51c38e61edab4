"""What a broker needs of its queues, so that RabbitMQ and memory can stand for one another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from knative.local.broker.messages import Message
from knative.local.broker.topology import Topology


class UnconfirmedError(Exception):
    """A message that the queues did not confirm: it may be lost, or kept after all."""


@dataclass(frozen=True)
class Delivery:
    """A message in hand. Until *acknowledge* is called, the queue gives it out again when its consumer is gone."""

    message: Message
    acknowledge: Callable[[], None]


class Queues(Protocol):
    """Durable queues behind exchanges that match headers."""

    async def open(self, topology: Topology) -> None:
        """Make what *topology* names and begin to consume. Raises BrokerError when they cannot be reached."""
        ...

    async def close(self) -> None:
        """Give back what is in hand and let go."""
        ...

    async def publish(self, exchange: str, message: Message) -> None:
        """Publish, and return when all queues it belongs to have *message* safely. Raises UnconfirmedError."""
        ...

    async def get(self, queue: str) -> Delivery:
        """Wait for the next message of *queue*."""
        ...

    async def ready(self, queue: str) -> int | None:
        """Return how many messages wait in *queue*, not yet in hand; None while that cannot be told."""
        ...
