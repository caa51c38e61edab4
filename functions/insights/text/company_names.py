"""Company names for sentences. A name is data of others: one that is not a few plain words is not shown."""

import re
from collections.abc import Mapping

_ENDINGS = re.compile(
    r"(?:,?\s+(?:Inc|Incorporated|Corp|Corporation|Company|Co|Ltd|Limited|plc|PLC|Holdings|Group|International"
    r"|Class [A-C]|and Company|& Co|& Company)\.?)+$"
)
_WORD = r"[A-Z][A-Za-z'.-]*|&|of|and"
_PLAIN = re.compile(rf"(?=.{{2,32}}$)(?:{_WORD})(?: (?:{_WORD})){{0,3}}")


def short_name(ticker: str, name: str) -> str:
    """Return *name* as people say it, without its legal form; the ticker for one that is not a few plain words.

    No digit, no sentence and no mark-up can pass: a figure in a text is always a fact's.
    """
    short = _ENDINGS.sub("", name.strip()).removeprefix("The ").removesuffix(".com").strip()
    return short if _PLAIN.fullmatch(short) else ticker


def short_names(names: Mapping[str, str]) -> dict[str, str]:
    """Return the short names by ticker; companies that would be called the same keep their tickers."""
    short = {ticker: short_name(ticker, name) for ticker, name in names.items()}
    called = list(short.values())
    return {ticker: name if called.count(name) == 1 else ticker for ticker, name in short.items()}
