"""Front door: the public port, from which the routes of the manifests lead to functions."""

from collections.abc import Mapping, Sequence

from knative.local.activator import Revision
from knative.local.application import Name, Route
from knative.local.proxy import Receive, Scope, Send, answer, forward

_OTHER = "localhost"
"""Host whose routes apply to requests for an unknown host."""


class FrontDoor:
    """An ASGI application: a function by its host name in the cluster, else the longest prefix that matches."""

    def __init__(self, routes: Sequence[Route], revisions: Mapping[Name, Revision]) -> None:
        self._rules = sorted(routes, key=lambda route: len(route.prefix), reverse=True)
        self._hosts = {host for route in routes for host in route.hostnames}
        self._revisions = revisions
        self._functions = {host: revision for revision in revisions.values() for host in revision.function.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").split(":")[0].lower()
        path: bytes = scope["raw_path"]
        if revision := self._functions.get(host):
            if revision.function.public:
                return await forward(revision, path, scope, receive, send)
            return await answer(send, 404, f"{host} is reachable within the cluster only")
        host = host if host in self._hosts else _OTHER
        for route in self._rules:
            if host in route.hostnames and (rewritten := rewrite(route, path)) is not None:
                return await forward(self._revisions[route.function], rewritten, scope, receive, send)
        return await answer(send, 404, "no route leads to this path")


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
