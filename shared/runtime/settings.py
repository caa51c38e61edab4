"""Configuration from the environment, in slices that each function composes into its own Settings.

Frozen dataclasses, read by msgspec: a model library that can do more took a sixth of every cold start.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

CsvList = tuple[str, ...]
"""`A,B`: separated by commas."""

CsvMap = dict[str, str]
"""`NAME=VALUE,NAME=VALUE`."""


class Secret:
    """A text hidden from logs and tracebacks."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text, to send or check it."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"


SecretList = tuple[Secret, ...]
"""`A,B`: separated by commas."""

SecretMap = dict[str, Secret]
"""`NAME=SECRET,NAME=SECRET`."""


class SettingsError(ValueError):
    """A variable is missing or invalid: the text names it and the change to make, never its value."""


@dataclass(frozen=True, kw_only=True)
class SettingsGroup:
    """Settings that belong together; each field is read from the variable of its name in capitals.

    Subclasses refuse invalid combinations in `check`, with a ValueError that shows no secret.
    """

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """`shared.runtime.log` reads it before there are settings; here it is checked."""

    hsts_seconds: Annotated[int, Meta(ge=0)] | None = None
    """Age in the header Strict-Transport-Security; none: no header. This and the next two are read by the server."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the responses, `*` for all; none: every page, of market data, without a token."""

    otel_exporter_otlp_endpoint: str | None = None
    """Address that spans are sent to; none: no spans."""

    def check(self) -> None:
        """Raise ValueError for values that types do not refuse: here origins and URLs; subclasses add theirs."""
        for origin in self.cors_origins:
            if origin != "*" and not _is_origin(origin):
                raise ValueError("CORS_ORIGINS: should list origins such as https://page.example.com, or be * for all")
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name.endswith(("_url", "_endpoint")) and isinstance(value, str) and not _is_http(value):
                raise ValueError(f"{field.name.upper()}: should start with http:// or https:// and name a host")


@dataclass(frozen=True, kw_only=True)
class DatabaseSettings(SettingsGroup):
    """Address of Postgres, and the connections one copy of a function may hold."""

    database_url: Secret
    database_connections: Annotated[int, Meta(ge=1, le=50)] = 4

    def check(self) -> None:
        """Refuse a value that is not a URL of Postgres."""
        super().check()
        _check_url("DATABASE_URL", self.database_url, ("postgresql", "postgres"))


@dataclass(frozen=True, kw_only=True)
class RedisSettings(SettingsGroup):
    """Address of Redis."""

    redis_url: Secret

    def check(self) -> None:
        """Refuse a value that is not a URL of Redis."""
        super().check()
        _check_url("REDIS_URL", self.redis_url, ("redis", "rediss", "unix"))


@dataclass(frozen=True, kw_only=True)
class BarSettings(SettingsGroup):
    """Grace time after which a bar counts as finished."""

    bar_grace_seconds: Annotated[int, Meta(ge=0, le=3600)] = 60


S = TypeVar("S", bound=SettingsGroup)


def read_settings(model: type[S], environment: Mapping[str, str] = os.environ) -> S:
    """Return the settings of *model*; SettingsError names each missing or invalid variable.

    An empty variable counts as not set, as a Kubernetes Secret made from a sample file has many. A secret may be in a
    file instead, whose path is in the variable with _FILE at its end, as container engines mount secrets.
    """
    faults: list[str] = []
    values: dict[str, Any] = {}
    kinds = get_type_hints(model, include_extras=True)
    for field in fields(model):
        variable, kind = field.name.upper(), kinds[field.name]
        try:
            if text := _secret_file(variable, environment) if kind in (Secret, SecretList, SecretMap) else None:
                values[field.name] = _read(text, kind)
                continue
            if text := environment.get(variable):
                values[field.name] = _read(text, kind)
                continue
        except ValueError as error:
            faults.append(f"{variable}: {error}")
            continue
        if field.default is MISSING and field.default_factory is MISSING:
            faults.append(f"{variable} is missing")
    if not faults:
        settings = model(**values)
        try:
            settings.check()
        except ValueError as error:
            faults.append(str(error))
        else:
            return settings
    raise SettingsError("; ".join(faults))


def check_settings(module: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the fault of the settings of a function, whose classes are in *module*, None without one.

    The function is not started. On the command line: `python -m shared.runtime.settings functions.api.settings`.
    """
    try:
        read_settings(importlib.import_module(module).Settings, environment)
    except SettingsError as error:
        return str(error)
    return None


def _secret_file(variable: str, environment: Mapping[str, str]) -> str | None:
    """Return the content of the file that *variable*_FILE names, None when it is not set."""
    path = environment.get(f"{variable}_FILE")
    if not path:
        return None
    if environment.get(variable):
        raise ValueError(f"should not be set beside {variable}_FILE")
    try:
        text = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{variable}_FILE names a file that cannot be read ({type(error).__name__})") from None
    if not text:
        raise ValueError(f"{variable}_FILE names an empty file")
    return text


def _read(text: str, kind: Any) -> object:
    """Return *text* as *kind*; ValueError names the expected form."""
    value: object = text
    if get_origin(kind) in (tuple, dict):
        parts = [part.strip() for part in text.split(",") if part.strip()]
        value = parts if get_origin(kind) is tuple else _pairs(parts)
    return msgspec.convert(value, kind, strict=False, dec_hook=_secret)


def _pairs(parts: list[str]) -> dict[str, str]:
    pairs = [part.partition("=") for part in parts]
    if not all(ours.strip() and theirs.strip() for ours, _, theirs in pairs):
        raise ValueError("should look like NAME=VALUE,NAME=VALUE")
    return {ours.strip(): theirs.strip() for ours, _, theirs in pairs}


def _secret(kind: type, value: str) -> Secret:
    """Convert to `Secret`, the one type that msgspec does not know."""
    return kind(value)


def _check_url(name: str, url: Secret, schemes: tuple[str, ...]) -> None:
    """Raise ValueError for an invalid URL, before the errors of drivers, which quote it, reach the log."""
    parts = urlsplit(url.reveal())
    if parts.scheme not in schemes:
        raise ValueError(f"{name}: should start with {schemes[0]}://")
    for host in parts.netloc.rpartition("@")[2].split(","):  # libpq takes several
        try:
            urlsplit(f"//{host}").port  # noqa: B018  reading it is the check
        except ValueError:
            raise ValueError(
                f"{name}: the port should be a number; in a password / : @ ? # are written %2F %3A %40 %3F %23"
            ) from None


def _is_http(url: str) -> bool:
    """Return whether *url* is an HTTP URL: a scheme, a host, and a number if there is a port."""
    if not url.isprintable() or " " in url:  # urlsplit accepts a space and drops line breaks
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_origin(text: str) -> bool:
    """Return whether *text* is an origin as in the header Origin of browsers: a URL without a path."""
    return _is_http(text) and text.partition("://")[2] == urlsplit(text).netloc and "@" not in text


if __name__ == "__main__":
    from shared.runtime import settings  # the module whose classes the functions use, which __main__ is not

    wrong = [f"{module}: {text}" for module in sys.argv[1:] if (text := settings.check_settings(module))]
    sys.exit("\n".join(wrong) or None)
