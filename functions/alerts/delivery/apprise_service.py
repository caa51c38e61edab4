"""Apprise services: supported plugins, validation of their URLs, and delivery of messages.

Apprise has more than a hundred plugins, some of which run programs, open files or reach devices: only the supported
ones are loaded. Their URLs contain tokens, so no error and no log line repeats any part of one.
"""

import asyncio
import contextvars
import importlib
import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from functions.alerts.delivery.addresses import check_url
from functions.alerts.delivery.result import DeliveryResult

_MAX_URL = 1000
_GONE = (404, 410)
_THREADS = ThreadPoolExecutor(16, "apprise")
_LOG = logging.getLogger("apprise")


class ServiceError(ValueError):
    """The URL does not belong to a supported service, or a part of it is not allowed; the text says what to change."""


class _Plugin(NamedTuple):
    """A plugin of Apprise: its module and class, and the parameters that its URLs may have."""

    module: str
    name: str
    parameters: frozenset[str] = frozenset()
    hosted: bool = False
    """Its URL names a host, which may belong to anyone."""


_PLUGINS: Mapping[str, _Plugin] = {
    "discord": _Plugin("discord", "NotifyDiscord", frozenset({"thread"})),
    "gotify": _Plugin("gotify", "NotifyGotify", frozenset({"priority"}), hosted=True),
    "gotifys": _Plugin("gotify", "NotifyGotify", frozenset({"priority"}), hosted=True),
    "ntfy": _Plugin("ntfy", "NotifyNtfy", frozenset({"priority", "auth", "token"}), hosted=True),
    "ntfys": _Plugin("ntfy", "NotifyNtfy", frozenset({"priority", "auth", "token"}), hosted=True),
    "pover": _Plugin("pushover", "NotifyPushover", frozenset({"priority", "sound"})),
    "slack": _Plugin("slack", "NotifySlack"),
    "tgram": _Plugin("telegram", "NotifyTelegram", frozenset({"topic", "thread", "silent"})),
}
_CLOUD = "ntfy.sh"


class Service(NamedTuple):
    """A service that receives messages; *shown* is its name without secrets."""

    plugin: Any
    shown: str


def parse_service(url: str, *, private: bool) -> Service:
    """Return the service at *url*; ServiceError for an unsupported one, and for more than one recipient."""
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise ServiceError(f"should be a URL of at most {_MAX_URL} ASCII characters without spaces")
    schema, separator, _ = url.partition("://")
    known = _PLUGINS.get(schema.lower())
    if not separator or known is None:
        raise ServiceError(f"should begin with one of {', '.join(f'{name}://' for name in _PLUGINS)}")
    plugin = _load(url, known)
    host = _host(plugin, schema, private=private) if known.hosted else None
    name = str(plugin.service_name)
    return Service(plugin, f"{name}, {host}" if host else name)


def _check_parameters(url: str, parts: Mapping[str, Any], known: _Plugin) -> None:
    """Refuse all parameters not listed above: others open files, disable checks, or send to other recipients.

    *parts* is the result of the plugin's own parser for *url*, which also ends a parameter at a semicolon.
    """
    if "#" in url or set(parts.get("qsd", ())) - known.parameters:
        allowed = ", ".join(sorted(known.parameters))
        raise ServiceError(f"should have no parameters but {allowed}" if allowed else "should have no parameters")


def _load(url: str, known: _Plugin) -> Any:
    """Return the plugin for *url*."""
    from apprise import plugins

    _LOG.disabled = True  # its warnings quote URLs
    plugin_class = getattr(importlib.import_module(f"{plugins.__name__}.{known.module}"), known.name)
    try:
        parts = plugin_class.parse_url(url)
        if parts:
            _check_parameters(url, parts, known)
        plugin = plugin_class(**parts) if parts else None
        single = plugin is not None and len(plugin) == 1
    except ServiceError:
        raise
    except Exception:  # plugins raise any type of error for a URL they cannot parse
        raise ServiceError("should be a URL of the service in the format of Apprise") from None
    topics = getattr(plugin, "topics", None)  # of ntfy, without those that it ignores, such as a host name
    if not single or getattr(plugin, "detect_owner", False) or (topics is not None and topics != parts["targets"]):
        raise ServiceError("should be a URL of the service in the format of Apprise, with one recipient")
    return plugin


def _host(plugin: Any, schema: str, *, private: bool) -> str:
    """Return the host that *plugin* sends to; ServiceError unless it is public and reached by TLS."""
    if getattr(plugin, "mode", None) == "cloud":
        return _CLOUD
    scheme = "https" if schema.lower().endswith("s") else "http"
    port = f":{plugin.port}" if plugin.port else ""
    if fault := check_url(f"{scheme}://{plugin.host}{port}/", private=private):
        secure = fault if scheme == "https" else f"should begin with {schema.lower()}s:// and lead to a public address"
        raise ServiceError(secure)
    return f"{plugin.host}{port}"


async def post_service(url: str, title: str, text: str, *, private: bool) -> DeliveryResult:
    """Send a message to the service at *url* and return the result: 404 and 410 disable the channel."""
    context = contextvars.copy_context()
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_THREADS, context.run, lambda: _send(url, title, text, private=private))


def _send(url: str, title: str, text: str, *, private: bool) -> DeliveryResult:
    try:
        service = parse_service(url, private=private)
    except ServiceError:
        return DeliveryResult(delivered=False, error="the address no longer belongs to a supported service", gone=True)
    from functions.alerts.delivery import apprise_transport

    apprise_transport.install()
    result = apprise_transport.notify(service.plugin, title, text, private=private).result
    if isinstance(result, DeliveryResult):
        return result
    if result is not None and 200 <= result < 300:
        return DeliveryResult(delivered=True)
    error = f"the service answered {result}" if result else "no request was sent to the service"
    return DeliveryResult(delivered=False, error=error, gone=result in _GONE)
