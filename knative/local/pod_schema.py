"""Pydantic models shared by the kinds of manifests: metadata, references, containers and pods."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from knative.local.field_types import Label, MountPath, Namespace, RelativeUri, Subdomain, Variable


class Model(BaseModel):
    """A mapping of a manifest."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class OpenModel(Model):
    """A mapping with fields that mean nothing on one machine."""

    model_config = ConfigDict(extra="allow")


Ignored = Any


class Metadata(Model):
    name: Subdomain
    namespace: Namespace = ""
    labels: Mapping[str, str] = {}


class KnativeMetadata(Metadata):
    name: Label


class Object(Model):
    api_version: str
    kind: str


class Reference(Model):
    api_version: str = ""
    kind: Literal["Service"] = "Service"
    name: Subdomain
    namespace: Namespace = ""


class BrokerReference(Model):
    api_version: str = ""
    kind: Literal["Broker"] = "Broker"
    name: Subdomain
    namespace: Namespace = ""


class Address(Model):
    ref: Reference
    uri: RelativeUri = ""


class ObjectName(OpenModel):
    name: Subdomain


class OneSource(Model):
    """A mapping with exactly one of its optional fields."""

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        optional = [name for name, field in type(self).model_fields.items() if not field.is_required()]
        if sum(getattr(self, name) is not None for name in optional) != 1:
            raise ValueError(f"needs one of {' and '.join(map(to_camel, optional))}")
        return self


class EnvFrom(OneSource):
    config_map_ref: ObjectName | None = None
    secret_ref: ObjectName | None = None


class KeyReference(ObjectName):
    key: str


class ValueFrom(OneSource):
    config_map_key_ref: KeyReference | None = None
    secret_key_ref: KeyReference | None = None


class EnvVar(Model):
    name: Variable
    value: str = ""
    value_from: ValueFrom | None = None

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if self.value and self.value_from:
            raise ValueError("has both value and valueFrom")
        return self


class HttpGet(Model):
    path: str = "/"
    port: Ignored = None  # the function's own
    scheme: Literal["HTTP"] = "HTTP"


class Probe(Model):
    """A probe by HTTP; seconds count as the kubelet counts them."""

    http_get: HttpGet
    initial_delay_seconds: int = Field(default=0, ge=0)
    period_seconds: int = Field(default=10, ge=1)
    timeout_seconds: int = Field(default=1, ge=1)
    failure_threshold: int = Field(default=3, ge=1)
    success_threshold: int = Field(default=1, ge=1)


class VolumeMount(OpenModel):
    name: Label
    mount_path: MountPath


class Volume(OneSource):
    """A volume; here a function sees the files of this machine instead."""

    name: Label
    empty_dir: Mapping[str, Ignored] | None = None
    secret: Mapping[str, Ignored] | None = None
    config_map: Mapping[str, Ignored] | None = None
    projected: Mapping[str, Ignored] | None = None


class Container(Model):
    name: str = ""
    image: Ignored = None  # the functions run from this checkout
    image_pull_policy: Ignored = None
    resources: Ignored = None
    security_context: Ignored = None
    readiness_probe: Probe | None = None
    liveness_probe: Probe | None = None
    env: Sequence[EnvVar] = ()
    env_from: Sequence[EnvFrom] = ()
    volume_mounts: Sequence[VolumeMount] = ()


C = TypeVar("C", bound=Container)


class Pod(Model, Generic[C]):
    containers: Annotated[Sequence[C], Field(min_length=1, max_length=1)]
    volumes: Sequence[Volume] = ()

    @model_validator(mode="after")
    def _check_mounts(self) -> Self:
        volumes = [volume.name for volume in self.volumes]
        mounts = self.containers[0].volume_mounts
        for mount in mounts:
            if mount.name not in volumes:
                raise ValueError(f"mounts the volume {mount.name}, which is not among its volumes")
        for volume in volumes:
            if volumes.count(volume) > 1 or volume not in {mount.name for mount in mounts}:
                raise ValueError(f"the volume {volume} is listed twice or not mounted")
        paths = [mount.mount_path.rstrip("/") for mount in mounts]
        if len(set(paths)) < len(paths):
            raise ValueError("mounts two volumes at one path")
        return self
