"""Review of a model's sentences: parse each, compare it with its facts, and assign it to a note."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from functions.insights.facts.registry import FactTable
from functions.insights.generation.answer import Proposal
from functions.insights.generation.candidates import Candidate
from functions.insights.generation.editor import Choice
from functions.insights.generation.result import Insight
from functions.insights.text.parser import Sentence, Violation, parse

_SLOT = re.compile(r"\{[^{}]*\}")


@dataclass
class Review:
    """Accepted insights by note, and why the sentences of other notes were refused."""

    accepted: dict[int, Insight] = field(default_factory=dict)
    refused: dict[int, list[Violation]] = field(default_factory=dict)


def review(proposals: Sequence[Proposal], choices: Sequence[Choice], facts: FactTable, wanted: Sequence[int]) -> Review:
    """Return the accepted sentences of *proposals* by *wanted* note, and the violations of the others."""
    found = Review()
    for place, proposal in enumerate(proposals, 1):
        number = proposal.note if proposal.note is not None else place
        offered = {fact.id: fact for choice in choices for fact in choice.candidate.cast.values()}
        mine = choices[number - 1].candidate if 1 <= number <= len(choices) else None
        sentence = parse(with_slots(proposal.text, mine), {**facts, **offered} if mine is None else facts)
        if isinstance(sentence, list):
            found.refused.setdefault(number, sentence)
            continue
        note = _note_of(sentence, choices, wanted, found.accepted)
        if note is None:
            found.refused.setdefault(number, [Violation("other-story", "states other facts than its note")])
            continue
        one = choices[note - 1].candidate
        found.accepted[note] = Insight(
            sentence.template, sentence.sentiment, sentence.tickers, "model", one.kind, one.story.name, one.significance
        )
    for number in wanted:
        if number not in found.accepted:
            found.refused.setdefault(number, [Violation("missing", "is missing")])
    found.refused = {number: why for number, why in found.refused.items() if number in wanted}
    found.refused = {number: why for number, why in found.refused.items() if number not in found.accepted}
    return found


def with_slots(text: str, candidate: Candidate | None) -> str:
    """Return *text* with the figures and tickers of the note in slots, where a model has written them out."""
    if candidate is None:
        return text
    written: Mapping[str, str] = {
        **{fact.text: f"{{{fact.id}}}" for fact in candidate.cast.values()},
        **{ticker: f"{{{ticker}}}" for ticker in candidate.tickers},
    }
    ambiguous = len({fact.text for fact in candidate.cast.values()}) < len(candidate.cast)
    for literal in sorted(written, key=len, reverse=True):
        if ambiguous and written[literal].startswith("{f"):
            continue
        pattern = rf"(?<![\w.{{$]){re.escape(literal)}(?![\w}}]|\.\d)"
        parts = re.split(r"(\{[^{}]*\})", text)
        text = "".join(part if _SLOT.fullmatch(part) else re.sub(pattern, written[literal], part) for part in parts)
    return text


def _note_of(
    sentence: Sentence, choices: Sequence[Choice], wanted: Sequence[int], taken: Mapping[int, Insight]
) -> int | None:
    """Return the note that *sentence* states: all its facts are the note's, and its lead is one of them."""
    stated = {fact.id for fact in sentence.facts if fact.metric != "period"}
    for number in wanted:
        cast = choices[number - 1].candidate
        ids = {fact.id for fact in cast.cast.values()}
        if number not in taken and stated <= ids and cast.lead.id in stated:
            return number
    return None
