"""A checked template becomes a sentence: its slots are filled with the facts' words and the companies' names."""

from collections.abc import Mapping

from functions.insights.table import Facts
from functions.insights.wording import SLOT, plain


def fill_names(template: str, facts: Facts, names: Mapping[str, str]) -> str:
    """Return *template* with the companies' names in place and a slot left for each figure."""
    text = SLOT.sub(lambda match: match[0] if match[1] in facts else names[match[1]], plain(template))
    text = " ".join(text.split())
    return text[:1].upper() + text[1:]


def render(template: str, facts: Facts, names: Mapping[str, str]) -> str:
    """Return the sentence of *template*; KeyError for a slot that is not there, which a check has excluded."""
    text = SLOT.sub(lambda match: facts[match[1]].text, fill_names(template, facts, names))
    return text[:1].upper() + text[1:]
