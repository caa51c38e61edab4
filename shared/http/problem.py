"""Errors as RFC 9457 problem+json, made in one place for every function."""

import json
from collections.abc import Mapping, Sequence

from starlette.responses import Response


class Problem(Exception):  # noqa: N818  RFC 9457 calls it a problem
    """An error response: its text names the fault and the change to make.

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
    """Return the 400 for *errors*: each a parameter or field ("" for all of them) and the change to make."""
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
