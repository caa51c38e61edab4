"""The manifests say what a cluster needs, and the local runner reads them as a cluster would, or not at all."""

import base64
import importlib
import inspect
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from knative.local import fields
from knative.local.fields import ManifestError, check
from knative.local.kustomize import Document, build
from knative.local.manifests import interpret, read
from knative.local.rules import complaints
from shared import events
from shared.settings import Slice

KNATIVE = Path(__file__).parents[1] / "knative"
LOCAL = KNATIVE / "overlays" / "local"
OVERLAYS = sorted(path.parent for path in KNATIVE.glob("overlays/*/kustomization.yaml"))
TERMINAL = {events.BarsStored.TYPE}
"""Nobody listens yet."""

Body = dict[str, Any]


@pytest.fixture
def documents() -> list[Document]:
    """The local overlay, fresh, to be broken."""
    return build(LOCAL)


def find(documents: list[Document], kind: str, name: str, api: str = "") -> Body:
    """The object of that kind and name."""
    [body] = [d.body for d in documents if d.identity[1] == kind and d.identity[3] == name and api in d.identity[0]]
    return body


def test_they_are_read_as_kubectl_reads_them(documents: list[Document]) -> None:
    """The runner's reading of the overlay is what `kubectl kustomize` builds, but for images and encoded secrets."""
    if not (kubectl := shutil.which("kubectl")):
        pytest.skip("kubectl is not here to compare with")
    built = subprocess.run([kubectl, "kustomize", LOCAL], capture_output=True, check=True).stdout

    theirs = sorted((without_images(decoded(body)) for body in yaml.safe_load_all(built)), key=str)
    ours = sorted((without_images(document.body) for document in documents), key=str)

    assert ours == theirs


def decoded(body: Body) -> Body:
    """A Secret as we keep it, with its values as text; anything else as it is."""
    if body["kind"] != "Secret":
        return body
    values = {name: base64.b64decode(value).decode() for name, value in body["data"].items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": body["metadata"], "stringData": values}


def without_images(body: Body) -> Body:
    """The object as it is, but for the names of its images."""
    text = re.sub(r"^(\s*-?\s*image:).*", r"\1 any", yaml.safe_dump(body), flags=re.MULTILINE)
    return yaml.safe_load(text)


@pytest.mark.parametrize("overlay", OVERLAYS, ids=lambda path: path.name)
def test_they_break_no_rule(overlay: Path) -> None:
    """No overlay does what a cluster takes without a word and then loses events, connections or sleep by."""
    assert complaints(build(overlay)) == []


def change(kind: str, name: str, path: str, value: object) -> Callable[[list[Document]], None]:
    """A function that sets the field at *path* of an object, or removes it when *value* is None."""

    def apply(documents: list[Document]) -> None:
        target: Any = find(documents, kind, name, "" if kind != "Service" else "serving")
        *steps, last = path.split("/")
        for step in steps:
            target = target[int(step)] if isinstance(target, list) else target.setdefault(step, {})
        if value is None:
            del target[last]
        else:
            target[last] = value

    return apply


CONTAINER = "spec/template/spec/containers/0"


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        (change("Trigger", "store-bars", "spec/delivery/deadLetterSink", None), "needs a deadLetterSink of its own"),
        (change("Trigger", "store-bars", "spec/delivery/timeout", None), "needs a timeout"),
        (change("Trigger", "store-bars", "spec/delivery/timeout", "PT60S"), "must exceed that of store"),
        (change("Trigger", "store-bars", "spec/delivery/backoffPolicy", "linear"), "backoffPolicy: exponential"),
        (change("Trigger", "store-bars", "spec/delivery/retry", 6), "gives up after 63 s"),
        (change("Trigger", "store-bars", "spec/delivery/backoffDelay", "PT0.4S"), "gives up after 101.6 s"),
        (change("Trigger", "store-bars", "spec/filters", [{"exact": {"type": "x"}}]), "does not read filters"),
        (change("Trigger", "store-bars", "spec/filter/attributes", {"job": "bars"}), "needs a type"),
        (change("Trigger", "store-bars", "spec/filter/attributes/datacontenttype", "a/b"), "never matches"),
        (change("Trigger", "store-bars", "spec/filter/attributes/subject", ""), "only empty values"),
        (change("Service", "ingest", "metadata/labels", None), "ingest takes events and must be cluster-local"),
        (change("Service", "store", "metadata/labels", None), "store takes events and must be cluster-local"),
        (change("Service", "api", "spec/template/metadata/annotations", {}), "needs a max-scale"),
        (change("Service", "api", "spec/template/spec/timeoutSeconds", 30), "is killed while it ends"),
        (change("Service", "api", f"{CONTAINER}/securityContext/runAsNonRoot", False), "runAsNonRoot must be true"),
        (change("Service", "api", f"{CONTAINER}/securityContext/capabilities", None), "capabilities must be"),
        (change("Service", "api", f"{CONTAINER}/resources/limits/cpu", "250m"), "a limit of CPU"),
        (change("Service", "api", f"{CONTAINER}/resources/limits/memory", None), "a limit of memory"),
        (change("StatefulSet", "postgres", f"{CONTAINER}/securityContext", {}), "readOnlyRootFilesystem must be true"),
        (change("Deployment", "redis", f"{CONTAINER}/securityContext", {}), "seccompProfile must be"),
        (change("Job", "migration", f"{CONTAINER}/securityContext", {}), "allowPrivilegeEscalation must be false"),
        (change("PingSource", "bars-close", "spec/schedule", "@every 1m"), "@every is refused"),
        (change("PingSource", "bars-close", "spec/data", "[]"), "data must be a JSON object"),
    ],
)
def test_each_rule_notices(documents: list[Document], broken: Callable[[list[Document]], None], complaint: str) -> None:
    """Broken once, each rule says so and names the file."""
    broken(documents)

    found = complaints(documents)

    assert any(complaint in sentence and ".yaml: " in sentence for sentence in found), found


def places(body: Any, table: Any, path: str = "") -> Iterator[tuple[Body, str]]:
    """Each mapping in *body* where the runner knows every field, with its path."""
    if isinstance(table, dict) and isinstance(body, dict):
        if fields.ANY not in table:
            yield body, path
        for key, part in body.items():
            yield from places(part, table.get(key), f"{path}.{key}" if path else key)
    if isinstance(table, list):
        for index, part in enumerate(body):
            yield from places(part, table[0], f"{path}[{index}]")


def test_an_unknown_field_is_refused_wherever_it_stands(documents: list[Document]) -> None:
    """A field that the runner does not obey is refused with its file and path, in every mapping of every manifest."""
    seen = 0
    for document in documents:
        table = fields.TABLES[document.identity[0], document.identity[1]]
        for _, path in places(document.body, table):
            body = deepcopy(document.body)
            [place] = [mapping for mapping, where in places(body, table) if where == path]
            place["surprise"] = 1
            seen += 1

            with pytest.raises(ManifestError) as refused:
                check("a/b.yaml", body)

            where = f"{path}.surprise" if path else "surprise"
            assert str(refused.value) == f"a/b.yaml: {where}: is not supported by the local runner"
    assert seen > 100


def test_filters_are_refused() -> None:
    """`filters`, which the RabbitMQ broker ignores, is not ignored here."""
    trigger = {"apiVersion": "eventing.knative.dev/v1", "kind": "Trigger", "spec": {"filters": []}}

    with pytest.raises(ManifestError, match=r"^t\.yaml: spec\.filters: is not supported"):
        check("t.yaml", trigger)


def test_an_unknown_kind_is_refused() -> None:
    """An object of a kind that the runner does not know is not skipped."""
    with pytest.raises(ManifestError, match=r"^s\.yaml: kind sources\.knative\.dev/v1 SinkBinding is not supported"):
        check("s.yaml", {"apiVersion": "sources.knative.dev/v1", "kind": "SinkBinding"})


@pytest.mark.parametrize(
    ("kind", "name", "path", "value", "error"),
    [
        ("Trigger", "store-bars", "spec/delivery/backoffPolicy", "random", "spec.delivery.backoffPolicy: is 'random'"),
        ("Trigger", "store-bars", "spec/delivery/timeout", "70s", "spec.delivery.timeout: is no time like PT30S"),
        ("Trigger", "store-bars", "spec/delivery/retry", "7", "spec.delivery.retry: is no whole number"),
        ("Trigger", "store-bars", "spec/subscriber/ref/kind", "Channel", "spec.subscriber.ref.kind: is 'Channel'"),
        ("Service", "api", "spec/template/spec/timeoutSeconds", True, "timeoutSeconds: is no whole number"),
        ("Service", "api", "spec/template/spec/containers", {}, "spec.template.spec.containers: is no list"),
        ("HTTPRoute", "api", "spec/rules/0/backendRefs/0/name", "api", "backendRefs[0].name: is 'api'"),
        ("PingSource", "bars-close", "spec/sink", "stocks", "spec.sink: is no mapping"),
    ],
)
def test_a_wrong_value_is_refused(
    documents: list[Document], kind: str, name: str, path: str, value: object, error: str
) -> None:
    """A value that the runner cannot obey is refused with its file and path."""
    change(kind, name, path, value)(documents)

    with pytest.raises(ManifestError, match=r"^f\.yaml: .*" + re.escape(error)):
        check("f.yaml", find(documents, kind, name, "" if kind != "Service" else "serving"))


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
        (
            change("Job", "migration", f"{CONTAINER}/command", None),
            "base/migration.yaml: spec.template.spec.containers",
        ),
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(
    documents: list[Document], broken: Callable[[list[Document]], None], error: str
) -> None:
    """What names an object that is not there is refused with its file and field."""
    broken(documents)

    with pytest.raises(ManifestError, match="^" + re.escape(error)):
        interpret(documents)


def test_a_trigger_without_delivery_has_the_brokers(documents: list[Document]) -> None:
    """As in a cluster, a Broker's delivery counts for a Trigger that has none."""
    change("Trigger", "store-bars", "spec/delivery", None)(documents)
    change("Broker", "stocks", "spec/delivery/retry", 3)(documents)

    [trigger] = [trigger for trigger in interpret(documents).triggers if trigger.name == "store-bars"]

    assert trigger.retry == 3
    assert trigger.dead_letter_name == "http://store.stocksalot.svc.cluster.local/dead-letters"


def write(folder: Path, name: str, *bodies: object) -> None:
    """Write a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump_all(bodies))


KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "r", "namespace": "n"},
}


def test_patches_are_laid_over_the_base(tmp_path: Path) -> None:
    """A patch replaces values and lists, adds what is new and takes away what it says is null."""
    write(tmp_path / "base", "kustomization.yaml", {**KUSTOMIZATION, "resources": ["r.yaml"]})
    write(tmp_path / "base", "r.yaml", {**ROUTE, "spec": {"hostnames": ["a", "b"], "parentRefs": [{"name": "p"}]}})
    listing = {**KUSTOMIZATION, "resources": ["../base"], "patches": [{"path": "p.yaml"}]}
    write(tmp_path / "local", "kustomization.yaml", listing)
    write(tmp_path / "local", "p.yaml", {**ROUTE, "spec": {"hostnames": ["c"], "parentRefs": None}})

    [document] = build(tmp_path / "local")

    assert document.body["spec"] == {"hostnames": ["c"]}


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({**ROUTE, "spec": {"surprise": 1}}, "local/p.yaml: spec.surprise: is not supported"),
        (
            {**ROUTE, "spec": {"parentRefs": [{"name": "q"}]}},
            "local/p.yaml: spec.parentRefs: the local runner does not",
        ),
        ({**ROUTE, "metadata": {"name": "x"}}, "local/p.yaml: patches HTTPRoute x, which is nowhere"),
    ],
)
def test_a_patch_is_checked_too(tmp_path: Path, patch: Body, error: str) -> None:
    """What a patch says and the runner cannot do is refused with the patch's file."""
    listing = {**KUSTOMIZATION, "resources": ["r.yaml"], "patches": [{"path": "p.yaml"}]}
    write(tmp_path / "local", "kustomization.yaml", listing)
    write(tmp_path / "local", "r.yaml", {**ROUTE, "spec": {"hostnames": ["a"]}})
    write(tmp_path / "local", "p.yaml", patch)

    with pytest.raises(ManifestError, match="^" + re.escape(error)):
        build(tmp_path / "local")


@pytest.mark.parametrize("field", ["namespace", "commonLabels", "replacements", "configMapGenerator"])
def test_what_kustomize_can_and_the_runner_cannot_is_refused(tmp_path: Path, field: str) -> None:
    """A kustomization that would change objects in a way the runner does not know is not read half."""
    write(tmp_path / "local", "kustomization.yaml", {**KUSTOMIZATION, field: "x"})

    with pytest.raises(ManifestError, match=f"^local/kustomization.yaml: {field}: is not supported"):
        build(tmp_path / "local")


def event_classes() -> list[type[events.Event]]:
    """The classes of all events."""
    found = [value for value in vars(events).values() if inspect.isclass(value) and issubclass(value, events.Event)]
    return [one for one in found if one is not events.Event]


def test_every_event_has_a_trigger_or_is_terminal() -> None:
    """Each event type that functions reply with goes to the consumer that its class names, and to nobody else."""
    triggers = {(t.filter_attributes["type"], t.subscriber_name) for t in read(LOCAL).triggers}

    wanted = {
        (event.TYPE, f"http://{consumer}.stocksalot.svc.cluster.local")
        for event in event_classes()
        if event.TYPE not in TERMINAL | {events.TICK}
        for consumer in re.findall(r"\w+ → (\w+)", event.__doc__ or "")
    }

    assert {trigger for trigger in triggers if trigger[0] != events.TICK} == wanted


def test_no_function_replies_to_itself() -> None:
    """No Trigger brings a function the events that it produces: that would go round for ever."""
    for event in event_classes():
        for producer, consumer in re.findall(r"(\w+) → (\w+)", event.__doc__ or ""):
            assert producer != consumer


def test_every_job_has_its_trigger() -> None:
    """Each schedule's event matches exactly one Trigger, by type and job."""
    application = read(LOCAL)
    ticks = [t.filter_attributes for t in application.triggers if t.filter_attributes["type"] == events.TICK]

    for source in application.ping_sources:
        assert ticks.count({"type": events.TICK, "job": source.extensions["job"]}) == 1


def settings_of(function: str) -> set[str]:
    """The names of the variables that *function*'s Settings reads."""
    for module in (f"functions.{function}.settings", f"functions.{function}.main"):
        try:
            settings = importlib.import_module(module).Settings
        except (ImportError, AttributeError):
            continue
        assert issubclass(settings, Slice)
        return {name.upper() for name in settings.model_fields}
    pytest.fail(f"{function} has no Settings")


def test_configuration_names_what_the_functions_read() -> None:
    """ConfigMap and Secret name every setting of every function, and nothing that none of them reads."""
    application = read(LOCAL)
    named = set().union(*(function.environment.names for function in application.functions.values()))

    wanted = set().union(*(settings_of(name) for _, name in application.functions))

    assert named == wanted | {"PGPASSWORD", "TICKERS"}  # libpq's, the migration's


def test_the_base_holds_no_secret() -> None:
    """Secrets are the overlay's or the operator's, and the local overlay's leave providers without a key."""
    secret = find(build(LOCAL), "Secret", "stocksalot")

    assert not [document for document in build(KNATIVE / "base") if document.identity[1] == "Secret"]
    assert {name for name, value in secret["stringData"].items() if value} == {"PGPASSWORD"}


def test_connections_to_postgres_are_bounded() -> None:
    """All copies of all functions together stay far below what Postgres takes (100)."""
    functions = read(LOCAL).functions.values()

    connections = sum(f.max_scale * int(f.environment.defaults["DATABASE_CONNECTIONS"]) for f in functions)

    assert 0 < connections <= 50


def test_services_settings_win_over_what_was_given() -> None:
    """A function gets its manifest's values, over them what is given for their names, then the services."""
    function = read(LOCAL).functions["stocksalot", "ingest"]
    outside = {"PROVIDERS": "replay", "AMQP_URL": "amqp://secret", "DATABASE_URL": "postgresql://given/db"}

    found = function.environment.resolve(outside, {"DATABASE_URL": "postgresql://local/db"})

    assert found["PROVIDERS"] == "replay"
    assert found["DATABASE_URL"] == "postgresql://local/db"
    assert found["DATABASE_CONNECTIONS"] == "4"
    assert "AMQP_URL" not in found
    assert "PGPASSWORD" not in found, "a Secret's values belong to its cluster"
