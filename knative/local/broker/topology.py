"""RabbitMQ topology of a Broker: the names and bindings that eventing-rabbitmq gives to it and its Triggers."""

import hashlib
import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knative.local.broker.messages import Value
from knative.local.broker.specs import BrokerError, Destination, TriggerSpec

log = logging.getLogger("knative.local.broker")

_LONGEST, _HEAD = 63, 31
# A cluster draws random UIDs; here a run must find the queues of its last start again.
_UIDS = uuid.UUID("b1a3f0de-5c1c-5a52-9d0b-3c1f6a7e4c11")


@dataclass(frozen=True)
class Binding:
    """Messages of *exchange* whose headers match *arguments* go to *queue*."""

    exchange: str
    queue: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Consumer:
    """A queue and who takes from it. What *destination* does not take goes to the exchange *dead_letters*, if any."""

    name: str
    queue: str
    destination: Destination
    dead_letters: str | None = None
    filter_attributes: Mapping[str, str] | None = None
    parallelism: int = 1


@dataclass(frozen=True)
class Topology:
    """All that a Broker needs in RabbitMQ: *ingress* is the exchange that events are published to."""

    ingress: str
    exchanges: Sequence[str]
    bindings: Sequence[Binding]
    consumers: Sequence[Consumer]


def plan(namespace: str, broker: str, triggers: Sequence[TriggerSpec], identity: str = "") -> Topology:
    """Return the topology of *broker* with *triggers*; BrokerError for what would lose events in a cluster.

    *identity* keeps the names of two runs on one RabbitMQ apart.
    """
    broker_uid = _uid(identity, namespace, "Broker", broker)
    ingress = _child_name(f"b.{namespace}.{broker}.", broker_uid)
    exchanges, bindings, consumers = [ingress], [], []
    if len({trigger.name for trigger in triggers}) < len(triggers):
        raise BrokerError(f"two Triggers of Broker {broker} have the same name")
    for trigger in triggers:
        _check(trigger)
        uid = _uid(identity, namespace, "Trigger", trigger.name)
        queue = f"{namespace}.{trigger.name}.{broker_uid}"
        dlx = _child_name(f"t.{namespace}.{trigger.name}.dlx.", uid)
        dlq = _child_name(f"t.{namespace}.{trigger.name}.dlq.", uid)
        attributes = trigger.filter_attributes
        exchanges.append(dlx)
        bindings += [
            Binding(ingress, queue, {**attributes, "x-knative-trigger": trigger.name, "x-match": "all"}),
            Binding(dlx, dlq, {"x-match": "all"}),
        ]
        consumers += [
            Consumer(trigger.name, queue, trigger.subscriber, dlx, attributes, trigger.parallelism),
            Consumer(f"{trigger.name} (dead letters)", dlq, trigger.dead_letter),
        ]
    return Topology(ingress, exchanges, bindings, consumers)


def matches(arguments: Mapping[str, str], headers: Mapping[str, Value]) -> bool:
    """Return whether a headers exchange routes *headers* by *arguments*: equal in value and type."""
    return all(headers.get(name) == value for name, value in arguments.items() if not name.startswith("x-"))


def _check(trigger: TriggerSpec) -> None:
    if not trigger.dead_letter_url:
        # The dispatcher would publish to an exchange that does not exist, or drop the event.
        raise BrokerError(
            f"Trigger {trigger.name} has no deadLetterSink: a cluster would lose every event whose retries are used up"
        )
    if not 1 <= trigger.parallelism <= 1000:
        raise BrokerError(f"Trigger {trigger.name}: parallelism {trigger.parallelism} is not within 1 to 1000")
    for name, value in trigger.filter_attributes.items():
        if name == "datacontenttype":
            log.warning("Trigger %s never matches: inside RabbitMQ datacontenttype has another name", trigger.name)
        if not value:
            log.warning('Trigger %s: "" asks for an empty %s, not for any', trigger.name, name)


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(_UIDS, "/".join(filter(None, parts))))


def _child_name(parent: str, uid: str) -> str:
    """Return the name Kubernetes gives a child: whole within 63 characters, else the parent's head and a hash."""
    if len(parent) + len(uid) <= _LONGEST:
        return parent + uid
    digest = hashlib.md5((parent + uid).encode(), usedforsecurity=False).hexdigest()
    name = parent[:_HEAD] + digest
    name += uid[: _LONGEST - len(name)]
    return name if name[-1].isalnum() else name.rstrip("-.")
