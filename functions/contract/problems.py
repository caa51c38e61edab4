"""Problem model and the table of all problem types (RFC 9457)."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from functions.contract.fields import Model, Reason

TYPE_PREFIX = "https://stocksalot.tech/problems/"


class InvalidParameter(Model):
    """An invalid parameter or field."""

    parameter: Annotated[str, Field(examples=["limit"])]
    detail: Annotated[str, Field(examples=["should be a whole number from 1 to 5000"])]


class Problem(BaseModel):
    """An error (RFC 9457): its cause, and how to correct it."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: Annotated[
        str,
        Field(
            pattern=rf"^({TYPE_PREFIX}[a-z-]+|about:blank)$".replace(".", r"\."),
            description="Stable identifier of the error. about:blank: the gateway sent this response",
            examples=[f"{TYPE_PREFIX}bad-parameter"],
        ),
    ]
    title: Annotated[str, Field(examples=["Bad parameter"])]
    status: Annotated[int, Field(ge=300, le=599, examples=[400])]
    detail: Annotated[str, Field(examples=["limit should be a whole number from 1 to 5000"])]
    instance: Annotated[str, Field(description="Path of the request", examples=["/ohlc/AAPL"])] = ""
    reason: Reason = None
    errors: Annotated[list[InvalidParameter], Field(description="Each invalid parameter or field of a 400")] = []


PROBLEMS: Mapping[int, tuple[str, Mapping[str, str]]] = {
    301: ("Moved permanently", {"renamed-ticker": "the ticker has a new name: Location has its path"}),
    400: (
        "Bad request",
        {
            "bad-parameter": "a parameter, field or header is invalid, unknown or repeated; errors names each",
            "incomplete": "the connection closed before the end of the body",
        },
    ),
    401: (
        "Token required or invalid",
        {
            "token-needed": "this request requires a token",
            "invalid-token": "the token is malformed, expired or revoked",
            "wrong-credentials": "unknown account or wrong password",
        },
    ),
    403: (
        "Forbidden",
        {
            "invalid-link": "the link was revoked, has expired, or belongs to other parameters",
            "insufficient-scope": "the token lacks the scope",
            "wrong-password": "the current password is wrong",
            "username-refused": "this user name is reserved",
            "registration-closed": "this installation takes no registrations",
            "invite-needed": "registration needs an invite code of this installation",
        },
    ),
    404: (
        "Not found",
        {
            "not-found": "no such path",
            "unknown-ticker": "no such ticker",
            "no-bar": "no bar of the ticker has been fetched yet",
            "unknown-token": "the account has no such token",
            "unknown-link": "the account has no such link",
            "unknown-list": "the account has no such list",
            "empty-list": "the list has no tickers yet",
            "unknown-alert": "the account has no such alert",
            "unknown-channel": "the account has no such channel of alerts",
        },
    ),
    405: ("Method not allowed", {"method-not-allowed": "Allow lists the methods"}),
    406: ("Format unavailable", {"format-unavailable": "this installation lacks the format"}),
    408: ("Request timeout", {"too-slow": "the body did not arrive within ten seconds"}),
    409: (
        "Conflict",
        {
            "account-exists": "the email address or user name is taken",
            "too-many-tokens": "the account has the maximum number of tokens",
            "too-many-links": "the account has the maximum number of links",
            "too-many-lists": "the account has the maximum number of lists",
            "name-taken": "the account has a list of this name; Location is its address",
            "list-full": "the list would have more than 100 tickers; nothing was added",
            "list-changed": "the list has other tickers by now; load it again",
            "too-many-alerts": "the account has the maximum number of alerts",
            "channel-kind-unavailable": "this installation has no such channels; detail says what its operator can do",
            "too-many-channels": "the account has the maximum number of channels",
        },
    ),
    413: ("Content too large", {"too-large": "the body is too large"}),
    414: ("Query too long", {"query-too-long": "the query string exceeds 8,000 bytes"}),
    415: ("Unsupported media type", {"unsupported-media-type": "the body has another Content-Type than required"}),
    416: (
        "Range not satisfiable",
        {"range-not-satisfiable": "the file ends before the range; Content-Range has its size"},
    ),
    429: (
        "Too many requests",
        {
            "too-many-requests": "the rate limit is used up; see Retry-After and RateLimit",
            "too-many-attempts": "too many attempts at this action; see Retry-After",
        },
    ),
    500: ("Internal error", {"internal-error": "a fault of the service; it is logged under the X-Request-ID"}),
    503: (
        "Unavailable",
        {
            "database-unavailable": "the database is unavailable and no copy is cached; see Retry-After",
            "token-unverifiable": "the token cannot be checked at the moment; see Retry-After",
            "busy": "the service is overloaded; see Retry-After",
        },
    ),
}
"""Title of each error status, and its problem types with their meanings."""
