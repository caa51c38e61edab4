"""Tickers in requests: validation, renames, and problems for unknown ones."""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from shared.http.problem import Problem

if TYPE_CHECKING:
    from psycopg import AsyncConnection

RENAMED: Mapping[str, str] = {"FB": "META"}
"""Tickers that the exchange renamed before this history begins, with their current names."""
PATTERN = r"[A-Za-z][A-Za-z0-9./-]{0,14}"
_TICKER = re.compile(PATTERN)
_REDIRECT_MAX_AGE = 24 * 3600
_LONGEST = 15
MAX_TICKERS = 100
"""Most tickers in a query or in a list of an account, which a query can name."""
_MAX_NAMES = 3
"""Maximum number of names with suggestions, as each is compared with every known ticker."""


def parse_ticker(text: str) -> str:
    """Return *text* in capitals; ValueError unless it has the form of a ticker."""
    if not _TICKER.fullmatch(text):
        raise ValueError("should be a ticker such as AAPL or BRK.A")
    return text.upper()


def normalize_separators(name: str) -> str:
    """Return *name* with dots as separators: BRK.B for BRK-B and BRK/B."""
    return name.replace("-", ".").replace("/", ".")


def resolve(name: str, renames: Mapping[str, str | None]) -> str | None:
    """Return the current ticker for *name*, None for an unknown one.

    *renames* has every known ticker, with the new name of each one that was renamed and is no longer tracked.
    """
    known = next((one for one in (name, normalize_separators(name), RENAMED.get(name, name)) if one in renames), None)
    passed: set[str] = set()
    while known and known not in passed and (new := renames[known]) in renames:
        passed.add(known)
        known = new
    return known


async def select_renames(connection: "AsyncConnection") -> dict[str, str | None]:
    """Return every known ticker, with the new name of each one that was renamed and is no longer tracked."""
    cursor = await connection.execute("SELECT ticker, CASE WHEN NOT active THEN renamed_to END FROM tickers")
    return dict(await cursor.fetchall())


def find_similar(name: str, known: Iterable[str]) -> list[str]:
    """Return up to two *known* tickers with a similar spelling."""
    from difflib import get_close_matches  # few requests need it

    return get_close_matches(name[:_LONGEST], list(known), 2, 0.6)


def unknown_ticker(*names: str, known: Iterable[str] = ()) -> Problem:
    """Return the 404 for unknown tickers, with *known* ones that are spelled similarly."""
    near = dict.fromkeys(one for name in names[:_MAX_NAMES] for one in find_similar(name, known))
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    detail = f"Unknown: {', '.join(names)}. {hint}See /tickers for the tickers tracked here."
    return Problem(404, "unknown-ticker", "Unknown ticker", detail)


def renamed_ticker(old: str, new: str, query: str) -> Problem:
    """Return the 301 from the path of *old* to that of *new* with the same *query*; caches may store it."""
    location = "../" * old.count("/") + (f"{new}?{query}" if query else new)
    headers = {"Location": location, "Cache-Control": f"public, max-age={_REDIRECT_MAX_AGE}"}
    return Problem(301, "renamed-ticker", "Renamed ticker", f"{old} is {new} now.", headers=headers)
