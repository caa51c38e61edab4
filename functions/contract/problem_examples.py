"""Examples of errors as they are sent, for the OpenAPI document: one for each status."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from functions.contract.problems import PROBLEMS, TYPE_PREFIX


class Example(NamedTuple):
    """Title, detail and path of an error as it was sent, with its further members."""

    title: str
    detail: str
    instance: str
    more: Mapping[str, Any] = {}


_LIMIT = "should be a whole number from 1 to 5000"
EXAMPLES: Mapping[str, Example] = {
    "renamed-ticker": Example("Renamed ticker", "FB is META now.", "/latest/FB"),
    "bad-parameter": Example(
        "Bad parameter", f"limit {_LIMIT}", "/ohlc/AAPL", {"errors": [{"parameter": "limit", "detail": _LIMIT}]}
    ),
    "token-needed": Example(
        "Token required",
        "Listing rejected bars requires a token. Register at /users/register and log in at /token.",
        "/rejections",
    ),
    "invalid-link": Example(
        "Invalid link",
        "The link is not valid for this path: it was revoked, has expired, or belongs to another path or other "
        "parameters. GET /links lists those of the account.",
        "/latest",
    ),
    "not-found": Example("Not found", "There is nothing at this path. / lists what there is.", "/nothing"),
    "method-not-allowed": Example(
        "Method not allowed",
        "POST is not allowed here. Allowed: GET, HEAD, OPTIONS.",
        "/latest",
    ),
    "format-unavailable": Example(
        "Format unavailable",
        "This installation has no Arrow (its dependency group arrow was left out): ask for json, csv or ndjson.",
        "/ohlc/AAPL",
    ),
    "too-slow": Example("Too slow", "The body did not arrive within 10 s.", "/users/register"),
    "account-exists": Example("Account exists", "The email address or the user name is taken.", "/users/register"),
    "too-large": Example("Too large", "The body should have at most 16384 bytes.", "/users/register"),
    "query-too-long": Example("Query too long", "A query has at most 8000 bytes.", "/latest"),
    "unsupported-media-type": Example(
        "Unsupported media type",
        "Send a form: application/x-www-form-urlencoded.",
        "/users/register",
    ),
    "range-not-satisfiable": Example(
        "Range not satisfiable",
        "bars-2026-11.parquet has 180224 bytes.",
        "/files/bars-2026-11.parquet",
    ),
    "too-many-requests": Example(
        "Too many requests",
        "The limit is 300 requests a minute. Try again in 41 s.",
        "/ohlc/AAPL",
        {"violated-policies": ["default"]},
    ),
    "internal-error": Example(
        "Internal error",
        "This is an error of the service, not of the request. It is logged under the request id.",
        "/ohlc/AAPL",
    ),
    "database-unavailable": Example(
        "Data unavailable",
        "The database does not answer. Try again in a few seconds.",
        "/ohlc/AAPL",
    ),
}


def example_of(status: int) -> dict[str, Any]:
    """Return the body of an error with *status*, of its first type."""
    kind = next(iter(PROBLEMS[status][1]))
    title, detail, instance, more = EXAMPLES[kind]
    body = {"type": f"{TYPE_PREFIX}{kind}", "title": title, "status": status, "detail": detail}
    return {**body, **more, "instance": instance}
