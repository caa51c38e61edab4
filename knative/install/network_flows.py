"""Check of the NetworkPolicies against the table of flows in docs/operations.md."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Body = Mapping[str, Any]
_ROW = re.compile(r"^\| ([^|]+) \| `([^`|]+)` \| `([^`|]+)` \| (\d+) \| (yes|no) \|$", re.MULTILINE)


class Pod(NamedTuple):
    """A pod as a policy sees it."""

    namespace: str
    labels: Mapping[str, str]


class Flow(NamedTuple):
    """A connection from one pod to another's port, and whether the policies should admit it."""

    name: str
    source: Pod
    target: Pod
    port: int
    admitted: bool


def read_flows(page: str) -> list[Flow]:
    """Return the rows of the table: name, `namespace key=value ...` twice, port, yes or no."""
    rows = _ROW.findall(page)
    return [Flow(name, _pod(source), _pod(target), int(port), yes == "yes") for name, source, target, port, yes in rows]


def find_wrong_flows(bodies: Sequence[Body], flows: Sequence[Flow]) -> Iterator[str]:
    """Yield a sentence for each flow that the policies among *bodies* handle differently from the table."""
    policies = [body for body in bodies if body["kind"] == "NetworkPolicy"]
    for flow in flows:
        if admits(policies, flow) != flow.admitted:
            verb = "do not admit" if flow.admitted else "admit"
            yield f"The NetworkPolicies {verb} {flow.name}: {flow.source} to {flow.target} port {flow.port}"


def admits(policies: Sequence[Body], flow: Flow) -> bool:
    """Return whether the flow may leave its source and enter its target."""
    return _side_admits(policies, flow, "Ingress", "from", flow.target, flow.source) and _side_admits(
        policies, flow, "Egress", "to", flow.source, flow.target
    )


def _side_admits(policies: Sequence[Body], flow: Flow, kind: str, peers: str, own: Pod, other: Pod) -> bool:
    applying = [
        one["spec"]
        for one in policies
        if one["metadata"]["namespace"] == own.namespace
        and kind in one["spec"].get("policyTypes", ["Ingress"])
        and _selects(one["spec"]["podSelector"], own.labels)
    ]
    rules = [rule for spec in applying for rule in spec.get(kind.lower(), [])]
    return not applying or any(
        _port_matches(rule.get("ports"), flow.port)
        and (peers not in rule or any(_peer_matches(peer, other, own.namespace) for peer in rule[peers]))
        for rule in rules
    )


def _port_matches(ports: Sequence[Body] | None, port: int) -> bool:
    return ports is None or any(one["port"] <= port <= one.get("endPort", one["port"]) for one in ports)


def _peer_matches(peer: Body, pod: Pod, own_namespace: str) -> bool:
    if "ipBlock" in peer:
        return False  # our IP blocks exclude the private networks, which pods are in
    if "namespaceSelector" in peer:
        if not _selects(peer["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace}):
            return False
    elif pod.namespace != own_namespace:
        return False
    return _selects(peer.get("podSelector", {}), pod.labels)


def _selects(selector: Body, labels: Mapping[str, str]) -> bool:
    for one in selector.get("matchExpressions", []):
        value = labels.get(one["key"])
        values = one.get("values", [])
        results = {
            "Exists": value is not None,
            "DoesNotExist": value is None,
            "In": value in values,
            "NotIn": value not in values,
        }
        if not results[one["operator"]]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _pod(text: str) -> Pod:
    namespace, *labels = text.split()
    return Pod(namespace, dict(label.split("=", 1) for label in labels))
