"""Schemas of the pinned versions: right types, and no field that the API server does not know.

Its published schema checks Kubernetes' own kinds. Those of Knative, cert-manager and Prometheus are checked by
models generated from their CRDs. Below Python 3.14 Knative's newest models are of 1.17, older than what is pinned; but
fields do not leave a v1. Gateway API and RabbitMQ publish no schema as a package: the local runner checks those.
"""

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from knative.install.overlay import ROOT

if TYPE_CHECKING:
    from pydantic import BaseModel

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
"""Checked only by the models of the local runner."""

UNLISTED = {"spec.delivery.timeout"}
"""The CRDs preserve unknown fields of `delivery` for this field; models generated from them do not."""

Body = dict[str, Any]


def read_versions() -> dict[str, str]:
    """Return the pinned versions by name."""
    lines = (ROOT / "knative" / "install" / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def find_model(body: Body) -> "type[BaseModel] | None":
    """Return the published model of the object's kind, None without one."""
    if not (module := MODELS.get(body["apiVersion"])):
        return None
    return getattr(import_module(f"cloudcoil.models.{module}"), body["kind"])


def _unknown_fields(body: Any, parsed: Any, path: str = "") -> Iterator[str]:
    """Yield the path of each field of *body* that its model dropped."""
    if isinstance(body, dict) and isinstance(parsed, dict):
        for name, value in body.items():
            place = f"{path}.{name}" if path else name
            if name not in parsed:
                yield place
            else:
                yield from _unknown_fields(value, parsed[name], place)
    if isinstance(body, list) and isinstance(parsed, list):
        for index, (one, other) in enumerate(zip(body, parsed, strict=True)):
            yield from _unknown_fields(one, other, f"{path}[{index}]")


def find_faults(body: Body) -> list[str]:
    """Return the faults for which an API server would refuse an object, each with its path."""
    import kubernetes_validate  # slow: it reads all its schemas
    from pydantic import ValidationError

    if published := find_model(body):
        try:
            parsed = published.model_validate(body).model_dump(mode="json", by_alias=True, exclude_unset=True)
        except ValidationError as error:
            return [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        return [f"{field}: no such field" for field in _unknown_fields(body, parsed) if field not in UNLISTED]
    try:
        kubernetes_validate.validate(body, read_versions()["KUBERNETES"].rpartition(".")[0], strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []
