"""The names and bindings that eventing-rabbitmq gives to a Broker and its Triggers, as plain values."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knative.local.broker.messages import Value
from knative.local.broker.specs import BrokerError, Destination, TriggerSpec

_LONGEST, _HEAD = 63, 31
# A cluster draws its UIDs; here the same manifest must find the same queues again.
_UIDS = uuid.UUID("b1a3f0de-5c1c-5a52-9d0b-3c1f6a7e4c11")


@dataclass(frozen=True)
class Binding:
    """Messages of *exchange* whose headers match *arguments* go to *queue*."""

    exchange: str
    queue: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Consumer:
    """A queue and who takes from it. What *destination* does not take goes to *dead_letters* (an exchange), if any."""

    name: str
    queue: str
    destination: Destination
    dead_letters: str | None
    filter_attributes: Mapping[str, str]
    parallelism: int = 1


@dataclass(frozen=True)
class Topology:
    """All that a Broker needs in RabbitMQ: *ingress* is the exchange that events are published to."""

    ingress: str
    exchanges: Sequence[str]
    bindings: Sequence[Binding]
    consumers: Sequence[Consumer]


def plan(namespace: str, broker: str, triggers: Sequence[TriggerSpec], dead_letter: Destination | None) -> Topology:
    """Return what *broker* with *triggers* needs. Raises BrokerError for what would lose events in a cluster."""
    broker_uid = _uid(namespace, "Broker", broker)
    ingress = _child_name(f"b.{namespace}.{broker}.", broker_uid)
    broker_dlx = _child_name(f"b.{namespace}.{broker}.dlx.", broker_uid)
    exchanges, bindings, consumers = [ingress], [], []

    def add_dead_letters(
        name: str, exchange: str, queue: str, destination: Destination, marks: Mapping[str, str]
    ) -> None:
        exchanges.append(exchange)
        bindings.append(Binding(exchange, queue, {"x-match": "all", **marks}))
        consumers.append(Consumer(f"{name} (dead letters)", queue, destination, None, {}))

    if len({trigger.name for trigger in triggers}) < len(triggers):
        raise BrokerError(f"two Triggers of Broker {broker} have the same name")
    for trigger in triggers:
        uid = _uid(namespace, "Trigger", trigger.name)
        queue, dlx = f"{namespace}.{trigger.name}.{broker_uid}", broker_dlx
        if not 1 <= trigger.parallelism <= 1000:
            raise BrokerError(f"Trigger {trigger.name}: parallelism {trigger.parallelism} is not within 1 to 1000")
        if trigger.dead_letter:
            dlx = _child_name(f"t.{namespace}.{trigger.name}.dlx.", uid)
            dlq = _child_name(f"t.{namespace}.{trigger.name}.dlq.", uid)
            add_dead_letters(trigger.name, dlx, dlq, trigger.dead_letter, {})
        elif not dead_letter:
            # The dispatcher would publish to an exchange that does not exist, or drop the event (knative.md 0.2).
            raise BrokerError(
                f"Trigger {trigger.name} has no deadLetterSink, nor has Broker {broker}: "
                "a cluster would lose each event whose retries are used up. Add delivery.deadLetterSink."
            )
        arguments = {**trigger.filter_attributes, "x-knative-trigger": trigger.name, "x-match": "all"}
        bindings.append(Binding(ingress, queue, arguments))
        consumers.append(
            Consumer(trigger.name, queue, trigger.subscriber, dlx, trigger.filter_attributes, trigger.parallelism)
        )
    if dead_letter:
        dlq = _child_name(f"b.{namespace}.{broker}.dlq.", broker_uid)
        add_dead_letters(broker, broker_dlx, dlq, dead_letter, {"x-knative-dlq": broker})
    return Topology(ingress, exchanges, bindings, consumers)


def matches(arguments: Mapping[str, str], headers: Mapping[str, Value]) -> bool:
    """Tell whether a headers exchange takes *headers* for *arguments*: every term equal, also in its type."""
    return all(
        name in headers and type(headers[name]) is type(value) and headers[name] == value
        for name, value in arguments.items()
        if not name.startswith("x-")
    )


def _uid(namespace: str, kind: str, name: str) -> str:
    return str(uuid.uuid5(_UIDS, f"{namespace}/{kind}/{name}"))


def _child_name(parent: str, suffix: str) -> str:
    """Return the name Kubernetes gives a child: whole within 63 characters, else the parent's head and a hash."""
    if len(parent) + len(suffix) <= _LONGEST:
        return parent + suffix
    digest = hashlib.md5((parent + suffix).encode(), usedforsecurity=False).hexdigest()
    name = parent[:_HEAD] + digest
    name += suffix[: _LONGEST - len(name)]
    while not name[-1].isalnum():
        name = name[:-1]
    return name
