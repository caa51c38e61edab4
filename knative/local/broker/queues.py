"""Interface of the broker's queues, which RabbitMQ and memory implement."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from knative.local.broker.messages import AmqpMessage
from knative.local.broker.topology import Topology


class UnconfirmedError(Exception):
    """The queues did not confirm a message: it may be lost or stored."""


class BusyError(UnconfirmedError):
    """The queues accept nothing for now; the message says why."""


class TooLargeError(UnconfirmedError):
    """The queues will never accept this message."""


@dataclass(frozen=True)
class QueuedMessage:
    """A received message; unless *acknowledge* is called, the queue delivers it again when the consumer is gone."""

    message: AmqpMessage
    acknowledge: Callable[[], None]
    is_current: Callable[[], bool] = lambda: True
    """False once the connection is lost: the queue delivers the message again."""


class Queues(Protocol):
    """Durable queues behind exchanges that match headers."""

    async def open(self, topology: Topology) -> None:
        """Declare *topology* and begin to consume; BrokerError when that is impossible."""
        ...

    async def close(self) -> None:
        """Return unacknowledged messages and disconnect."""
        ...

    async def publish(self, exchange: str, message: AmqpMessage) -> None:
        """Publish *message*; return when its queues have stored it, UnconfirmedError otherwise."""
        ...

    async def get(self, queue: str) -> QueuedMessage:
        """Wait for the next message of *queue*."""
        ...

    async def ready(self, queue: str) -> int | None:
        """Return how many messages wait in *queue*; None when it is unknown."""
        ...
