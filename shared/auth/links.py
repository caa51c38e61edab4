"""Links: URLs with a secret that gives access to one path with its parameters, without a token."""

from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.types import Scope

from shared.auth.token_format import is_well_formed, new_token
from shared.auth.token_lookup import Principal

if TYPE_CHECKING:
    from psycopg import AsyncConnection

PARAMETER = "link"
USED = "stocksalot.link"
"""Member of the scope of a request by a link."""
PREFIX = "sal_link_"
MAX_BYTES = 2000
"""Maximum length of the path with its parameters."""
_MARK = f"{PARAMETER}=".encode()
_MAX_PARAMETERS = 50
_BETWEEN = b"\n"
"""No header can contain it, so that the key of a link can never be sent as a token."""
PATHS = frozenset(
    {
        "calendar", "coverage", "disagreements", "indicators", "insights", "latest", "market_movers", "movers", "ohlc",
        "overview", "rejections", "search", "splits", "status", "tickers",
    }
)  # fmt: skip
"""First segments of the paths that a link may give access to, all of them read-only."""


def new_secret() -> str:
    """Return a new secret: 190 random bits and a checksum, after a prefix that no token has."""
    return PREFIX + new_token().removeprefix("sal_")


def take_secret(scope: Scope) -> bytes | None:
    """Remove the secret from the query of *scope*, so that no handler and no log sees it, and return it.

    None without one; b"" for one that is repeated or malformed.
    """
    parts: list[bytes] = scope["query_string"].split(b"&")
    secrets = [part[len(_MARK) :] for part in parts if part.startswith(_MARK)]
    if not secrets:
        return None
    scope["query_string"] = b"&".join(part for part in parts if not part.startswith(_MARK))
    scope[USED] = True
    [secret] = secrets if len(secrets) == 1 else [b""]
    prefix = PREFIX.encode()
    return secret if secret.startswith(prefix) and is_well_formed(b"sal_" + secret[len(prefix) :]) else b""


def identify(secret: bytes, path: str, query: bytes) -> bytes | None:
    """Return the key to hash and look up: *secret* with *path* and *query*, in any order of the parameters.

    None for a query that no link can have.
    """
    try:
        pairs = parse_qsl(query.decode("ascii"), True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except ValueError:
        return None
    if len(path) + len(query) > MAX_BYTES:
        return None
    bound = f"{path}?{urlencode(sorted(pairs))}"
    return secret + _BETWEEN + sha256(bound.encode()).hexdigest().encode()


def is_link(key: bytes) -> bool:
    """Return whether *key* is a result of `identify`, not a token."""
    return _BETWEEN in key


def is_reading(path: str) -> bool:
    """Return whether a link may give access to *path*."""
    return path.startswith("/") and path[1:].partition("/")[0] in PATHS


async def select_link_principal(connection: "AsyncConnection", digest: str) -> Principal | None:
    """Return the principal of the valid link with this keyed hash: that of its token, read-only. None without one."""
    cursor = await connection.execute(
        """
        SELECT token.token_id::text,
               token.user_id::text,
               extract(epoch FROM least(link.expires_at, token.expires_at))::double precision
          FROM links AS link
          JOIN tokens AS token USING (token_id)
         WHERE link.hash = decode(%(digest)s, 'hex')
           AND link.expires_at > now()
           AND token.revoked_at IS NULL
           AND token.invalidated_at IS NULL
           AND token.expires_at > now()
        """,
        {"digest": digest},
    )
    row = await cursor.fetchone()
    return Principal(row[0], row[1], frozenset({"read"}), row[2]) if row else None
