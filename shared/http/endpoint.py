"""Request handling of all functions: routing, authentication, problems, request ids, rate limit headers."""

import logging
import re
import uuid
from collections.abc import Callable, Collection, Coroutine, Sequence
from functools import wraps
from typing import Any, Protocol

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from shared.connections.circuit_breaker import UnavailableError
from shared.http.problem import Problem, bad_parameters, database_unavailable
from shared.runtime import log

_logger = logging.getLogger(__name__)
_HEADERS = "stocksalot.headers"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

_SINGLE_HEADERS = (b"authorization", b"content-type", b"host")

_BY_LINK = "stocksalot.link"
"""Member of the scope of a request by a link (shared/auth/links.py)."""
_NOT_KEPT = {"Cache-Control": "private, no-cache", "Referrer-Policy": "no-referrer"}
"""A link may be revoked at any moment, and its URL is a secret."""

RawHeaders = list[tuple[bytes, bytes]]
Handler = Callable[[Request], Coroutine[None, None, Response]]


class Authenticates(Protocol):
    """Interface of shared.auth's Authenticator, which functions that handle events do not load."""

    async def authenticate(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[Any, RawHeaders]:
        """Return the caller, and the rate limit headers of its response."""
        ...


class Limits(Protocol):
    """Interface of shared.auth's AddressLimiter."""

    async def acquire(self, request: Request) -> RawHeaders:
        """Count the request and return its rate limit headers; Problem 429."""
        ...


class Router:
    """Finds the endpoint of a request.

    Routes are Starlette's own: `Route("/tickers/{ticker}", endpoint)` takes GET and HEAD, `methods=["POST"]` others.
    *hint* ends the text of a 404.
    """

    def __init__(self, routes: Sequence[Route], hint: str = "") -> None:
        self._routes = routes
        self._hint = hint

    def match(self, scope: Scope) -> Callable[..., Any]:
        """Return the endpoint and put the path parameters into *scope*; Problem 404, or 405 with Allow."""
        for route in self._routes_of(scope):
            match, found = route.matches(scope)
            if match is Match.FULL:
                scope["path_params"] = found["path_params"]
                return found["endpoint"]
        allowed = self.allowed(scope)
        detail = f"{scope['method']} is not allowed here. Allowed: {allowed}."
        raise Problem(405, "method-not-allowed", "Method not allowed", detail, headers={"Allow": allowed})

    def allowed(self, scope: Scope) -> str:
        """Return the methods of the request's path, as Allow lists them; Problem 404."""
        methods = {method for route in self._routes_of(scope) for method in route.methods or ()}
        return ", ".join(sorted(methods | {"OPTIONS"}))

    def _routes_of(self, scope: Scope) -> list[Route]:
        """Return the routes of the first matching path; a fixed path precedes those with parameters."""
        found = next((route for route in self._routes if route.matches(scope)[0] is not Match.NONE), None)
        if found is None:
            raise Problem(404, "not-found", "Not found", f"There is nothing at this path. {self._hint}".rstrip())
        return [route for route in self._routes if route.path == found.path]


def handle_problems(handler: Handler) -> Handler:
    """Return *handler* with its errors as problem+json, and the request's id and trace in the response and the log.

    Any error that is not a Problem becomes a 500 without its text: the broker of an event then retries.
    """

    @wraps(handler)
    async def respond(request: Request) -> Response:
        # Each request runs in its own task, so these need no reset.
        log.REQUEST_ID.set(request_id(request))
        log.TRACEPARENT.set(request.headers.get("traceparent"))
        path = request.url.path
        try:
            response = await handler(request)
        except Problem as problem:
            response = problem.response(path)
        except UnavailableError:
            response = database_unavailable().response(path)
        except MemoryError:
            _logger.error("%s %s failed: MemoryError", request.method, path)
            detail = "This copy of the service has no memory left. Try again in 5 s."
            response = Problem(503, "busy", "Busy", detail, headers={"Retry-After": "5"}).response(path)
        except Exception:
            _logger.exception("%s %s failed", request.method, path)
            detail = "This is an error of the service, not of the request. It is logged under the request id."
            response = Problem(500, "internal-error", "Internal error", detail).response(path)
        response.raw_headers += request.scope.get(_HEADERS, ())
        response.headers["X-Request-ID"] = log.REQUEST_ID.get() or ""
        return response

    return respond


def public_endpoint(router: Router, authenticator: Authenticates, *, ignore_token: Collection[str] = ()) -> Handler:
    """Return the handler of a public function: the endpoints of *router* are called with the request and its caller.

    At the paths *ignore_token*, where a client gets its token, the header Authorization is ignored.
    """

    async def respond(request: Request) -> Response:
        headers, repeated = dict(request.scope["headers"]), _repeated_headers(request.scope)
        if repeated or request.scope["path"] in ignore_token:
            headers.pop(b"authorization", None)
        caller, request.scope[_HEADERS] = await authenticator.authenticate(request.scope, headers)
        if repeated:
            raise bad_parameters(repeated)
        if request.method == "OPTIONS":
            return Response(None, 204, {"Allow": router.allowed(request.scope)})
        response = await router.match(request.scope)(request, caller)
        if _BY_LINK in request.scope:
            response.headers.update(_NOT_KEPT)
        return response

    return handle_problems(respond)


def limited_endpoint(handler: Handler, limiter: Limits) -> Handler:
    """Return *handler* for a public function without accounts: *limiter* counts requests by client address."""

    async def respond(request: Request) -> Response:
        request.scope[_HEADERS] = await limiter.acquire(request)
        if repeated := _repeated_headers(request.scope):
            raise bad_parameters(repeated)
        return await handler(request)

    return handle_problems(respond)


def _repeated_headers(scope: Scope) -> list[tuple[str, str]]:
    """Return the faults of repeated headers: two readers could use different values."""
    names = [name for name, _ in scope["headers"]]
    repeated = (name.decode() for name in _SINGLE_HEADERS if names.count(name) > 1)
    return [(name, "is given more than once, as a header") for name in repeated]


async def framework_error(request: Request, error: Exception) -> Response:
    """Return the problem for a request that the framework itself refuses: TRACE, a line break in a path."""
    status = getattr(error, "status_code", 404)
    kind, title = ("method-not-allowed", "Method not allowed") if status == 405 else ("not-found", "Not found")
    detail = f"{request.method} is not allowed here." if status == 405 else "There is nothing at this path."
    headers = dict(getattr(error, "headers", None) or {})
    response = Problem(status, kind, title, detail, headers=headers).response(request.url.path)
    response.headers["X-Request-ID"] = request_id(request)
    return response


def request_id(request: Request) -> str:
    """Return the X-Request-ID of the request if it is well formed, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
