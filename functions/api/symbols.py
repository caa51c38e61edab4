"""Spellings of tickers: BRK-B and BRK/B are BRK.B, a renamed ticker has a new name, a wrong one has similar ones."""

from collections.abc import Mapping

from shared.http.problem import Problem

RENAMED: Mapping[str, str] = {"FB": "META"}
"""Tickers that the exchange renamed before this history begins, with their names of today."""
_REDIRECT_MAX_AGE = 24 * 3600
_LONGEST = 15
_MAX_NAMES = 3
"""Names that get suggestions: each is compared with every known ticker."""


def resolve(name: str, renames: Mapping[str, str | None]) -> str | None:
    """Return the tracked ticker that *name* spells, None for none.

    *renames* has every ticker that is known, with its new name where it was renamed.
    """
    for spelling in (name, name.replace("-", ".").replace("/", ".")):
        if spelling in renames:
            return renames[spelling] or spelling
    new = RENAMED.get(name)
    return new if new in renames else None


def similar(name: str, known: Mapping[str, object]) -> list[str]:
    """Return up to two of the *known* tickers that are spelled like *name*."""
    from difflib import get_close_matches  # few requests need it

    return get_close_matches(name[:_LONGEST], known, 2, 0.6)


def unknown_ticker(*names: str, known: Mapping[str, object] | None = None) -> Problem:
    """Return the 404 for unknown tickers, with *known* ones that are spelled similarly."""
    near = dict.fromkeys(one for name in names[:_MAX_NAMES] for one in similar(name, known or {}))
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    detail = f"Unknown: {', '.join(names)}. {hint}See /tickers for the tickers tracked here."
    return Problem(404, "unknown-ticker", "Unknown ticker", detail)


def renamed_ticker(old: str, new: str, query: str) -> Problem:
    """Return the redirect from the path of *old* to that of *new*, which caches may keep."""
    location = f"{new}?{query}" if query else new
    headers = {"Location": location, "Cache-Control": f"public, max-age={_REDIRECT_MAX_AGE}"}
    return Problem(301, "renamed-ticker", "Renamed ticker", f"{old} is {new} now.", headers=headers)
