"""Templates and names: a sentence with slots becomes text when they are filled with figures and short company names.

A company's name is data of others: one that is not a few plain words is not shown.
"""

import re
from collections.abc import Mapping

from functions.insights.facts.registry import FactTable

_SLOT = re.compile(r"\{([^{}]*)\}")
_FACT = re.compile(r"\{(f[0-9]+)\}")
_ENDINGS = re.compile(
    r"(?:,?\s+(?:Inc|Incorporated|Corp|Corporation|Company|Co|Ltd|Limited|plc|PLC|Holdings|Group|International"
    r"|Class [A-C]|and Company|& Co|& Company)\.?)+$"
)
_WORD = r"[A-Z][A-Za-z'.-]*|&|of|and"
_PLAIN = re.compile(rf"(?=.{{2,32}}$)(?:{_WORD})(?: (?:{_WORD})){{0,3}}")


def fact_ids(template: str) -> list[str]:
    """Return the ids of the facts whose figures are in *template*, in order."""
    return _FACT.findall(template)


def fill_names(template: str, facts: FactTable, names: Mapping[str, str]) -> str:
    """Return *template* with companies and industries named and a slot left for each figure."""

    def fill(match: re.Match[str]) -> str:
        slot = match[1]
        if slot in facts:
            return match[0]
        if slot.endswith(".industry"):
            return facts[slot.removesuffix(".industry")].industry or ""
        return names[slot]

    text = " ".join(_SLOT.sub(fill, template).split())
    return text[:1].upper() + text[1:]


def render(template: str, facts: FactTable, names: Mapping[str, str]) -> str:
    """Return the sentence of *template*; KeyError for an unknown slot, which the parser has excluded."""
    text = _SLOT.sub(lambda match: facts[match[1]].text, fill_names(template, facts, names))
    return text[:1].upper() + text[1:]


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
