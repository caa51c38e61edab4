"""What a function promises to answer at one path: the seam between its contract.py and the one document of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
Form = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method at one path.

    *query* is the dataclass or model of the query string, *body* that of the request's body by media type; *answer* is
    the model of what is sent with *status*, None for no body. *others* are further media types of that answer, with
    what is to be said of each. *problems* are its error statuses beside those that every operation can have.
    """

    method: Literal["get", "post", "delete", "patch"]
    path: str
    group: str
    summary: str
    answer: type[BaseModel] | None
    description: str = ""
    status: int = 200
    query: type[Any] | None = None
    body: Mapping[str, type[Any]] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    path_examples: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    headers: tuple[str, ...] = ()
    access: Literal["open", "optional", "token"] = "optional"
    """Whether a bearer token is ignored, lifts limits, or is needed."""


PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("Bad request", "bad-parameter, not-json, ...: the request is wrong; each wrong parameter is named"),
    401: ("Token needed or not valid", "token-needed, invalid-token, wrong-credentials"),
    403: ("Not allowed", "insufficient-scope, wrong-password, and names that are not to be had"),
    404: ("Not there", "not-found, unknown-ticker, unknown-token"),
    405: ("Method not allowed", "method-not-allowed: see Allow"),
    406: ("Format unavailable", "format-unavailable: this installation does not have it"),
    408: ("Too slow", "too-slow: no whole request within ten seconds"),
    409: ("Taken", "What is to be made is there already"),
    413: ("Too large", "too-large"),
    414: ("Query too long", "query-too-long: more than 8,000 bytes"),
    415: ("Wrong media type", "unsupported-media-type"),
    429: ("Too many requests", "too-many-requests, too-many-attempts: see Retry-After and RateLimit"),
    500: ("Internal error", "internal-error: a fault of the service"),
    503: ("Unavailable", "database-unavailable, token-unverifiable: see Retry-After"),
}
"""The errors: what each status means, and the last parts of the `type` it comes with."""
ALWAYS = (400, 401, 405, 414, 429, 500, 503)
"""Error statuses that every operation can have."""
