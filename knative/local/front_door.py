"""The one public port, from which the routes of the manifests lead to functions."""

from collections.abc import Mapping, Sequence

from knative.local.activator import Revision
from knative.local.manifests import Name, Route
from knative.local.proxy import Receive, Scope, Send, answer, forward

_ELSE = "localhost"
"""Whoever comes by a name or an address that no route claims has asked for this one."""


class FrontDoor:
    """An ASGI application: the longest matching prefix wins."""

    def __init__(self, routes: Sequence[Route], revisions: Mapping[Name, Revision]) -> None:
        self._rules = sorted(routes, key=lambda route: len(route.prefix), reverse=True)
        self._hosts = {host for route in routes for host in route.hostnames}
        self._revisions = revisions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        asked = dict(scope["headers"]).get(b"host", b"").decode("latin-1").split(":")[0].lower()
        host = asked if asked in self._hosts else _ELSE
        path: bytes = scope["raw_path"]
        for route in self._rules:
            if host in route.hostnames and (rewritten := rewrite(route, path)) is not None:
                return await forward(self._revisions[route.function], rewritten, scope, receive, send)
        return await answer(send, 404, "nothing is here")


def rewrite(route: Route, path: bytes) -> bytes | None:
    """Return the path that the function sees, None when *path* is not under the route's prefix.

    Prefixes end at a slash, as the Gateway API counts them: /api covers /api and /api/x, not /apix.
    """
    prefix = route.prefix.rstrip("/").encode()
    if path != prefix and not path.startswith(prefix + b"/"):
        return None
    if route.replacement is None:
        return path
    return route.replacement.rstrip("/").encode() + path[len(prefix) :] or b"/"
