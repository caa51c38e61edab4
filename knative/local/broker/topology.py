"""RabbitMQ topology of a Broker: the names and bindings that eventing-rabbitmq gives to it and its Triggers."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from knative.local.broker.messages import Value
from knative.local.broker.specs import Destination, TriggerSpec

_LONGEST, _HEAD = 63, 31
# UIDs are random in a cluster; here a run must find the queues of its last start again.
_UIDS = uuid.UUID("b1a3f0de-5c1c-5a52-9d0b-3c1f6a7e4c11")


@dataclass(frozen=True)
class Binding:
    """Messages of *exchange* whose headers match *arguments* go to *queue*."""

    exchange: str
    queue: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Consumer:
    """A queue and the destination of its events; failed ones go to the exchange *dead_letters*, if any."""

    name: str
    queue: str
    destination: Destination
    dead_letters: str | None = None
    filter_attributes: Mapping[str, str] | None = None
    parallelism: int = 1


@dataclass(frozen=True)
class Topology:
    """Exchanges, bindings and queues of a Broker; *ingress* is the exchange that events are published to."""

    ingress: str
    exchanges: Sequence[str]
    bindings: Sequence[Binding]
    consumers: Sequence[Consumer]


def plan(namespace: str, broker: str, triggers: Sequence[TriggerSpec], identity: str = "") -> Topology:
    """Return the topology of *broker* with *triggers*, which the manifests' models have checked.

    *identity* keeps the names of two runs on one RabbitMQ apart.
    """
    broker_uid = _uid(identity, namespace, "Broker", broker)
    ingress = _child_name(f"b.{namespace}.{broker}.", broker_uid)
    exchanges, bindings, consumers = [ingress], [], []
    for trigger in triggers:
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


def headers_match(arguments: Mapping[str, str], headers: Mapping[str, Value]) -> bool:
    """Return whether a headers exchange routes *headers* by *arguments*: equal in value and type."""
    return all(headers.get(name) == value for name, value in arguments.items() if not name.startswith("x-"))


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
