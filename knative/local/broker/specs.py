"""What a Broker and its Triggers are told to do: the manifests' fields, resolved to URLs and seconds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BackoffPolicy = Literal["linear", "exponential"]
Mode = Literal["faithful", "spec"]
QueueType = Literal["quorum", "classic"]


class BrokerError(Exception):
    """A Broker or Trigger that cannot run as it is declared, or a RabbitMQ that cannot be reached."""


@dataclass(frozen=True)
class Destination:
    """Where events are POSTed (*name*: its URL in a cluster), and how patiently: seconds, *timeout* None for ever."""

    url: str
    name: str
    retry: int
    backoff_policy: BackoffPolicy
    backoff_delay: float
    timeout: float | None

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number *attempt* (from 1)."""
        return self.backoff_delay * (
            attempt if self.backoff_policy == "linear" else 2**attempt
        )  # the first wait is twice the delay


@dataclass(frozen=True)
class TriggerSpec:
    """One Trigger: which events it wants, who takes them, and who takes those that could not be delivered.

    *subscriber_name* is reported as `knativeerrordest`. Without *dead_letter_url* the Broker's dead letter is used.
    """

    name: str
    filter_attributes: Mapping[str, str] = field(hash=False)
    subscriber_url: str
    subscriber_name: str
    dead_letter_url: str | None
    dead_letter_name: str
    retry: int
    backoff_policy: BackoffPolicy
    backoff_delay: float
    timeout: float | None
    parallelism: int = 1

    @property
    def subscriber(self) -> Destination:
        """Who takes the events."""
        return self._destination(self.subscriber_url, self.subscriber_name)

    @property
    def dead_letter(self) -> Destination | None:
        """Who takes the undeliverable ones: with the Trigger's own retries, as in a cluster."""
        return self._destination(self.dead_letter_url, self.dead_letter_name) if self.dead_letter_url else None

    def _destination(self, url: str, name: str) -> Destination:
        return Destination(url, name, self.retry, self.backoff_policy, self.backoff_delay, self.timeout)
