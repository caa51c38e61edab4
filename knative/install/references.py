"""Reference check: every image, key, Service, port, broker and gateway named in the manifests exists."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Body = Mapping[str, Any]
_CLUSTER_HOST = re.compile(r"([a-z0-9-]+)\.([a-z0-9-]+)\.svc\.cluster\.local")
_MADE_BY_OTHERS = {("kourier-system", "kourier-internal"), ("stocksalot", "stocks-broker-ingress")}
"""Services of Kourier and of eventing-rabbitmq."""


def find_missing(bodies: Sequence[Body], images: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each name in *bodies* that cannot be resolved; *images* are those that are built."""
    objects = {(body["kind"], _namespace(body), body["metadata"]["name"]): body for body in bodies}
    for body in bodies:
        where = f"{body['kind']} {body['metadata']['name']}"
        for container in _containers(body):
            for problem in _container_problems(container, _namespace(body), objects, images):
                yield f"{where}: {problem}"
        secret = objects.get(("Secret", _namespace(body), body["metadata"]["name"]), {}).get("data", {})
        for kind, namespace, name in _named_objects(body, secret):
            if (kind, namespace, name) not in objects and (namespace, name) not in _MADE_BY_OTHERS:
                yield f"{where}: there is no {kind} {namespace}/{name}"
        if body["kind"] == "Service" and body["apiVersion"] == "v1":
            yield from (f"{where}: {problem}" for problem in _service_problems(body, bodies))


def _container_problems(
    container: Body, namespace: str, objects: Mapping[tuple[str, str, str], Body], images: Sequence[str]
) -> Iterator[str]:
    image = re.sub(r"(:[\w.-]+)?(@sha256:[0-9a-f]+)?$", "", container["image"])
    if "stocksalot/" in image and image.rpartition("/")[2] not in images:
        yield f"no image {image} is built"
    sources = [(one, False) for one in container.get("envFrom", [])]
    sources += [(one["valueFrom"], True) for one in container.get("env", []) if "valueFrom" in one]
    for source, with_key in sources:
        for field, reference in source.items():
            kind = "ConfigMap" if field.startswith("configMap") else "Secret"
            found = objects.get((kind, namespace, reference["name"]))
            if found is None:
                yield f"there is no {kind} {reference['name']}"
            elif with_key and not reference.get("optional") and reference["key"] not in found.get("data", {}):
                yield f"{kind} {reference['name']} has no key {reference['key']}"


def _named_objects(body: Body, secret: Body) -> Iterator[tuple[str, str, str]]:
    """Yield kind, namespace and name of each object that *body* refers to.

    The Secret of a ConfigMap's name wins over it, so an address that *secret* holds too is not used.
    """
    namespace, spec = _namespace(body), body.get("spec", {})
    for key, value in _walk(body):
        if key == "ref":
            yield value["kind"], value.get("namespace", namespace), value["name"]
        elif isinstance(value, str):
            yield from (("Service", host[2], host[1]) for host in _CLUSTER_HOST.finditer(value))
    if body["kind"] == "Trigger":
        yield "Broker", namespace, spec["broker"]
    if body["kind"] == "HTTPRoute":
        for parent in spec["parentRefs"]:
            yield "Gateway", parent.get("namespace", namespace), parent["name"]
        for rule in spec["rules"]:
            yield from (("Service", namespace, backend["name"]) for backend in rule.get("backendRefs", []))
    if body["kind"] == "ConfigMap":
        for value in (value for key, value in body.get("data", {}).items() if key not in secret):
            yield from (("Service", namespace, host) for host in re.findall(r"://(?:\w+@)?([a-z]+):\d+", value))


def _service_problems(service: Body, bodies: Sequence[Body]) -> Iterator[str]:
    selector, name = service["spec"]["selector"], service["metadata"]["name"]
    pods = [body["spec"]["template"] for body in bodies if body["kind"] in ("Deployment", "StatefulSet")]
    chosen = [pod for pod in pods if selector.items() <= pod["metadata"]["labels"].items()]
    open_ports = {
        one["containerPort"] for pod in chosen for container in pod["spec"]["containers"] for one in container["ports"]
    }
    for port in service["spec"]["ports"]:
        if port.get("targetPort", port["port"]) not in open_ports:
            yield f"no pod that {name} selects listens on {port['port']}"


def _containers(body: Body) -> Iterator[Body]:
    for key, value in _walk(body):
        if key == "containers":
            yield from value


def _walk(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    yield key, value
    for name, part in value.items() if isinstance(value, Mapping) else ():
        yield from _walk(part, name)
    for part in value if isinstance(value, list) else ():
        yield from _walk(part, key if not isinstance(part, Mapping) else "")


def _namespace(body: Body) -> str:
    return body["metadata"].get("namespace", "")
