"""Rules for manifests: the local runner reads them as a cluster does, or refuses them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from knative.local.kustomize import Document, build
from knative.local.lint import lint
from knative.local.manifest_schema import MODELS, IgnoredObject, ManifestError, parse
from knative.local.manifests import interpret
from tests.cluster.objects import Body, find

KNATIVE = Path(__file__).parents[2] / "knative"
LOCAL = KNATIVE / "overlays" / "local"
OVERLAYS = sorted(path.parent for path in KNATIVE.glob("overlays/*/kustomization.yaml"))


@pytest.fixture
def documents() -> list[Document]:
    """A fresh copy of the overlay local, for a test to change."""
    return build(LOCAL)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_overlays_break_no_rule(overlay: Path) -> None:
    """No overlay breaks a rule that a cluster does not check and that costs events, connections or scale to zero."""
    assert lint(build(overlay)) == []


def change(kind: str, name: str, path: str, value: object) -> Callable[[list[Document]], None]:
    """Return a function that sets the field at *path* of an object, or removes it when *value* is None."""

    def apply(documents: list[Document]) -> None:
        target: Any = find(documents, kind, name, "" if kind != "Service" else "serving")
        *steps, last = re.sub(r"(\.knative\.dev)/", r"\1~", path).split("/")
        last = last.replace("~", "/")
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        if value is None:
            del target[last]
        else:
            target[last] = value

    return apply


CONTAINER = "spec/template/spec/containers/0"
CONTAINER_PATH = "spec.template.spec.containers[0]"
SCALING = "spec/template/metadata/annotations/autoscaling.knative.dev"
MOUNTS, MOUNT = f"{CONTAINER}/volumeMounts", {"name": "tmp", "mountPath": "/tmp"}
EMPTY = {"name": "tmp", "emptyDir": {}}
PARALLELISM = "metadata/annotations/rabbitmq.eventing.knative.dev/parallelism"


@pytest.mark.parametrize(
    ("broken", "warning"),
    [
        (change("Trigger", "store-bars", "spec/delivery/timeout", None), "needs a timeout"),
        (change("Trigger", "store-bars", "spec/delivery/timeout", "PT60S"), "must exceed that of store"),
        (change("Trigger", "store-bars", "spec/delivery/backoffPolicy", "linear"), "retries for 14 s only"),
        (change("Trigger", "store-bars", "spec/delivery/retry", 6), "retries for 63 s only"),
        (change("Trigger", "store-bars", "spec/delivery/backoffDelay", "PT0.4S"), "retries for 101.6 s only"),
        (change("Trigger", "store-bars", "spec/filter/attributes", {"job": "bars"}), "needs a type"),
        (change("Trigger", "store-bars", "spec/filter/attributes/datacontenttype", "a/b"), "never matches"),
        (change("Trigger", "store-bars", "spec/filter/attributes/subject", ""), "only empty values"),
        (change("Service", "ingest", "metadata/labels", None), "ingest receives events and must be cluster-local"),
        (change("Service", "store", "metadata/labels", None), "store receives events and must be cluster-local"),
        (change("Service", "api", "spec/template/metadata/annotations", {}), "needs a max-scale"),
        (change("Service", "api", "spec/template/spec/timeoutSeconds", 30), "is killed while it ends"),
        (change("Service", "api", f"{CONTAINER}/securityContext/runAsNonRoot", False), "runAsNonRoot must be true"),
        (change("Service", "api", f"{CONTAINER}/securityContext/capabilities", None), "capabilities must be"),
        (change("Service", "api", f"{CONTAINER}/resources/limits/cpu", "250m"), "a limit of CPU"),
        (change("Service", "api", f"{CONTAINER}/resources/limits/memory", None), "a limit of memory"),
        (change("StatefulSet", "postgres", f"{CONTAINER}/securityContext", {}), "readOnlyRootFilesystem must be true"),
        (change("Deployment", "redis", f"{CONTAINER}/securityContext", {}), "seccompProfile must be"),
        (change("Job", "migration", f"{CONTAINER}/securityContext", {}), "allowPrivilegeEscalation must be false"),
    ],
)
def test_each_rule_reports_its_violation(
    documents: list[Document], broken: Callable[[list[Document]], None], warning: str
) -> None:
    """Each rule, when broken, is reported with the file."""
    broken(documents)

    found = lint(documents)

    assert any(warning in sentence and ".yaml: " in sentence for sentence in found), found


FREE = {"attributes", "config", "configMapKeyRef", "configMapRef", "data", "extensions", "images", "labels"}
FREE |= {
    "livenessProbe",
    "parentRefs",
    "resources",
    "secretKeyRef",
    "secretRef",
    "securityContext",
    "stringData",
    "volumeMounts",
    "volumes",
}
"""Fields whose content the runner does not read, or only in part."""


def mappings(body: Any, path: str = "") -> Iterator[tuple[Body, str]]:
    """Yield each mapping in *body* whose fields the runner knows, with its path."""
    if isinstance(body, dict):
        yield body, path
        for key, part in body.items():
            if key not in FREE and not path.endswith("template.metadata"):
                yield from mappings(part, f"{path}.{key}" if path else key)
    if isinstance(body, list):
        for index, part in enumerate(body):
            yield from mappings(part, f"{path}[{index}]")


def test_an_unknown_field_is_refused_wherever_it_stands(documents: list[Document]) -> None:
    """An unsupported field is refused with its file and path, in every mapping of every manifest."""
    seen = 0
    for document in documents:
        kind = document.identity[:2]
        if MODELS[kind] is IgnoredObject:
            continue
        for mapping, path in mappings(document.body):
            if kind == ("batch/v1", "Job") and path.endswith("template.metadata"):
                continue
            mapping["surprise"] = "1"
            seen += 1

            with pytest.raises(ManifestError) as refused:
                parse("a/b.yaml", document.body)

            del mapping["surprise"]
            where = f"{path}.surprise" if path else "surprise"
            assert str(refused.value) == f"a/b.yaml: {where}: is not supported by the local runner"
    assert seen > 100


@pytest.mark.parametrize("exposed", ["/", "/events", "/events/"])
def test_where_events_are_taken_nothing_is_routed_to(documents: list[Document], exposed: str) -> None:
    """A public route may lead to a path of a cluster-local function, never to the one that takes its events."""
    routes = find(documents, "HTTPRoute", "stocksalot")["spec"]["rules"]
    [filters] = [rule["filters"] for rule in routes if rule["matches"][0]["path"]["value"] == "/api/insights"]
    assert filters[0]["urlRewrite"]["path"]["replacePrefixMatch"] == "/insights"
    filters[0]["urlRewrite"]["path"]["replacePrefixMatch"] = exposed

    with pytest.raises(ManifestError, match="insights is cluster-local and must not be routed to"):
        interpret(documents)


def test_an_unknown_kind_is_refused() -> None:
    """An object of an unknown kind is refused, not skipped."""
    with pytest.raises(ManifestError, match=r"^s\.yaml: kind sources\.knative\.dev/v1 SinkBinding is not supported"):
        parse("s.yaml", {"apiVersion": "sources.knative.dev/v1", "kind": "SinkBinding"})


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "error"),
    [
        ("Trigger", "store-bars", "spec/filters", [], "spec.filters: is not supported"),
        ("Trigger", "store-bars", "spec/delivery/backoffPolicy", "random", "spec.delivery.backoffPolicy: is 'random'"),
        (
            "Trigger",
            "store-bars",
            "spec/delivery/timeout",
            "70s",
            "delivery.timeout: is not a duration like PT30S",
        ),
        ("Trigger", "store-bars", "spec/delivery/retry", "7", "spec.delivery.retry: is not a whole number"),
        ("Trigger", "store-bars", "spec/delivery/retry", -1, "spec.delivery.retry: -1: input should be greater"),
        ("Trigger", "store-bars", "spec/subscriber/ref/kind", "Channel", "spec.subscriber.ref.kind: is 'Channel'"),
        ("Trigger", "store-bars", "spec/filter/attributes/ce-job", "x", "'ce-job' is not an attribute name"),
        ("Trigger", "store-bars", "spec/delivery/timeout", "PT0S", "timeout: 'PT0S': input should be greater"),
        ("Trigger", "store-bars", "spec/subscriber/uri", "http://x/", "'http://x/' is absolute"),
        ("Trigger", "store-bars", "spec/broker", "Stocks", "spec.broker: 'Stocks' is not a name"),
        ("Trigger", "store-bars", PARALLELISM, "0", "input should be greater than or equal to 1"),
        ("Service", "api", "spec/template/spec/timeoutSeconds", True, "timeoutSeconds: is not a whole number"),
        ("Service", "api", "spec/template/spec/timeoutSeconds", 601, "timeoutSeconds: 601: input should be less"),
        ("Service", "api", "spec/template/spec/containerConcurrency", 1001, "1001: input should be less"),
        ("Service", "api", "spec/template/spec/containers", {}, "spec.template.spec.containers: is not a list"),
        ("Service", "api", "spec/template/spec/volumes", [], "mounts the volume tmp, which is not among its volumes"),
        ("Service", "api", "metadata/name", "9api", "'9api' is not a name of at most 63"),
        ("Service", "api", "metadata/name", "", "'' is not a name"),
        ("Service", "api", "spec/template/spec/volumes", [EMPTY, EMPTY], "the volume tmp is listed twice"),
        ("Service", "api", "spec/template/spec/volumes", [{"name": "tmp"}], "needs one of emptyDir and secret"),
        ("Service", "api", f"{CONTAINER}/volumeMounts", [], "the volume tmp is listed twice or not mounted"),
        ("Service", "api", MOUNTS, [{"name": "tmp", "mountPath": "tmp"}], "'tmp' is not an absolute path"),
        ("Service", "api", MOUNTS, [{"name": "tmp", "mountPath": "/dev/"}], "'/dev/' is not an absolute path"),
        ("Service", "api", MOUNTS, [MOUNT, {**MOUNT, "mountPath": "/tmp/"}], "mounts two volumes at one path"),
        ("Service", "api", f"{CONTAINER}/env", [{"name": "PORT", "value": "1"}], "'PORT' is set by Knative"),
        ("Service", "api", f"{CONTAINER}/env", [{"name": "A=B"}], "'A=B' is not a name of a variable"),
        ("Service", "api", f"{CONTAINER}/env", [{"name": "A", "valueFrom": {}}], "needs one of configMapKeyRef"),
        ("Service", "api", f"{CONTAINER}/envFrom", [{}], "needs one of configMapRef and secretRef"),
        ("Service", "api", f"{CONTAINER}/livenessProbe/periodSeconds", 0, "0: input should be greater"),
        ("Service", "api", f"{CONTAINER}/livenessProbe/exec", {}, "livenessProbe.exec: is not supported"),
        ("Service", "api", f"{SCALING}/target", "0", "target: '0': input should be greater"),
        ("Service", "api", f"{SCALING}/window", "5s", "window: '5s': input should be greater"),
        ("Service", "api", f"{SCALING}/window", "2h", "window: '2h': input should be less"),
        ("Service", "api", f"{SCALING}/scale-to-zero-pod-retention-period", "61m", "input should be less"),
        ("Service", "api", f"{SCALING}/min-scale", "9", "min-scale 9 is greater than max-scale 4"),
        ("Service", "api", f"{SCALING}/target", 50, "target: is not in quotes"),
        ("Service", "api", f"{SCALING}/window", "1 minute", "window: is not a duration like 90s"),
        ("HTTPRoute", "api", "spec/rules/0/backendRefs/0/name", "api", "backendRefs[0].name: is 'api'"),
        ("PingSource", "bars-close", "spec/sink", "stocks", "spec.sink: is not a mapping"),
        ("PingSource", "bars-close", "spec/schedule", "@every 1m", "schedule '@every 1m' is refused"),
        ("PingSource", "bars-close", "spec/schedule", "0 0 30 2 *", "schedule '0 0 30 2 *' never comes"),
        ("PingSource", "bars-close", "spec/ceOverrides/extensions/type", "x", "'type' is an attribute of every event"),
        ("PingSource", "bars-close", "spec/data", "{", "data is not JSON"),
        ("HTTPRoute", "api", "spec/hostnames", ["*.example"], "'*.example' is not a name"),
        ("HTTPRoute", "api", "spec/rules/0/matches/0/path/value", "api", "'api' is not an absolute path"),
        ("HTTPRoute", "api", "spec/rules/0/matches/0/path/value", "/a/../b", "'/a/../b' is not an absolute path"),
        ("Job", "migration", f"{CONTAINER}/command", None, f"{CONTAINER_PATH}.command: is missing"),
    ],
)
def test_a_wrong_value_is_refused(
    documents: list[Document], kind: str, name: str, path: str, value: object, error: str
) -> None:
    """An unsupported value is refused with its file and path."""
    body = find(documents, kind, name, "" if kind != "Service" else "serving")
    change(kind, name, path, value)(documents)

    with pytest.raises(ManifestError, match=r"^f\.yaml: .*" + re.escape(error)):
        parse("f.yaml", body)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (change("Trigger", "store-bars", "spec/broker", "shares"), "base/store.yaml: spec.broker: there is no Broker"),
        (
            change("Trigger", "store-bars", "spec/subscriber/ref/name", "shop"),
            "base/store.yaml: spec.subscriber.ref: there is no Knative Service shop",
        ),
        (
            change("Trigger", "store-bars", "spec/delivery/deadLetterSink", None),
            "base/store.yaml: spec.delivery.deadLetterSink: is missing",
        ),
        (
            change("Service", "api", f"{CONTAINER}/envFrom/0/configMapRef/name", "else"),
            "base/api.yaml: spec.template.spec.containers[0].envFrom[0].configMapRef: there is no ConfigMap else",
        ),
        (
            change("PingSource", "bars-close", "spec/sink/ref/name", "shares"),
            "base/ingest.yaml: spec.sink.ref: there is no Broker shares",
        ),
        (
            change("HTTPRoute", "api", "spec/rules/0/filters/0/urlRewrite/hostname", "nobody"),
            "base/route.yaml: spec.rules[0].filters: no function has the host nobody",
        ),
        (
            change(
                "HTTPRoute", "api", "spec/rules/0/filters/0/urlRewrite/hostname", "store.stocksalot.svc.cluster.local"
            ),
            "base/route.yaml: spec.rules[0]: store is cluster-local and must not be routed to",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(
    documents: list[Document], broken: Callable[[list[Document]], None], error: str
) -> None:
    """A reference to a missing object is refused with its file and field."""
    broken(documents)

    with pytest.raises(ManifestError, match="^" + re.escape(error)):
        interpret(documents)


def test_a_trigger_without_delivery_has_the_brokers(documents: list[Document]) -> None:
    """As in a cluster, a Trigger without delivery has that of its Broker."""
    change("Trigger", "store-bars", "spec/delivery", None)(documents)
    change("Broker", "stocks", "spec/delivery/retry", 3)(documents)

    change("Broker", "stocks", "spec/delivery/backoffDelay", "PT10S")(documents)

    assert lint(documents) == [], "it has all that it needs"
    [trigger] = [trigger for trigger in interpret(documents).triggers if trigger.name == "store-bars"]

    assert trigger.retry == 3
    assert trigger.dead_letter_name == "http://store.stocksalot.svc.cluster.local/dead-letters"
