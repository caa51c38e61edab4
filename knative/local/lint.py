"""What a cluster accepts without a word and then loses events, connections or sleep by: checked before it is run."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from knative.local.kustomize import Document
from knative.local.manifest_schema import seconds_of_iso

RETRIES_SPAN = 120
"""Seconds that retries must last: a restart of Postgres."""
SHORTEST_TIMEOUT = 60
"""Seconds: a function learns of its end only after 30 quiet ones, and is killed after timeoutSeconds."""

_FUNCTION = ("serving.knative.dev/v1", "Service")
Objects = Mapping[tuple[str, str, str, str], dict[str, Any]]
Rule = Callable[[dict[str, Any], Objects], Iterator[str]]


def lint(documents: Sequence[Document]) -> list[str]:
    """Return a sentence, with its file and object, for each rule that *documents* break."""
    objects = {document.identity: document.body for document in documents}
    return [
        f"{document.file}: {document.identity[1]} {document.identity[3]}: {warning}"
        for document in documents
        for rule in _RULES.get(document.identity[:2], ())
        for warning in rule(document.body, objects)
    ]


def _own_delivery(trigger: dict[str, Any], _: Objects) -> Iterator[str]:
    delivery = trigger["spec"].get("delivery", {})
    if "deadLetterSink" not in delivery:
        yield "needs a deadLetterSink of its own: undeliverable events are dropped, and a delivery hides the Broker's"
    if "timeout" not in delivery:
        yield "needs a timeout: the dispatcher waits for ever without one"
    if delivery.get("backoffPolicy") != "exponential":
        yield "needs backoffPolicy: exponential"
    span = retry_span(delivery)
    if span < RETRIES_SPAN:
        yield f"gives up after {span:g} s; a restart of Postgres takes up to {RETRIES_SPAN}"


def retry_span(delivery: Mapping[str, Any]) -> float:
    """Return the seconds from first to last attempt as the RabbitMQ dispatcher counts: delay * 2^n, n from 1."""
    return seconds_of_iso(delivery.get("backoffDelay", "PT0.05S")) * (2 ** (delivery.get("retry", 0) + 1) - 2)


def _filter(trigger: dict[str, Any], _: Objects) -> Iterator[str]:
    if "filters" in trigger["spec"]:
        yield "the RabbitMQ broker does not read filters and would deliver everything: use filter.attributes"
    attributes = trigger["spec"].get("filter", {}).get("attributes", {})
    if not attributes.get("type"):
        yield "needs a type in filter.attributes: it takes every event, its own replies among them"
    if "datacontenttype" in attributes:
        yield "datacontenttype never matches in RabbitMQ"
    if "" in attributes.values():
        yield "an empty value matches only empty values"


def _subscriber(trigger: dict[str, Any], objects: Objects) -> Iterator[str]:
    delivery = trigger["spec"].get("delivery", {})
    for end in (trigger["spec"]["subscriber"], delivery.get("deadLetterSink")):
        reference = (end or {}).get("ref", {})
        namespace = reference.get("namespace", trigger["metadata"].get("namespace", ""))
        function = objects.get((*_FUNCTION, namespace, reference.get("name", "")))
        if function is None:
            continue
        labels = function["metadata"].get("labels", {})
        if labels.get("networking.knative.dev/visibility") != "cluster-local":
            yield f"{reference['name']} takes events and must be cluster-local: anybody could send it some"
        if "timeout" in delivery and seconds_of_iso(delivery["timeout"]) <= _timeout(function):
            yield f"its timeout must exceed that of {reference['name']}: two copies would work on one event"


def _timeout(function: dict[str, Any]) -> int:
    return function["spec"]["template"]["spec"].get("timeoutSeconds", 300)


def _scale(function: dict[str, Any], _: Objects) -> Iterator[str]:
    annotations = function["spec"]["template"].get("metadata", {}).get("annotations", {})
    if int(annotations.get("autoscaling.knative.dev/max-scale", "0")) < 1:
        yield "needs a max-scale: connections to Postgres have no bound"
    if _timeout(function) < SHORTEST_TIMEOUT:
        yield f"is killed while it ends: timeoutSeconds must be {SHORTEST_TIMEOUT} or more"


def _container(workload: dict[str, Any], _: Objects) -> Iterator[str]:
    for container in workload["spec"]["template"]["spec"]["containers"]:
        security = container.get("securityContext", {})
        wanted = {
            "runAsNonRoot": True,
            "readOnlyRootFilesystem": True,
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        for field, value in wanted.items():
            if security.get(field) != value:
                yield f"securityContext.{field} must be {json.dumps(value)}"
        resources = container.get("resources", {})
        if "cpu" not in resources.get("requests", {}) or "memory" not in resources.get("limits", {}):
            yield "needs a request for CPU and a limit of memory"
        if "cpu" in resources.get("limits", {}):
            yield "a limit of CPU makes cold starts several times as long"


def _ping(source: dict[str, Any], _: Objects) -> Iterator[str]:
    if source["spec"].get("schedule", "").startswith("@every"):
        yield "@every is refused"
    if source["spec"].get("contentType") == "application/json":
        try:
            data = json.loads(source["spec"].get("data", ""))
        except ValueError:
            data = None
        if not isinstance(data, dict):
            yield "data must be a JSON object"


_RULES: Mapping[tuple[str, str], Sequence[Rule]] = {
    ("eventing.knative.dev/v1", "Trigger"): (_own_delivery, _filter, _subscriber),
    _FUNCTION: (_scale, _container),
    ("apps/v1", "StatefulSet"): (_container,),
    ("apps/v1", "Deployment"): (_container,),
    ("batch/v1", "Job"): (_container,),
    ("sources.knative.dev/v1", "PingSource"): (_ping,),
}
