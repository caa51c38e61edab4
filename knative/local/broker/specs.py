"""Trigger settings: the fields of the manifests, resolved to URLs and seconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BackoffPolicy = Literal["linear", "exponential"]


class BrokerError(Exception):
    """RabbitMQ cannot be used."""


@dataclass(frozen=True)
class Destination:
    """Address of events (*name*: its URL in a cluster) and its retry policy; times are in seconds, None is no limit."""

    url: str
    name: str
    retry: int
    backoff_policy: BackoffPolicy
    backoff_delay: float
    timeout: float | None

    def backoff(self, attempt: int) -> float:
        """Return the seconds to wait after failed attempt number *attempt* (from 1)."""
        # The SDK counts from 1, so the first exponential wait is already twice the delay.
        return self.backoff_delay * (attempt if self.backoff_policy == "linear" else 2**attempt)


@dataclass(frozen=True)
class TriggerSpec:
    """A Trigger: its filter, its subscriber and its dead-letter sink.

    *subscriber_name* is reported as `knativeerrordest`. Dead letters are retried like events.
    """

    name: str
    filter_attributes: Mapping[str, str]
    subscriber_url: str
    subscriber_name: str
    dead_letter_url: str
    dead_letter_name: str
    retry: int
    backoff_policy: BackoffPolicy
    backoff_delay: float
    timeout: float | None
    parallelism: int = 1

    @property
    def subscriber(self) -> Destination:
        """Destination of events."""
        return self._destination(self.subscriber_url, self.subscriber_name)

    @property
    def dead_letter(self) -> Destination:
        """Destination of undeliverable events."""
        return self._destination(self.dead_letter_url, self.dead_letter_name)

    def _destination(self, url: str, name: str) -> Destination:
        return Destination(url, name, self.retry, self.backoff_policy, self.backoff_delay, self.timeout)
