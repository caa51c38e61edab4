"""Manifest linter: warnings about valid declarations that lose events or connections, or prevent scaling to zero."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from knative.local.kustomize import Document
from knative.local.manifest_schema import Address, Broker, DeliverySpec, Model, Service, Trigger, parse

RETRY_SECONDS = 120
"""Longest time of a restart of Postgres."""
SHORTEST_TIMEOUT = 60
"""Seconds: a function gets SIGTERM after up to 30 idle ones, and SIGKILL after timeoutSeconds."""
_SECURITY = {
    "runAsNonRoot": True,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
Models = Mapping[tuple[str, str, str, str], Model | None]


def lint(documents: Sequence[Document]) -> list[str]:
    """Return the warnings, each with its file and object."""
    models = {document.identity: parse(document.file, document.body) for document in documents}
    found: list[str] = []
    for document in documents:
        _, kind, _, name = document.identity
        model = models[document.identity]
        warnings: list[str] = []
        if isinstance(model, Trigger):
            warnings += [*_check_delivery(model, models), *_check_filter(model), *_check_ends(model, models)]
        if isinstance(model, Service):
            warnings += _check_scale(model)
        if kind in ("Deployment", "Job", "StatefulSet") or isinstance(model, Service):
            warnings += _check_containers(document.body)
        found += [f"{document.file}: {kind} {name}: {warning}" for warning in warnings]
    return found


def retry_seconds(delivery: DeliverySpec) -> float:
    """Return the seconds from the first to the last attempt, as the RabbitMQ dispatcher counts them from 1."""
    if delivery.backoff_policy == "linear":
        return delivery.backoff_delay * delivery.retry * (delivery.retry + 1) / 2
    return delivery.backoff_delay * (2 ** (delivery.retry + 1) - 2)


def _delivery(trigger: Trigger, models: Models) -> DeliverySpec:
    brokers = [model.spec.delivery for model in models.values() if isinstance(model, Broker)]
    return trigger.spec.delivery or next(filter(None, brokers), None) or DeliverySpec()


def _check_delivery(trigger: Trigger, models: Models) -> Iterator[str]:
    delivery = _delivery(trigger, models)
    if delivery.dead_letter_sink is None:
        yield "needs a deadLetterSink: undeliverable events are dropped, and a delivery of its own hides the Broker's"
    if delivery.timeout is None:
        yield "needs a timeout: the dispatcher waits without limit"
    if (seconds := retry_seconds(delivery)) < RETRY_SECONDS:
        yield f"retries for {seconds:g} s only; a restart of Postgres takes up to {RETRY_SECONDS} s"


def _check_filter(trigger: Trigger) -> Iterator[str]:
    attributes = trigger.spec.filter.attributes
    if not attributes.get("type"):
        yield "needs a type in filter.attributes: it receives every event, its own replies among them"
    if "datacontenttype" in attributes:
        yield "datacontenttype never matches in RabbitMQ"
    if "" in attributes.values():
        yield "an empty value matches only empty values"


def _check_ends(trigger: Trigger, models: Models) -> Iterator[str]:
    delivery = _delivery(trigger, models)
    ends: list[Address | None] = [trigger.spec.subscriber, delivery.dead_letter_sink]
    for end in filter(None, ends):
        namespace = end.ref.namespace or trigger.metadata.namespace
        function = models.get(("serving.knative.dev/v1", "Service", namespace, end.ref.name))
        if not isinstance(function, Service):
            continue
        if function.public:
            yield f"{end.ref.name} receives events and must be cluster-local: on a public host anyone could send them"
        if delivery.timeout is not None and delivery.timeout <= function.spec.template.spec.timeout_seconds:
            yield f"its timeout must exceed that of {end.ref.name}: two replicas would work on one event"


def _check_scale(service: Service) -> Iterator[str]:
    if service.spec.template.metadata.annotations.max_scale < 1:
        yield "needs a max-scale: connections to Postgres have no limit"
    if service.spec.template.spec.timeout_seconds < SHORTEST_TIMEOUT:
        yield f"is killed while it ends: timeoutSeconds must be {SHORTEST_TIMEOUT} or more"


def _check_containers(workload: dict[str, Any]) -> Iterator[str]:
    for container in workload["spec"]["template"]["spec"]["containers"]:
        security, resources = container.get("securityContext", {}), container.get("resources", {})
        for field, value in _SECURITY.items():
            if security.get(field) != value:
                yield f"securityContext.{field} must be {json.dumps(value)}"
        if "cpu" not in resources.get("requests", {}) or "memory" not in resources.get("limits", {}):
            yield "needs a request for CPU and a limit of memory"
        if "cpu" in resources.get("limits", {}):
            yield "a limit of CPU makes cold starts several times as long"
