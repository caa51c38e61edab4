"""Network policies, connections to Postgres, TLS, and the loss of a machine."""

import re

import pytest

from knative.install.overlay import OVERLAYS
from knative.local.kustomize import build
from tests.cluster.groups import ROOT
from tests.cluster.objects import Body, find

MOST = {"local": 60, "cloud": 80}


@pytest.mark.parametrize("overlay", ["local", "cloud"])
def test_connections_to_postgres_add_up(overlay: str) -> None:
    """Copies times connections, over all functions, is the sum in the manifest, and Postgres accepts as many."""
    documents = build(OVERLAYS / overlay)
    each = int(find(documents, "ConfigMap", "stocksalot")["data"]["DATABASE_CONNECTIONS"])
    most = {
        document.identity[3]: int(
            document.body["spec"]["template"]["metadata"]["annotations"]["autoscaling.knative.dev/max-scale"]
        )
        for document in documents
        if document.identity[0] == "serving.knative.dev/v1"
    }
    connected = {name: count for name, count in most.items() if name not in ("mcp", "page")}

    total = sum(count * each for count in connected.values())
    file = ROOT / "knative" / {"local": "base/store.yaml", "cloud": "overlays/cloud/autoscaling.yaml"}[overlay]
    stated = re.sub(r"\n\s*#\s*", " ", file.read_text())
    sums = re.search(r"at most: (.*?) = (\d+)", stated)
    assert sums
    assert dict(re.findall(r"(\w+) (\d+) x \d", sums[1])) == {name: str(count) for name, count in connected.items()}
    assert int(sums[2]) == total <= MOST[overlay]


def policies(overlay: str) -> dict[str, Body]:
    """Return the network policies by name."""
    return {d.identity[3]: d.body["spec"] for d in build(OVERLAYS / overlay) if d.identity[1] == "NetworkPolicy"}


def test_only_named_peers_are_admitted() -> None:
    """Every pod refuses what no policy admits; each policy names its peers, and none admits all addresses."""
    for overlay in ("local", "cloud"):
        found = policies(overlay)
        assert found["nobody"] == {"podSelector": {}, "policyTypes": ["Ingress"]}
        for name, spec in found.items():
            for rule in spec.get("ingress", []):
                assert rule.get("from"), f"{name} admits everybody"
                assert all(one for one in rule["from"]), f"{name} admits everybody"
                assert not [one for one in rule["from"] if "ipBlock" in one]
    assert "state" in policies("local")
    assert "state" not in policies("cloud"), "the overlay cloud has no databases of its own"


def test_only_functions_and_labelled_jobs_reach_the_databases() -> None:
    """The policy on Postgres and Redis admits functions and labelled Jobs, on their ports."""
    [rule] = policies("local")["state"]["ingress"]
    documents = build(OVERLAYS / "local")

    assert [port["port"] for port in rule["ports"]] == [5432, 6379]
    label = rule["from"][1]["podSelector"]["matchLabels"]
    migration = find(documents, "Job", "migration")["spec"]["template"]["metadata"]["labels"]
    replay = find(documents, "CronJob", "replay")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert label.items() <= migration.items()
    assert label.items() <= replay.items()


def test_the_overlay_cloud_serves_tls_only() -> None:
    """Port 80 serves redirects and challenges only; each public host has a listener with the certificate."""
    documents = build(OVERLAYS / "cloud")
    listeners = {one["name"]: one for one in find(documents, "Gateway", "public")["spec"]["listeners"]}
    certificate = find(documents, "Certificate", "stocksalot")["spec"]
    hosts = [
        host for route in ("stocksalot", "api") for host in find(documents, "HTTPRoute", route)["spec"]["hostnames"]
    ]

    assert listeners["http"]["allowedRoutes"]["namespaces"]["from"] == "Same"
    assert [rule["filters"][0]["type"] for rule in find(documents, "HTTPRoute", "to-https")["spec"]["rules"]] == [
        "RequestRedirect"
    ]
    assert sorted(one["hostname"] for name, one in listeners.items() if name != "http") == sorted(hosts)
    assert sorted(certificate["dnsNames"]) == sorted(hosts)
    for name in ("page", "api"):
        assert listeners[name]["tls"]["certificateRefs"] == [{"name": certificate["secretName"]}]


def test_the_broker_of_the_overlay_cloud_survives_the_loss_of_a_machine() -> None:
    """Three nodes on different machines, quorum queues, and at most one node is evicted at a time."""
    documents = build(OVERLAYS / "cloud")
    cluster = find(documents, "RabbitmqCluster", "rabbitmq")["spec"]

    assert cluster["replicas"] == 3
    assert "requiredDuringSchedulingIgnoredDuringExecution" in cluster["affinity"]["podAntiAffinity"]
    assert find(documents, "RabbitmqBrokerConfig", "stocks")["spec"]["queueType"] == "quorum"
    assert find(documents, "PodDisruptionBudget", "rabbitmq")["spec"]["maxUnavailable"] == 1


def test_a_disruption_budget_never_blocks_a_drain() -> None:
    """A function with a disruption budget keeps more copies than the budget demands."""
    documents = build(OVERLAYS / "cloud")
    for document in documents:
        if document.identity[1] == "PodDisruptionBudget" and "minAvailable" in document.body["spec"]:
            name = document.body["spec"]["selector"]["matchLabels"]["serving.knative.dev/service"]
            annotations = find(documents, "Service", name, "serving")["spec"]["template"]["metadata"]["annotations"]
            assert int(annotations["autoscaling.knative.dev/min-scale"]) > document.body["spec"]["minAvailable"]
