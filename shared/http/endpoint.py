"""What every function that answers people does around its own work: the gate, problems, origins, ids of requests."""

from collections.abc import Awaitable, Callable, Collection

from starlette.requests import Request
from starlette.responses import Response

from shared.auth.authenticator import Authenticator
from shared.auth.caller import Caller
from shared.http.cors import Cors, preflight
from shared.http.problem import Handler, handle_problems

_LINES = "stocksalot.ratelimit"


def endpoint(
    gate: Authenticator,
    cors: Cors,
    methods: Callable[[str], str],
    work: Callable[[Request, Caller], Awaitable[Response]],
    *,
    without_token: Collection[str] = (),
) -> Handler:
    """Return the handler that lets *work* answer whom *gate* admits; *methods* names those that a path has.

    At the paths *without_token* a header Authorization counts for nothing: who has no good token gets one there.
    """

    async def admitted(request: Request) -> Response:
        if request.method == "OPTIONS":
            return preflight(methods(request.scope["path"]))
        nameless = request.scope["path"] in without_token
        return await work(request, await authenticate(gate, request, nameless=nameless))

    handled = handle_problems(admitted)

    async def handler(request: Request) -> Response:
        return add_headers(await handled(request), request, cors)

    return handler


async def authenticate(gate: Authenticator, request: Request, *, nameless: bool = False) -> Caller:
    """Return the caller and count the request; Problem 401, 429 or 503. `add_headers` adds its rate limit headers."""
    headers = dict(request.scope["headers"])
    if nameless:
        headers.pop(b"authorization", None)
    caller, request.scope[_LINES] = await gate.authenticate(request.scope, headers)
    return caller


def add_headers(response: Response, request: Request, cors: Cors) -> Response:
    """Return *response* with the header lines on limits and origins, whoever has made it."""
    response.raw_headers += request.scope.get(_LINES, ())
    if cors:
        origin = request.headers.get("origin")
        response.raw_headers += cors.lines(origin.encode("latin-1") if origin else None)
    return response
