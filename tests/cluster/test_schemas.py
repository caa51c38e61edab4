"""Every manifest is one that the API server of the pinned versions takes: right types, and no field it does not know.

Kubernetes' own kinds are held to its published schema of the pinned version. Those of Knative, cert-manager and the
Prometheus operator are held to models generated from their CRDs. Below Python 3.14 Knative's newest are of 1.17, older
than what is pinned; but fields do not leave a v1. Of Gateway API and RabbitMQ no schema is published as a package.
"""

from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from knative.local.kustomize import Document, build

if TYPE_CHECKING:
    from pydantic import BaseModel

ROOT = Path(__file__).parents[2]
OVERLAYS = ["local", "cloud"]
OBSERVABILITY = ["alerts.yaml", "scrape.yaml"]
MODELS = {
    "serving.knative.dev/v1": "knative_serving.serving.v1",
    "eventing.knative.dev/v1": "knative_eventing.eventing.v1",
    "sources.knative.dev/v1": "knative_eventing.sources.v1",
    "cert-manager.io/v1": "cert_manager.v1",
    "monitoring.coreos.com/v1": "prometheus_operator.v1",
    "monitoring.coreos.com/v1alpha1": "prometheus_operator.v1alpha1",
}
WITHOUT_SCHEMA = {
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"),
    ("eventing.knative.dev/v1alpha1", "RabbitmqBrokerConfig"),
    ("gateway.networking.k8s.io/v1", "Gateway"),
    ("gateway.networking.k8s.io/v1", "HTTPRoute"),
}
"""The runner's own list of fields is all that these are held to."""

UNLISTED = {"spec.delivery.timeout"}
"""The CRDs keep what they do not list in `delivery`, for the sake of this very field; models made from them cannot."""

Body = dict[str, Any]


def versions() -> dict[str, str]:
    """The pinned versions by name."""
    lines = (ROOT / "knative" / "install" / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def model(body: Body) -> "type[BaseModel] | None":
    """The published model of the object's kind, if there is one."""
    if not (module := MODELS.get(body["apiVersion"])):
        return None
    return getattr(import_module(f"cloudcoil.models.{module}"), body["kind"])


def unknown(body: Any, kept: Any, path: str = "") -> Iterator[str]:
    """The path of each field of *body* that did not outlive the way through its model."""
    if isinstance(body, dict) and isinstance(kept, dict):
        for name, value in body.items():
            place = f"{path}.{name}" if path else name
            if name not in kept:
                yield place
            else:
                yield from unknown(value, kept[name], place)
    if isinstance(body, list) and isinstance(kept, list):
        for index, (one, other) in enumerate(zip(body, kept, strict=True)):
            yield from unknown(one, other, f"{path}[{index}]")


def faults(body: Body) -> list[str]:
    """What an API server would find wrong with an object."""
    import kubernetes_validate  # reads every schema it has
    from pydantic import ValidationError

    if published := model(body):
        try:
            kept = published.model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValidationError as error:
            return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return [f"{field}: no such field" for field in unknown(body, kept) if field not in UNLISTED]
    try:
        kubernetes_validate.validate(body, versions()["KUBERNETES"].rpartition(".")[0], strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_cluster_takes_every_object(overlay: str) -> None:
    """Each object of both overlays has a schema, but for the four kinds without, and obeys it."""
    documents = build(ROOT / "knative" / "overlays" / overlay)

    held = [document for document in documents if document.identity[:2] not in WITHOUT_SCHEMA]
    found = {"/".join(document.identity): faults(document.body) for document in held}

    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert {"serving.knative.dev/v1", "eventing.knative.dev/v1", "batch/v1"} <= {one.identity[0] for one in held}


@pytest.mark.parametrize("name", OBSERVABILITY)
def test_the_operator_of_prometheus_takes_what_watches(name: str) -> None:
    """Alerts and scrapes are of its kinds, every field in its place."""
    bodies = list(yaml.safe_load_all((ROOT / "knative" / "observability" / name).read_text()))

    assert [wrong for body in bodies for wrong in faults(body)] == []
    assert all(model(body) for body in bodies)


@pytest.fixture(scope="module")
def objects() -> list[Document]:
    """Those of the cloud, where every kind is."""
    return build(ROOT / "knative" / "overlays" / "cloud")


@pytest.mark.parametrize(
    ("kind", "path", "value", "fault"),
    [
        ("Service", "spec.template.spec.timeoutSecond", 30, "spec.template.spec.timeoutSecond: no such field"),
        ("Service", "spec.template.spec.timeoutSeconds", "soon", "valid integer"),
        ("Trigger", "spec.delivery.retry", "often", "valid integer"),
        ("Trigger", "spec.delivery.deadLetter", {}, "spec.delivery.deadLetter: no such field"),
        ("Trigger", "spec.filter.attribute", {}, "spec.filter.attribute: no such field"),
        ("Broker", "spec.delivery", "none", "valid dictionary"),
        ("PingSource", "spec.schedules", "* * * * *", "spec.schedules: no such field"),
        ("Certificate", "spec.secret", "tls", "spec.secret: no such field"),
        ("NetworkPolicy", "spec.ingres", [], "ingres"),
        ("Job", "spec.backoffLimit", "none", "backoffLimit"),
        ("PodDisruptionBudget", "spec.minAvailable", {}, "minAvailable"),
    ],
)
def test_a_mistake_is_found(objects: list[Document], kind: str, path: str, value: object, fault: str) -> None:
    """A misspelt field or a wrong type is told by its path, in every kind that has a schema."""
    body = deepcopy(next(one.body for one in objects if one.identity[1] == kind))
    *steps, last = path.split(".")
    target = body
    for step in steps:
        target = target.setdefault(step, {})
    target[last] = value

    assert any(fault in sentence for sentence in faults(body)), faults(body)
