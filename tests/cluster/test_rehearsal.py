"""A deployment rehearsed without a cluster: both overlays pass, and each kind of mistake is found."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from knative.install.__main__ import main
from knative.install.network_flows import find_wrong_flows, read_flows
from knative.install.overlay import ROOT
from knative.install.references import find_missing
from knative.install.rehearse import DEPLOYMENTS, render
from tests.cluster.objects import KUBECTL, Body, named
from tests.cluster.test_images import IMAGES

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


@pytest.fixture(scope="module")
def rendered() -> list[Body]:
    """The objects of the local overlay."""
    return render(DEPLOYMENTS["local"])


def container(bodies: list[Body], name: str) -> Any:
    """Return the container of a function."""
    return named(bodies, "Service", name, "serving")["spec"]["template"]["spec"]["containers"][0]


def test_both_overlays_can_be_deployed(capsys: pytest.CaptureFixture[str]) -> None:
    """Schemas, admission rules, names and flows: `python -m knative.install rehearse` finds no problem."""
    assert main(["rehearse"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda b: container(b, "api").update(image="dev.local/stocksalot/apy:local"),
            "no image dev.local/stocksalot/apy",
        ),
        (lambda b: container(b, "api")["env"][0]["valueFrom"]["secretKeyRef"].update(key="X"), "has no key X"),
        (lambda b: container(b, "api")["envFrom"][0]["configMapRef"].update(name="x"), "there is no ConfigMap x"),
        (lambda b: named(b, "Trigger", "store-bars")["spec"].update(broker="x"), "there is no Broker stocksalot/x"),
        (lambda b: named(b, "PingSource", "bars-close")["spec"]["sink"]["ref"].update(name="x"), "there is no Broker"),
        (
            lambda b: named(b, "ConfigMap", "stocksalot")["data"].update(REDIS_URL="redis://cache:6379/0"),
            "there is no Service stocksalot/cache",
        ),
        (
            lambda b: named(b, "ConfigMap", "stocksalot")["data"].update(
                API_URL="http://x.stocksalot.svc.cluster.local"
            ),
            "there is no Service stocksalot/x",
        ),
        (
            lambda b: named(b, "Service", "redis", "v1")["spec"]["ports"][0].update(port=6380),
            "no pod that redis selects listens on 6380",
        ),
        (
            lambda b: named(b, "HTTPRoute", "api")["spec"]["parentRefs"][0].update(name="x"),
            "there is no Gateway gateway/x",
        ),
    ],
)
def test_a_name_that_leads_nowhere_is_found(
    rendered: list[Body], change: Callable[[list[Body]], Any], problem: str
) -> None:
    """The sentence names the object and what it asks for."""
    bodies = deepcopy(rendered)
    change(bodies)

    found = list(find_missing(bodies, IMAGES))
    assert list(find_missing(rendered, IMAGES)) == []
    assert any(problem in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("policy", "flow"),
    [
        ("functions", "do not admit activator to a function"),
        ("metrics", "do not admit Prometheus to a dispatcher"),
        ("rabbitmq", "do not admit dispatcher to RabbitMQ"),
        ("stocksalot-cluster-local", "admit another application to Kourier"),
    ],
)
def test_a_missing_policy_is_found(rendered: list[Body], policy: str, flow: str) -> None:
    """Without the policy, the flow of the table in docs/operations.md is decided otherwise."""
    flows = read_flows((ROOT / "docs" / "operations.md").read_text())
    without = [body for body in rendered if (body["kind"], body["metadata"]["name"]) != ("NetworkPolicy", policy)]

    assert len(flows) > 20
    assert any(flow in sentence for sentence in find_wrong_flows(without, flows))
