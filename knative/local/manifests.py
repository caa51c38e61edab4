"""The application that the manifests describe, in the terms of the runner: functions, triggers, schedules, routes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knative.local.broker import TriggerSpec
from knative.local.kustomize import Document, build
from knative.local.manifest_schema import ManifestError, seconds_of_go, seconds_of_iso

Name = tuple[str, str]
"""Namespace and name of an object."""


@dataclass(frozen=True)
class Environment:
    """The variables of a container: ConfigMap values, the names that may be given from outside, and fixed ones."""

    defaults: Mapping[str, str]
    names: frozenset[str]
    fixed: Mapping[str, str]

    def resolve(self, outside: Mapping[str, str], services: Mapping[str, str]) -> dict[str, str]:
        """Return what the container gets: *outside* over the defaults, *services* over both, and what is fixed."""
        given = {name: outside[name] for name in self.names if name in outside}
        return {**self.defaults, **given, **services, **self.fixed}


@dataclass(frozen=True)
class Function:
    """A Knative Service. Times are in seconds; max_scale 0 has no bound, concurrency 0 neither."""

    namespace: str
    name: str
    environment: Environment
    public: bool
    concurrency: int
    target: int
    min_scale: int
    max_scale: int
    timeout: float
    idle: float

    @property
    def url(self) -> str:
        """Its address within a cluster."""
        return f"http://{self.host}"

    @property
    def host(self) -> str:
        """Its host name within a cluster."""
        return f"{self.name}.{self.namespace}.svc.cluster.local"


@dataclass(frozen=True)
class PingSource:
    """A schedule that sends the same event at each of its instants."""

    namespace: str
    name: str
    schedule: str
    timezone: str
    content_type: str
    data: str
    extensions: Mapping[str, str]


@dataclass(frozen=True)
class Job:
    """A command to run once before functions are served."""

    name: str
    command: Sequence[str]
    environment: Environment


@dataclass(frozen=True)
class Route:
    """Requests under a path prefix go to a function; *replacement* takes the prefix's place when it is not None."""

    hostnames: Sequence[str]
    prefix: str
    replacement: str | None
    function: Name


@dataclass(frozen=True)
class Application:
    """All that is to run."""

    broker: Name
    functions: Mapping[Name, Function]
    triggers: Sequence[TriggerSpec]
    ping_sources: Sequence[PingSource]
    jobs: Sequence[Job]
    routes: Sequence[Route]


def read(folder: Path) -> Application:
    """Return the application of *folder*'s kustomization; ManifestError for what is unsupported or contradictory."""
    return interpret(build(folder))


def interpret(documents: Sequence[Document]) -> Application:
    """Return the application that *documents* describe; ManifestError names the file and field that do not fit."""
    brokers = {(doc.identity[2], doc.identity[3]): doc for doc in _of_kind(documents, "Broker")}
    if len(brokers) != 1:
        raise ManifestError(f"the local runner runs one Broker, not {len(brokers)}")
    [broker] = brokers
    services = _of_kind(documents, "Service", "serving.knative.dev/v1")
    functions = {(doc.identity[2], doc.identity[3]): _function(doc, documents) for doc in services}
    triggers = [_trigger(doc, broker, brokers[broker], functions) for doc in _of_kind(documents, "Trigger")]
    return Application(
        broker,
        functions,
        triggers,
        [_ping_source(doc, broker) for doc in _of_kind(documents, "PingSource")],
        [_job(doc, documents) for doc in _of_kind(documents, "Job")],
        [rule for doc in _of_kind(documents, "HTTPRoute") for rule in _rules(doc, functions, triggers)],
    )


def _of_kind(documents: Sequence[Document], kind: str, api: str | None = None) -> list[Document]:
    return [doc for doc in documents if doc.identity[1] == kind and api in (None, doc.identity[0])]


def _get(document: Document, field: str, *default: Any) -> Any:
    """Return the value at *field* (a.b.c, containers[0] as containers.0); without a default it must be there."""
    value: Any = document.body
    for step in field.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, TypeError):
            if default:
                return default[0]
            raise _error(document, field, "is missing") from None
    return value


def _error(document: Document, field: str, what: str) -> ManifestError:
    path = re.sub(r"\.(\d+)", r"[\1]", field)
    return ManifestError(f"{document.file}: {path}: {what}")


def _function(document: Document, documents: Sequence[Document]) -> Function:
    _, _, namespace, name = document.identity
    annotations: dict[str, str] = _get(document, "spec.template.metadata.annotations", {})

    def scaling(key: str, default: str) -> str:
        return annotations.get(f"autoscaling.knative.dev/{key}", default)

    retention = seconds_of_go(scaling("scale-to-zero-pod-retention-period", "0s"))
    concurrency = _get(document, "spec.template.spec.containerConcurrency", 0)
    return Function(
        namespace,
        name,
        _environment(document, "spec.template.spec", documents),
        "networking.knative.dev/visibility" not in _get(document, "metadata.labels", {}),
        concurrency,
        concurrency or int(scaling("target", "100")),
        int(scaling("min-scale", "0")),
        int(scaling("max-scale", "0")),
        _get(document, "spec.template.spec.timeoutSeconds", 300),
        seconds_of_go(scaling("window", "60s")) + retention,
    )


def _environment(document: Document, pod: str, documents: Sequence[Document]) -> Environment:
    if len(_get(document, f"{pod}.containers")) != 1:
        raise _error(document, f"{pod}.containers", "the local runner runs one container")
    defaults: dict[str, str] = {}
    names: set[str] = set()
    for index, source in enumerate(_get(document, f"{pod}.containers.0.envFrom", [])):
        for kind, reference in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if reference not in source:
                continue
            name = source[reference].get("name")
            found = [d for d in _of_kind(documents, kind) if d.identity[2:] == (document.identity[2], name)]
            if not found:
                field = f"{pod}.containers.0.envFrom.{index}.{reference}"
                raise _error(document, field, f"there is no {kind} {name}")
            # A Secret's values belong to its cluster: here they come from .env.
            values = found[0].body.get("data", {}) if kind == "ConfigMap" else {}
            defaults.update(values)
            names.update(found[0].body.get("stringData", values))
    fixed = {entry["name"]: entry.get("value", "") for entry in _get(document, f"{pod}.containers.0.env", [])}
    return Environment(defaults, frozenset(names), fixed)


def _trigger(
    document: Document, broker: Name, broker_document: Document, functions: Mapping[Name, Function]
) -> TriggerSpec:
    _, _, namespace, name = document.identity
    if (namespace, _get(document, "spec.broker")) != broker:
        raise _error(document, "spec.broker", f"there is no Broker {_get(document, 'spec.broker')}")
    owner = document if _get(document, "spec.delivery", None) else broker_document
    if owner is document and not _get(document, "spec.delivery.deadLetterSink", None):
        raise _error(document, "spec.delivery.deadLetterSink", "is missing, and the Broker's is hidden")
    subscriber, dead_letter = (
        _address(document, "spec.subscriber", functions),
        _address(owner, "spec.delivery.deadLetterSink", functions),
    )
    parallelism = _get(document, "metadata.annotations", {}).get("rabbitmq.eventing.knative.dev/parallelism", "1")
    timeout = _get(owner, "spec.delivery.timeout", None)
    return TriggerSpec(
        name=name,
        filter_attributes=_get(document, "spec.filter.attributes", {}),
        subscriber_url=subscriber,
        subscriber_name=subscriber,
        dead_letter_url=dead_letter,
        dead_letter_name=dead_letter,
        # As the RabbitMQ dispatcher fills in what a delivery leaves open.
        retry=_get(owner, "spec.delivery.retry", 5),
        backoff_policy=_get(owner, "spec.delivery.backoffPolicy", "exponential"),
        backoff_delay=seconds_of_iso(_get(owner, "spec.delivery.backoffDelay", "PT0.05S")),
        timeout=None if timeout is None else seconds_of_iso(timeout),
        parallelism=int(parallelism),
    )


def _address(document: Document, field: str, functions: Mapping[Name, Function]) -> str:
    reference = _get(document, f"{field}.ref")
    name = (reference.get("namespace", document.identity[2]), reference.get("name"))
    if name not in functions:
        raise _error(document, f"{field}.ref", f"there is no Knative Service {name[1]}")
    return functions[name].url + _get(document, f"{field}.uri", "")


def _ping_source(document: Document, broker: Name) -> PingSource:
    _, _, namespace, name = document.identity
    reference = _get(document, "spec.sink.ref")
    if (reference.get("namespace", namespace), reference.get("name")) != broker:
        raise _error(document, "spec.sink.ref", f"there is no Broker {reference.get('name')}")
    return PingSource(
        namespace,
        name,
        _get(document, "spec.schedule", "* * * * *"),
        _get(document, "spec.timezone", "UTC"),
        _get(document, "spec.contentType", "application/json"),
        _get(document, "spec.data", ""),
        _get(document, "spec.ceOverrides.extensions", {}),
    )


def _job(document: Document, documents: Sequence[Document]) -> Job:
    container = "spec.template.spec.containers.0"
    command = [*_get(document, f"{container}.command"), *_get(document, f"{container}.args", [])]
    return Job(document.identity[3], command, _environment(document, "spec.template.spec", documents))


def _rules(document: Document, functions: Mapping[Name, Function], triggers: Sequence[TriggerSpec]) -> Iterator[Route]:
    by_host = {function.host: name for name, function in functions.items()}
    for index in range(len(_get(document, "spec.rules"))):
        rule = f"spec.rules.{index}"
        if _get(document, f"{rule}.filters.0.type") == "RequestRedirect":
            continue
        rewrite = _get(document, f"{rule}.filters.0.urlRewrite")
        function = by_host.get(rewrite.get("hostname"))
        if function is None:
            raise _error(document, f"{rule}.filters", f"no function has the host {rewrite.get('hostname')}")
        replacement = rewrite.get("path", {}).get("replacePrefixMatch")
        for match in _get(document, f"{rule}.matches", [{"path": {"value": "/"}}]):
            prefix = match["path"]["value"]
            exposed = prefix if replacement is None else replacement
            if not functions[function].public and _covers(exposed, event_paths(functions[function], triggers)):
                raise _error(document, rule, f"{function[1]} is cluster-local and must not be routed to")
            yield Route(_get(document, "spec.hostnames", []), prefix, replacement, function)


def event_paths(function: Function, triggers: Sequence[TriggerSpec]) -> set[str]:
    """Return the paths at which *function* takes events or dead letters."""
    ends = [end for trigger in triggers for end in (trigger.subscriber_name, trigger.dead_letter_name)]
    return {end.removeprefix(function.url) or "/" for end in ends if end and f"{end}/".startswith(f"{function.url}/")}


def _covers(prefix: str, paths: set[str]) -> bool:
    """Tell whether a request under *prefix* can come to one of *paths*; who takes events at / may take any path."""
    under = f"{prefix.rstrip('/')}/"
    return not paths or "/" in paths or any(f"{path}/".startswith(under) for path in paths)
