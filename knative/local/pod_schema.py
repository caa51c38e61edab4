"""Pydantic models shared by the kinds of manifests: metadata, references, containers and pods."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from knative.local.field_types import Label, Subdomain


class Model(BaseModel):
    """A mapping of a manifest."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, alias_generator=to_camel)


class OpenModel(Model):
    """A mapping with fields that mean nothing on one machine."""

    model_config = ConfigDict(extra="allow")


Ignored = Any


class Metadata(Model):
    name: Subdomain
    namespace: Label = ""
    labels: Mapping[str, str] = {}


class KnativeMetadata(Model):
    name: Label
    namespace: Label = ""
    labels: Mapping[str, str] = {}


class Object(Model):
    api_version: str
    kind: str


class Reference(Model):
    api_version: str = ""
    kind: Literal["Service"] = "Service"
    name: Subdomain
    namespace: Label = ""


class BrokerReference(Model):
    api_version: str = ""
    kind: Literal["Broker"] = "Broker"
    name: Subdomain
    namespace: Label = ""


class Address(Model):
    ref: Reference
    uri: str = ""


class ObjectName(OpenModel):
    name: Subdomain


class EnvFrom(Model):
    config_map_ref: ObjectName | None = None
    secret_ref: ObjectName | None = None


class KeyReference(ObjectName):
    key: str


class ValueFrom(Model):
    config_map_key_ref: KeyReference | None = None
    secret_key_ref: KeyReference | None = None


class EnvVar(Model):
    name: str
    value: str = ""
    value_from: ValueFrom | None = None


class Container(Model):
    name: str = ""
    image: Ignored = None  # the functions run from this checkout
    image_pull_policy: Ignored = None
    resources: Ignored = None
    security_context: Ignored = None
    readiness_probe: Ignored = None
    liveness_probe: Ignored = None
    env: Sequence[EnvVar] = ()
    env_from: Sequence[EnvFrom] = ()
    volume_mounts: Sequence[ObjectName] = ()


C = TypeVar("C", bound=Container)


class Pod(Model, Generic[C]):
    containers: Annotated[Sequence[C], Field(min_length=1, max_length=1)]
    volumes: Sequence[ObjectName] = ()

    @model_validator(mode="after")
    def _check_mounts(self) -> Self:
        volumes = {volume.name for volume in self.volumes}
        for mount in self.containers[0].volume_mounts:
            if mount.name not in volumes:
                raise ValueError(f"mounts the volume {mount.name}, which is not among its volumes")
        return self
