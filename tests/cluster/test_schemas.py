"""The schemas of the pinned versions find mistakes; test_rehearsal.py checks the overlays by them."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from knative.install.schemas import find_faults, find_model
from knative.local.kustomize import Document, build

ROOT = Path(__file__).parents[2]
OBSERVABILITY = ["alerts.yaml", "scrape.yaml"]


@pytest.mark.parametrize("name", OBSERVABILITY)
def test_the_prometheus_operator_accepts_alerts_and_scrapes(name: str) -> None:
    """Alerts and scrapes are valid objects of its kinds."""
    bodies = list(yaml.safe_load_all((ROOT / "knative" / "observability" / name).read_text()))

    assert [wrong for body in bodies for wrong in find_faults(body)] == []
    assert all(find_model(body) for body in bodies)


@pytest.fixture(scope="module")
def objects() -> list[Document]:
    """The objects of the overlay cloud, which has every kind."""
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
    """A misspelt field or a wrong type is reported with its path, in every kind that has a schema."""
    body = deepcopy(next(one.body for one in objects if one.identity[1] == kind))
    *steps, last = path.split(".")
    target = body
    for step in steps:
        target = target.setdefault(step, {})
    target[last] = value

    assert any(fault in sentence for sentence in find_faults(body)), find_faults(body)
