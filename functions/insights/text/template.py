"""Templates: a sentence with slots becomes text when the slots are filled with facts and names."""

import re
from collections.abc import Mapping

from functions.insights.facts.registry import FactTable

_SLOT = re.compile(r"\{([^{}]*)\}")
_FACT = re.compile(r"\{(f[0-9]+)\}")


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
