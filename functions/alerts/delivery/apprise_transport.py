"""HTTP transport of Apprise: the requests of its plugins are sent as checked requests.

A name is resolved once and its addresses are checked, no redirect is followed, and no proxy of the environment is used.
"""

import asyncio
import contextvars
from collections.abc import Mapping
from typing import Any, cast

import requests
from requests.adapters import BaseAdapter

from functions.alerts.delivery.addresses import check_url
from functions.alerts.delivery.checked_request import send_request
from functions.alerts.delivery.result import DeliveryResult

_MAX_REQUESTS = 4
"""Maximum number for one message."""


class Attempt:
    """Result of the requests of one message: that of the last one."""

    def __init__(self, *, private: bool) -> None:
        self.private = private
        self.requests = 0
        self.result: int | DeliveryResult | None = None


_attempt: contextvars.ContextVar[Attempt | None] = contextvars.ContextVar("attempt", default=None)


class CheckedAdapter(BaseAdapter):
    """Adapter of requests that sends by `send_request`."""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002  requests' interface
        timeout: Any = None,  # noqa: ARG002
        verify: Any = True,  # noqa: ARG002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Return the response to *request*; ConnectionError for a target that may not or cannot be reached."""
        attempt = _attempt.get()
        if attempt is None or attempt.requests >= _MAX_REQUESTS:
            raise requests.ConnectionError("no message is being sent")
        attempt.requests += 1
        url, body = str(request.url), cast("str | bytes", request.body or b"")
        if fault := check_url(_without_login(url), private=attempt.private):
            attempt.result = DeliveryResult(delivered=False, error=f"the address {fault}")
            raise requests.ConnectionError(fault)
        headers: dict[bytes | str, bytes | str] = {**request.headers}
        content = body.encode() if isinstance(body, str) else body
        sending = send_request(url, headers, content, private=attempt.private, method=str(request.method))
        answer = asyncio.run(sending)
        if isinstance(answer, DeliveryResult):
            attempt.result = answer
            raise requests.ConnectionError(answer.error)
        attempt.result = answer.status
        response = requests.Response()
        response.status_code, response.url, response.request = answer.status, url, request
        response._content = answer.content  # pyright: ignore[reportPrivateUsage]  requests has no other way
        return response

    def close(self) -> None:
        """Close nothing: each request has its own connection."""


class CheckedSession(requests.Session):
    """Session of requests that sends by `CheckedAdapter` alone."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = 0
        self.adapters.clear()
        self.mount("https://", CheckedAdapter())
        self.mount("http://", CheckedAdapter())


def install() -> None:
    """Replace the session of `requests.post` and similar functions, which the plugins call, by `CheckedSession`."""
    requests.sessions.Session = CheckedSession
    requests.Session = CheckedSession


def notify(plugin: Any, title: str, body: str, *, private: bool) -> Attempt:
    """Send a message by *plugin* in the thread of the caller, and return the result of its requests."""
    attempt = Attempt(private=private)
    _attempt.set(attempt)
    try:
        sent = plugin.send(body=body, title=title)
    except Exception:  # plugins raise any type of error
        sent = False
    if not sent and isinstance(attempt.result, int) and 200 <= attempt.result < 300:
        attempt.result = DeliveryResult(delivered=False, error="the service refused the message")
    return attempt


def _without_login(url: str) -> str:
    """Return *url* without a user name, which `check_url` refuses."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"
