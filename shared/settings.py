"""Configuration from the environment, in slices that each function composes into its own Settings."""

import os
from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PostgresDsn, RedisDsn, SecretStr


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_split)]
Secrets = Annotated[tuple[SecretStr, ...], BeforeValidator(_split)]


class Slice(BaseModel):
    """Settings that belong together; each field is read from the variable of its name in capitals."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, alias_generator=str.upper, populate_by_name=True)


class Database(Slice):
    """Where Postgres is, and how many connections one copy of a function may hold."""

    database_url: Annotated[SecretStr, BeforeValidator(lambda url: str(PostgresDsn(url)) and url)]
    database_connections: int = Field(default=4, ge=1, le=50)


class Cache(Slice):
    """Where Redis is."""

    redis_url: Annotated[SecretStr, BeforeValidator(lambda url: str(RedisDsn(url)) and url)]


class Market(Slice):
    """When a bar counts as finished."""

    bar_grace_seconds: int = Field(default=60, ge=0, le=3600)


S = TypeVar("S", bound=Slice)


def read_settings(model: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Return the settings of *model*; a wrong or missing variable is a ValidationError that names it, not its value.

    An empty variable counts as not set, as a Kubernetes Secret made from a sample file has many.
    """
    return model.model_validate({name: value for name, value in environment.items() if value})
