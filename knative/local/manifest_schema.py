"""Pydantic models of the manifests: unknown fields are refused and values are checked as a cluster checks them."""

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, ValidationError, model_validator

from knative.local import field_types
from knative.local.field_types import AttributeName, Count, Extension, GoDuration, IsoDuration, Namespace, Subdomain
from knative.local.pod_schema import (
    Address,
    BrokerReference,
    Container,
    Ignored,
    KnativeMetadata,
    Metadata,
    Model,
    Object,
    OpenModel,
    Pod,
    Probe,
)
from knative.local.route_schema import HttpRoute

__all__ = ["Address", "Container", "ManifestError", "Model", "Probe", "parse"]


class ManifestError(Exception):
    """A manifest asks for something that the runner cannot do; the message names the file and the field."""


class ServicePod(Pod[Container]):
    container_concurrency: int = Field(default=0, ge=0, le=1000)
    timeout_seconds: int = Field(default=300, ge=1, le=600)


class Scaling(Model):
    min_scale: Count = Field(default=0, alias="autoscaling.knative.dev/min-scale")
    max_scale: Count = Field(default=0, alias="autoscaling.knative.dev/max-scale")
    target: Annotated[Count, Field(ge=1)] = Field(default=100, alias="autoscaling.knative.dev/target")
    window: Annotated[GoDuration, Field(ge=6, le=3600)] = Field(default=60.0, alias="autoscaling.knative.dev/window")
    retention: Annotated[GoDuration, Field(le=3600)] = Field(
        default=0.0, alias="autoscaling.knative.dev/scale-to-zero-pod-retention-period"
    )

    @model_validator(mode="after")
    def _check_bounds(self) -> Self:
        if self.max_scale and self.min_scale > self.max_scale:
            raise ValueError(f"min-scale {self.min_scale} is greater than max-scale {self.max_scale}")
        return self


class TemplateMetadata(Model):
    labels: Mapping[str, str] = {}
    annotations: Scaling = Scaling.model_validate({})


class ServiceTemplate(Model):
    metadata: TemplateMetadata = TemplateMetadata()
    spec: ServicePod


class ServiceSpec(Model):
    template: ServiceTemplate


class ServiceMetadata(KnativeMetadata):
    name: field_types.ServiceName
    labels: Annotated[Mapping[str, str], BeforeValidator(field_types.visibility)] = {}


class Service(Object):
    """A Knative Service."""

    metadata: ServiceMetadata
    spec: ServiceSpec

    @property
    def public(self) -> bool:
        """True if the service is reachable from outside the cluster."""
        return field_types.VISIBILITY not in self.metadata.labels


class DeliverySpec(Model):
    """Handling of an event that a subscriber does not accept; the defaults are the RabbitMQ dispatcher's."""

    dead_letter_sink: Address | None = None
    retry: int = Field(default=5, ge=0)
    backoff_policy: Literal["exponential", "linear"] = "exponential"
    backoff_delay: IsoDuration = 0.05
    timeout: Annotated[IsoDuration, Field(gt=0)] | None = None


class Filter(Model):
    attributes: Mapping[AttributeName, str] = {}


class TriggerSpec(Model):
    broker: Subdomain
    # `filters` is not here: the RabbitMQ broker does not read it and would deliver everything.
    filter: Filter = Filter()
    subscriber: Address
    delivery: DeliverySpec | None = None


class TriggerAnnotations(Model):
    parallelism: Annotated[Count, Field(ge=1, le=1000)] = Field(
        1, alias="rabbitmq.eventing.knative.dev/parallelism", validate_default=False
    )


class TriggerMetadata(KnativeMetadata):
    annotations: TriggerAnnotations = TriggerAnnotations.model_validate({})


class Trigger(Object):
    metadata: TriggerMetadata
    spec: TriggerSpec


class BrokerAnnotations(Model):
    broker_class: Literal["RabbitMQBroker"] = Field("RabbitMQBroker", alias="eventing.knative.dev/broker.class")


class BrokerMetadata(KnativeMetadata):
    annotations: BrokerAnnotations = BrokerAnnotations.model_validate({})


class BrokerSpec(Model):
    config: Ignored = None
    delivery: DeliverySpec | None = None


class Broker(Object):
    metadata: BrokerMetadata
    spec: BrokerSpec = BrokerSpec()


class CloudEventOverrides(Model):
    extensions: Mapping[Extension, str] = {}


class Sink(Model):
    ref: BrokerReference


class PingSourceSpec(Model):
    schedule: str = "* * * * *"
    timezone: str = "UTC"
    content_type: str = "application/json"
    data: str = ""
    ce_overrides: CloudEventOverrides = CloudEventOverrides()
    sink: Sink

    @model_validator(mode="after")
    def _check_schedule(self) -> Self:
        field_types.check_schedule(self.schedule, self.timezone)
        if self.content_type == "application/json" and self.data:
            try:
                json.loads(self.data)
            except ValueError as error:
                raise ValueError(f"data is not JSON: {error}") from None
        return self


class PingSource(Object):
    metadata: KnativeMetadata
    spec: PingSourceSpec


class JobContainer(Container):
    command: Sequence[str] = Field(min_length=1)
    args: Sequence[str] = ()


class JobPod(Pod[JobContainer]):
    restart_policy: Ignored = None


class JobTemplate(Model):
    metadata: OpenModel = OpenModel()
    spec: JobPod


class JobSpec(Model):
    backoff_limit: Ignored = None
    ttl_seconds_after_finished: Ignored = None
    template: JobTemplate


class Job(Object):
    metadata: Metadata
    spec: JobSpec


class ConfigMap(Object):
    metadata: Metadata
    data: Mapping[str, str] = {}


class Secret(Object):
    metadata: Metadata
    type: Ignored = None
    string_data: Mapping[str, str] = {}


class FileReference(Model):
    path: str


class SecretGenerator(Model):
    name: Subdomain
    namespace: Namespace = ""
    envs: Sequence[str]


class GeneratorOptions(Model):
    # With a hash in the Secret's name, its readers would have to be found and renamed.
    disable_name_suffix_hash: Literal[True]


class Kustomization(Object):
    resources: Sequence[str] = ()
    patches: Sequence[FileReference] = ()
    images: Ignored = None
    secret_generator: Sequence[SecretGenerator] = ()
    generator_options: GeneratorOptions | None = None


class IgnoredObject(OpenModel):
    """An object that means nothing on one machine."""


MODELS: Mapping[tuple[str, str], type[Model]] = {
    ("serving.knative.dev/v1", "Service"): Service,
    ("eventing.knative.dev/v1", "Trigger"): Trigger,
    ("eventing.knative.dev/v1", "Broker"): Broker,
    ("sources.knative.dev/v1", "PingSource"): PingSource,
    ("batch/v1", "Job"): Job,
    ("gateway.networking.k8s.io/v1", "HTTPRoute"): HttpRoute,
    ("v1", "ConfigMap"): ConfigMap,
    ("v1", "Secret"): Secret,
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): Kustomization,
    **dict.fromkeys(
        [
            # A person makes Jobs from a CronJob; here a verb of the command line does the same.
            ("batch/v1", "CronJob"),
            # Postgres, Redis and RabbitMQ of a cluster; here they are external or processes.
            ("v1", "Service"),
            ("apps/v1", "StatefulSet"),
            ("apps/v1", "Deployment"),
            ("rabbitmq.com/v1beta1", "RabbitmqCluster"),
            ("eventing.knative.dev/v1alpha1", "RabbitmqBrokerConfig"),
            # Isolation and the way in; here everything listens on the loopback address.
            ("v1", "Namespace"),
            ("v1", "ServiceAccount"),
            ("networking.k8s.io/v1", "NetworkPolicy"),
            ("policy/v1", "PodDisruptionBudget"),
            ("cert-manager.io/v1", "Issuer"),
            ("cert-manager.io/v1", "Certificate"),
            ("gateway.networking.k8s.io/v1", "Gateway"),
        ],
        IgnoredObject,
    ),
}


def parse(file: str, document: JsonValue, *, patch: bool = False) -> Model | None:
    """Return the model of *document*; ManifestError for its first fault. A *patch* may leave out required fields."""
    if not isinstance(document, dict):
        raise ManifestError(f"{file}: is not a mapping")
    kind = (str(document.get("apiVersion")), str(document.get("kind")))
    if kind not in MODELS:
        raise ManifestError(f"{file}: kind {kind[0]} {kind[1]} is not supported by the local runner")
    try:
        return MODELS[kind].model_validate(document)
    except ValidationError as error:
        for fault in error.errors():
            if not (patch and fault["type"] == "missing"):
                raise ManifestError(f"{file}: {field_types.describe_fault(fault)}") from None
    return None
