"""Errors as RFC 9457 problem+json, made in one place for every function."""

import json
import logging
import re
import uuid
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps

from starlette.requests import Request
from starlette.responses import Response

from shared.runtime import log

_logger = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")

Handler = Callable[[Request], Coroutine[None, None, Response]]


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """An answer that says what went wrong and what to change.

    *kind* is the stable last part of the type URI; *members* are extension members of the JSON object.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        title: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **members: object,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = dict(headers or {})
        self.body = {
            "type": f"https://stocksalot.tech/problems/{kind}",
            "title": title,
            "status": status,
            "detail": detail,
            **members,
        }

    def response(self, instance: str) -> Response:
        """Return this problem as the answer to the request for *instance* (a path)."""
        return Response(
            json.dumps(self.body | {"instance": instance}),
            self.status,
            {"Cache-Control": "no-store"} | self.headers,
            "application/problem+json",
        )


async def framework_error(request: Request, error: Exception) -> Response:
    """Return the problem for what the framework refuses before a function sees it: TRACE, a line break in a path."""
    status = getattr(error, "status_code", 404)
    kind, title = ("method-not-allowed", "Method not allowed") if status == 405 else ("not-found", "Not found")
    what = f"{request.method} is not possible here." if status == 405 else "There is nothing at this path."
    headers = dict(getattr(error, "headers", None) or {})
    response = Problem(status, kind, title, what, headers=headers).response(request.url.path)
    response.headers["X-Request-ID"] = _request_id(request)
    return response


def bad_parameters(faults: Sequence[tuple[str, str]]) -> Problem:
    """Return the 400 for *faults*, each a parameter or field ("" for the whole) and what to change about it."""
    return Problem(
        400,
        "bad-parameter",
        "Bad parameter",
        "; ".join(f"{name} {what}".strip() for name, what in faults),
        errors=[{"parameter": name, "detail": what} for name, what in faults],
    )


def handle_problems(handler: Handler) -> Handler:
    """Turn what *handler* raises into problem+json, and carry the request's id and trace to the answer and the log.

    An error that is no Problem is answered 500 without a word of its text: to an event's broker that means "try again".
    """

    @wraps(handler)
    async def answer(request: Request) -> Response:
        request_id = _request_id(request)
        with log.context(request.headers.get("traceparent"), request_id):
            try:
                response = await handler(request)
            except Problem as problem:
                response = problem.response(request.url.path)
            except Exception:
                _logger.exception("%s %s failed", request.method, request.url.path)
                response = Problem(
                    500,
                    "internal-error",
                    "Internal error",
                    "This is a fault of the service, not of the request. It is logged under the request id.",
                ).response(request.url.path)
        response.headers["X-Request-ID"] = request_id
        return response

    return answer


def _request_id(request: Request) -> str:
    """Return the id that the request came with if it is one, else a new one."""
    asked = request.headers.get("x-request-id", "")
    return asked if _REQUEST_ID.fullmatch(asked) else str(uuid.uuid4())
