"""The addresses within the runner: each function under its cluster name, and what the other verbs ask for."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knative.local.activator import Activator
from knative.local.proxy import Receive, Scope, Send, answer, forward

if TYPE_CHECKING:
    from knative.local.schedule import Schedule

Status = Callable[[], Awaitable[dict[str, Any]]]
Replay = Callable[[list[int]], Awaitable[list[str]]]


class Gateway:
    """An ASGI application for the loopback address only: cluster-local functions are reached here, and nowhere else."""

    def __init__(self, activator: Activator) -> None:
        self._activator = activator
        self.status: Status | None = None
        self.schedule: Schedule | None = None
        self.replay: Replay | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass /<namespace>/<function>/<path> on; under /- are the runner's own answers."""
        _, namespace, function, *rest = [*scope["raw_path"].split(b"/", 3), b"", b""][:4]
        if namespace == b"-":
            response = await self._own(function.decode(), Request(scope, receive))
            return await response(scope, receive, send)
        revision = self._activator.revisions.get((namespace.decode(), function.decode()))
        if revision is None:
            return await answer(send, 404, "no such function")
        return await forward(revision, b"/" + rest[0], scope, receive, send)

    async def _own(self, name: str, request: Request) -> Response:
        if name == "status" and self.status:
            return JSONResponse(await self.status())
        if name == "tick" and self.schedule and request.method == "POST":
            job = request.query_params.get("job", "")
            source = self.schedule.of_job(job)
            if source is None:
                return JSONResponse({"error": f"no PingSource has the job {job}"}, 404)
            data = (await request.body()).decode() or None
            accepted = await self.schedule.send(source, data)
            return JSONResponse({"source": source.name, "accepted": accepted}, 202 if accepted else 502)
        if name == "replay" and self.replay and request.method == "POST":
            try:
                return JSONResponse(
                    {"sent": await self.replay([int(one) for one in request.query_params.getlist("id")])}
                )
            except (OSError, RuntimeError) as error:
                return JSONResponse({"error": str(error)}, 502)
        return Response(status_code=404)


def inside(url: str, gateway: str) -> str:
    """Return the address on *gateway* for the address *url* that a function has in a cluster."""
    parts = urlsplit(url)
    function, namespace = (parts.hostname or "").split(".")[:2]
    return f"{gateway}/{namespace}/{function}{parts.path}"
