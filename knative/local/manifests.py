"""Manifest interpreter: makes the application model from a kustomization's objects."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from knative.local import manifest_schema as schema
from knative.local.application import Application, Environment, Function, Job, LivenessProbe, Name, PingSource, Route
from knative.local.broker import TriggerSpec
from knative.local.kustomize import Document, build
from knative.local.manifest_schema import ManifestError, parse

M = TypeVar("M", bound=schema.Model)


def read(folder: Path) -> Application:
    """Return the application of *folder*'s kustomization; ManifestError when it cannot run here."""
    return interpret(build(folder))


def interpret(documents: Sequence[Document]) -> Application:
    """Return the application that *documents* describe; ManifestError names the file and field of a contradiction."""
    brokers = _of_kind(documents, schema.Broker)
    if len(brokers) != 1:
        raise ManifestError(f"the local runner runs one Broker, not {len(brokers)}")
    (document, broker) = brokers[0]
    name = document.identity[2:]
    functions = {doc.identity[2:]: _function(doc, one, documents) for doc, one in _of_kind(documents, schema.Service)}
    triggers = [_trigger(doc, one, name, broker, functions) for doc, one in _of_kind(documents, schema.Trigger)]
    routes = [
        route for doc, one in _of_kind(documents, schema.HttpRoute) for route in _routes(doc, one, functions, triggers)
    ]
    return Application(
        name,
        functions,
        triggers,
        [_ping_source(doc, one, name) for doc, one in _of_kind(documents, schema.PingSource)],
        [_job(doc, one, documents) for doc, one in _of_kind(documents, schema.Job)],
        routes,
    )


def _of_kind(documents: Sequence[Document], kind: type[M]) -> list[tuple[Document, M]]:
    parsed = ((document, parse(document.file, document.body)) for document in documents)
    return [(document, model) for document, model in parsed if isinstance(model, kind)]


def _error(document: Document, field: str, text: str) -> ManifestError:
    return ManifestError(f"{document.file}: {field}: {text}")


def _function(document: Document, service: schema.Service, documents: Sequence[Document]) -> Function:
    pod, scaling = service.spec.template.spec, service.spec.template.metadata.annotations
    return Function(
        *document.identity[2:],
        environment=_environment(document, pod.containers[0], documents),
        public=service.public,
        concurrency=pod.container_concurrency,
        target=pod.container_concurrency or scaling.target,
        min_scale=scaling.min_scale,
        max_scale=scaling.max_scale,
        timeout=pod.timeout_seconds,
        idle=scaling.window + scaling.retention,
        liveness=_liveness(pod.containers[0].liveness_probe),
    )


def _liveness(probe: schema.Probe | None) -> LivenessProbe | None:
    return probe and LivenessProbe(
        probe.http_get.path,
        probe.initial_delay_seconds,
        probe.period_seconds,
        probe.timeout_seconds,
        probe.failure_threshold,
    )


def _environment(document: Document, container: schema.Container, documents: Sequence[Document]) -> Environment:
    field = "spec.template.spec.containers[0]"
    namespace = document.identity[2]
    maps = {doc.identity[2:]: one.data for doc, one in _of_kind(documents, schema.ConfigMap)}
    secrets = {doc.identity[2:]: one.string_data for doc, one in _of_kind(documents, schema.Secret)}
    defaults: dict[str, str] = {}
    names: set[str] = set()
    for index, source in enumerate(container.env_from):
        for kind, ref, objects in (("configMap", source.config_map_ref, maps), ("secret", source.secret_ref, secrets)):
            if ref is None:
                continue
            values = objects.get((namespace, ref.name))
            if values is None:
                where = f"{field}.envFrom[{index}].{kind}Ref"
                raise _error(document, where, f"there is no {kind[0].upper()}{kind[1:]} {ref.name}")
            names |= values.keys()
            # A Secret's values belong to its cluster; here the names alone count and the values come from .env.
            defaults |= values if objects is maps else {}
    fixed = {variable.name: variable.value for variable in container.env if not variable.value_from}
    for variable in container.env:
        if variable.value_from:
            names.add(variable.name)
            if reference := variable.value_from.config_map_key_ref:
                defaults[variable.name] = maps.get((namespace, reference.name), {}).get(reference.key, "")
    return Environment(defaults, frozenset(names), fixed)


def _trigger(
    document: Document,
    trigger: schema.Trigger,
    broker_name: Name,
    broker: schema.Broker,
    functions: Mapping[Name, Function],
) -> TriggerSpec:
    namespace, name = document.identity[2:]
    if (namespace, trigger.spec.broker) != broker_name:
        raise _error(document, "spec.broker", f"there is no Broker {trigger.spec.broker}")
    delivery = trigger.spec.delivery or broker.spec.delivery
    if delivery is None or delivery.dead_letter_sink is None:
        raise _error(document, "spec.delivery.deadLetterSink", "is missing; undeliverable events would be dropped")
    subscriber = _url(document, "spec.subscriber", trigger.spec.subscriber, functions)
    dead_letter = _url(document, "spec.delivery.deadLetterSink", delivery.dead_letter_sink, functions)
    return TriggerSpec(
        name=name,
        filter_attributes=trigger.spec.filter.attributes,
        subscriber_url=subscriber,
        subscriber_name=subscriber,
        dead_letter_url=dead_letter,
        dead_letter_name=dead_letter,
        retry=delivery.retry,
        backoff_policy=delivery.backoff_policy,
        backoff_delay=delivery.backoff_delay,
        timeout=delivery.timeout,
        parallelism=trigger.metadata.annotations.parallelism,
    )


def _url(document: Document, field: str, address: schema.Address, functions: Mapping[Name, Function]) -> str:
    name = (address.ref.namespace or document.identity[2], address.ref.name)
    if name not in functions:
        raise _error(document, f"{field}.ref", f"there is no Knative Service {name[1]}")
    return functions[name].url + address.uri


def _ping_source(document: Document, source: schema.PingSource, broker: Name) -> PingSource:
    spec, (namespace, name) = source.spec, document.identity[2:]
    if (spec.sink.ref.namespace or namespace, spec.sink.ref.name) != broker:
        raise _error(document, "spec.sink.ref", f"there is no Broker {spec.sink.ref.name}")
    return PingSource(
        namespace, name, spec.schedule, spec.timezone, spec.content_type, spec.data, spec.ce_overrides.extensions
    )


def _job(document: Document, job: schema.Job, documents: Sequence[Document]) -> Job:
    [container] = job.spec.template.spec.containers
    return Job(
        document.identity[3], [*container.command, *container.args], _environment(document, container, documents)
    )


def _routes(
    document: Document, route: schema.HttpRoute, functions: Mapping[Name, Function], triggers: Sequence[TriggerSpec]
) -> Iterator[Route]:
    by_host = {function.host: (name, function) for name, function in functions.items()}
    for index, rule in enumerate(route.spec.rules):
        if rule.filters[0].type == "RequestRedirect":
            continue
        field, rewrite = f"spec.rules[{index}]", rule.filters[0].url_rewrite
        if rewrite.hostname not in by_host:
            raise _error(document, f"{field}.filters", f"no function has the host {rewrite.hostname}")
        name, function = by_host[rewrite.hostname]
        replacement = rewrite.path.replace_prefix_match if rewrite.path else None
        for match in rule.matches:
            exposed = match.path.value if replacement is None else replacement
            if not function.public and _covers(exposed, event_paths(function, triggers)):
                raise _error(document, field, f"{function.name} is cluster-local and must not be routed to")
            yield Route(route.spec.hostnames, match.path.value, replacement, name)


def event_paths(function: Function, triggers: Sequence[TriggerSpec]) -> set[str]:
    """Return the paths at which *function* receives events or dead letters."""
    ends = [end for trigger in triggers for end in (trigger.subscriber_name, trigger.dead_letter_name)]
    return {end.removeprefix(function.url) or "/" for end in ends if end and f"{end}/".startswith(f"{function.url}/")}


def _covers(prefix: str, paths: set[str]) -> bool:
    """Return whether *prefix* leads to one of *paths*; events at / may come to any path."""
    under = f"{prefix.rstrip('/')}/"
    return not paths or "/" in paths or any(f"{path}/".startswith(under) for path in paths)
