"""The manifest fields that the runner obeys and those that mean nothing on one machine; others are refused."""

import re
from collections.abc import Callable, Mapping
from typing import Any


class ManifestError(Exception):
    """A manifest says what the runner cannot do; the message names the file and the field."""


def moot(_: object) -> None:
    """Accept anything: nothing on one machine answers to this field."""


def text(value: object) -> None:
    """Accept a string."""
    if not isinstance(value, str):
        raise ValueError("is no string")


def whole(value: object) -> None:
    """Accept a whole number from 0 on."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("is no whole number from 0 on")


def digits(value: object) -> None:
    """Accept a whole number in quotes, as annotations hold it."""
    if not isinstance(value, str) or not value.isdecimal():
        raise ValueError("is no whole number in quotes")


def one_of(*allowed: object) -> Callable[[object], None]:
    """Accept only what is *allowed*."""

    def check(value: object) -> None:
        if value not in allowed:
            raise ValueError(f"is {value!r}; the local runner knows {', '.join(map(repr, allowed))}")

    return check


def go_duration(value: object) -> None:
    """Accept what Knative Serving writes as time: 90s, 1m30s."""
    seconds_of_go(value if isinstance(value, str) else "")


def iso_duration(value: object) -> None:
    """Accept what Knative Eventing writes as time: PT0.5S, PT1M."""
    seconds_of_iso(value if isinstance(value, str) else "")


def seconds_of_go(value: str) -> float:
    """Return the seconds of 1h2m3s; ValueError for anything else."""
    return _seconds(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", value, "90s")


def seconds_of_iso(value: str) -> float:
    """Return the seconds of PT1H2M3.5S; ValueError for anything else."""
    return _seconds(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", value, "PT30S")


def _seconds(pattern: str, value: str, example: str) -> float:
    found = re.fullmatch(pattern, value)
    if found is None or not any(found.groups()):
        raise ValueError(f"is no time like {example}")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


ANY = "*"
Table = Mapping[str, "Table"] | list["Table"] | Callable[[Any], None]


def _object(metadata: Mapping[str, Table] | None = None, **rest: Table) -> Mapping[str, Table]:
    named = {"name": text, "namespace": text, "labels": {ANY: moot}, **(metadata or {})}
    return {"apiVersion": text, "kind": text, "metadata": named, **rest}


def _reference(*kinds: str) -> Mapping[str, Table]:
    return {"apiVersion": text, "kind": one_of(*kinds), "name": text, "namespace": text}


_ENVIRONMENT = {
    "env": [{"name": text, "value": text}],
    "envFrom": [{"configMapRef": {"name": text}, "secretRef": {"name": text}}],
}
_CONTAINER = {
    **_ENVIRONMENT,
    "name": text,
    "image": moot,  # the functions run from this checkout
    "imagePullPolicy": moot,
    "resources": moot,
    "securityContext": moot,
    "volumeMounts": moot,
}
_DELIVERY = {
    "deadLetterSink": {"ref": _reference("Service"), "uri": text},
    "retry": whole,
    "backoffPolicy": one_of("exponential", "linear"),
    "backoffDelay": iso_duration,
    "timeout": iso_duration,
}

_SERVICE = _object(
    {"labels": {"networking.knative.dev/visibility": one_of("cluster-local"), ANY: moot}},
    spec={
        "template": {
            "metadata": {
                "labels": {ANY: moot},
                "annotations": {
                    "autoscaling.knative.dev/min-scale": digits,
                    "autoscaling.knative.dev/max-scale": digits,
                    "autoscaling.knative.dev/target": digits,
                    "autoscaling.knative.dev/window": go_duration,
                    "autoscaling.knative.dev/scale-to-zero-pod-retention-period": go_duration,
                },
            },
            "spec": {
                "containerConcurrency": whole,
                "timeoutSeconds": whole,
                "containers": [_CONTAINER],
                "volumes": moot,
            },
        }
    },
)
_TRIGGER = _object(
    {"annotations": {"rabbitmq.eventing.knative.dev/parallelism": digits}},
    spec={
        "broker": text,
        # `filters` is not here: the RabbitMQ broker does not read it and would deliver everything.
        "filter": {"attributes": {ANY: text}},
        "subscriber": {"ref": _reference("Service"), "uri": text},
        "delivery": _DELIVERY,
    },
)
_BROKER = _object(
    {"annotations": {"eventing.knative.dev/broker.class": one_of("RabbitMQBroker")}},
    spec={"config": moot, "delivery": _DELIVERY},
)
_PING_SOURCE = _object(
    spec={
        "schedule": text,
        "timezone": text,
        "contentType": text,
        "data": text,
        "ceOverrides": {"extensions": {ANY: text}},
        "sink": {"ref": _reference("Broker")},
    }
)
_JOB = _object(
    spec={
        "backoffLimit": moot,
        "ttlSecondsAfterFinished": moot,
        "template": {
            "metadata": {"labels": {ANY: moot}},
            "spec": {
                "restartPolicy": moot,
                "containers": [{**_CONTAINER, "command": [text], "args": [text]}],
                "volumes": moot,
            },
        },
    }
)
_HTTP_ROUTE = _object(
    spec={
        "parentRefs": moot,
        "hostnames": [text],
        "rules": [
            {
                "matches": [{"path": {"type": one_of("PathPrefix"), "value": text}}],
                "filters": [
                    {
                        "type": one_of("URLRewrite", "RequestRedirect"),
                        "requestRedirect": moot,  # there is no https here that it could lead to
                        "urlRewrite": {
                            "hostname": text,
                            "path": {"type": one_of("ReplacePrefixMatch"), "replacePrefixMatch": text},
                        },
                    }
                ],
                "backendRefs": [{"name": one_of("kourier-internal"), "port": moot}],
            }
        ],
    }
)

TABLES: Mapping[tuple[str, str], Table] = {
    ("serving.knative.dev/v1", "Service"): _SERVICE,
    ("eventing.knative.dev/v1", "Trigger"): _TRIGGER,
    ("eventing.knative.dev/v1", "Broker"): _BROKER,
    ("sources.knative.dev/v1", "PingSource"): _PING_SOURCE,
    ("batch/v1", "Job"): _JOB,
    # A person makes Jobs from it; here `python -m knative.local replay` does what it would do.
    ("batch/v1", "CronJob"): moot,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): _HTTP_ROUTE,
    ("v1", "ConfigMap"): _object(data={ANY: text}),
    ("v1", "Secret"): _object(stringData={ANY: text}),
    # What runs Postgres, Redis and RabbitMQ in a cluster; here they are given or started as processes.
    ("v1", "Service"): moot,
    ("apps/v1", "StatefulSet"): moot,
    ("apps/v1", "Deployment"): moot,
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): moot,
    ("eventing.knative.dev/v1alpha1", "RabbitmqBrokerConfig"): moot,
    # What keeps the parts of a cluster apart or leads into it; here everything listens on the loopback address.
    ("v1", "Namespace"): moot,
    ("networking.k8s.io/v1", "NetworkPolicy"): moot,
    ("policy/v1", "PodDisruptionBudget"): moot,
    ("cert-manager.io/v1", "Issuer"): moot,
    ("cert-manager.io/v1", "Certificate"): moot,
    ("gateway.networking.k8s.io/v1", "Gateway"): moot,
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): {
        "apiVersion": text,
        "kind": text,
        "resources": [text],
        "patches": [{"path": text}],
        "images": moot,
        "secretGenerator": [{"name": text, "namespace": text, "envs": [text]}],
        # With a hash in the Secret's name, its readers would have to be found and renamed.
        "generatorOptions": {"disableNameSuffixHash": one_of(True)},
    },
}


def check(file: str, document: object) -> None:
    """Raise ManifestError for the first field of *document* that the runner neither obeys nor knows to be moot."""
    if not isinstance(document, dict):
        raise ManifestError(f"{file}: is no mapping")
    kind = (str(document.get("apiVersion")), str(document.get("kind")))
    if kind not in TABLES:
        raise ManifestError(f"{file}: kind {kind[0]} {kind[1]} is not supported by the local runner")
    _check(file, "", document, TABLES[kind])


def _check(file: str, field: str, value: Any, table: Table) -> None:
    if isinstance(table, Mapping):
        if not isinstance(value, dict):
            raise ManifestError(f"{file}: {field}: is no mapping")
        for key, part in value.items():
            within = f"{field}.{key}" if field else str(key)
            if key not in table and ANY not in table:
                raise ManifestError(f"{file}: {within}: is not supported by the local runner")
            _check(file, within, part, table.get(key) or table[ANY])
    elif isinstance(table, list):
        if not isinstance(value, list):
            raise ManifestError(f"{file}: {field}: is no list")
        for index, part in enumerate(value):
            _check(file, f"{field}[{index}]", part, table[0])
    else:
        try:
            table(value)
        except ValueError as error:
            raise ManifestError(f"{file}: {field}: {error}") from None
