"""Errors: what the API refused and what to change (RFC 9457), by kind."""

import json
from typing import Any

import httpx


class StocksALotError(Exception):
    """A request failed. *type* is the stable name of the problem, *errors* lists wrong parameters."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  its name in RFC 9457
        errors: list[dict[str, str]] | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.type = type
        self.errors = errors or []
        self.retry_after = retry_after
        self.request_id = request_id


class ConnectionFailedError(StocksALotError):
    """The server could not be reached."""


class BadRequestError(StocksALotError):
    """A parameter is wrong; *errors* says which and what to change."""


class ForbiddenError(StocksALotError):
    """A token is needed, is not valid, or lacks a scope."""


class NotFoundError(StocksALotError):
    """There is no such ticker, file or path."""


class TooManyRequestsError(StocksALotError):
    """The rate limit is used up for longer than the client waits; *retry_after* is in seconds."""


class UnavailableError(StocksALotError):
    """The server or its database is not available at the moment."""


_KINDS: dict[int, type[StocksALotError]] = {
    400: BadRequestError, 401: ForbiddenError, 403: ForbiddenError, 404: NotFoundError, 429: TooManyRequestsError,
}  # fmt: skip


def error_of(response: httpx.Response) -> StocksALotError:
    """Return the error that *response* describes."""
    try:
        problem: Any = json.loads(response.content)
    except ValueError:
        problem = {}
    if not isinstance(problem, dict):
        problem = {}
    kind = _KINDS.get(response.status_code, UnavailableError if response.status_code >= 500 else StocksALotError)
    name = str(problem.get("type", "")).rpartition("/")[2]
    return kind(
        str(problem.get("detail") or f"The server responded {response.status_code}."),
        status=response.status_code,
        type=name or None,
        errors=problem.get("errors"),
        retry_after=retry_after(response),
        request_id=response.headers.get("x-request-id"),
    )


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that *response* asks to wait."""
    text = response.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else None
