"""Errors as RFC 9457 problem+json, made in one place for every function."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """An error response that says what is wrong and what to change.

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
        """Return this problem as the response to the request for *instance* (a path)."""
        return Response(
            json.dumps(self.body | {"instance": instance}),
            self.status,
            {"Cache-Control": "no-store"} | self.headers,
            "application/problem+json",
        )


def bad_parameters(errors: Sequence[tuple[str, str]]) -> Problem:
    """Return the 400 for *errors*: each a parameter or field ("" for all of them) and what to change."""
    return Problem(
        400,
        "bad-parameter",
        "Bad parameter",
        "; ".join(f"{name} {what}".strip() for name, what in errors),
        errors=[{"parameter": name, "detail": what} for name, what in errors],
    )


def database_unavailable() -> Problem:
    """Return the 503 for a database that does not answer."""
    detail = "The database does not answer. Try again in a few seconds."
    return Problem(503, "database-unavailable", "Data unavailable", detail, headers={"Retry-After": "5"})


async def framework_error(request: Request, error: Exception) -> Response:
    """Return the problem for a request that the framework refuses itself: TRACE, a line break in a path."""
    status = getattr(error, "status_code", 404)
    kind, title = ("method-not-allowed", "Method not allowed") if status == 405 else ("not-found", "Not found")
    detail = f"{request.method} is not allowed here." if status == 405 else "There is nothing at this path."
    headers = dict(getattr(error, "headers", None) or {})
    response = Problem(status, kind, title, detail, headers=headers).response(request.url.path)
    response.headers["X-Request-ID"] = request_id(request)
    return response


def request_id(request: Request) -> str:
    """Return the request's own X-Request-ID where it is well formed, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
