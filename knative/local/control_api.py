"""Control API and gateway: functions under their cluster names, and the answers to the verbs of the command line."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knative.local.activator import Activator
from knative.local.proxy import Receive, Scope, Send, answer, forward

Action = Callable[[Request], Awaitable[Response]]


class Gateway:
    """An ASGI application on the loopback address, below a path that only this user's processes know.

    /<secret>/<namespace>/<function>/<path> leads to a function, /<secret>/-/<action> to the runner itself.
    """

    def __init__(self, activator: Activator, secret: str) -> None:
        self._activator = activator
        self._secret = secret.encode()
        self.actions: Mapping[str, Action] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        _, secret, namespace, function, *rest = [*scope["raw_path"].split(b"/", 4), b"", b"", b""][:5]
        if not hmac.compare_digest(secret, self._secret):
            return await answer(send, 404, "not found")
        if namespace == b"-":
            response = await self._act(function.decode(), Request(scope, receive))
            return await response(scope, receive, send)
        revision = self._activator.revisions.get((namespace.decode(), function.decode()))
        if revision is None:
            return await answer(send, 404, "no such function")
        return await forward(revision, b"/" + rest[0], scope, receive, send)

    async def _act(self, name: str, request: Request) -> Response:
        if "origin" in request.headers:
            return JSONResponse({"error": "pages of a browser have no access"}, 403)
        action = self.actions.get(f"{request.method} {name}")
        return await action(request) if action else JSONResponse({"error": f"there is no action {name}"}, 404)


def local_url(url: str, gateway: str) -> str:
    """Return the address on *gateway* of the function that has the address *url* in a cluster."""
    parts = urlsplit(url)
    function, namespace = (parts.hostname or "").split(".")[:2]
    return f"{gateway}/{namespace}/{function}{parts.path}"
