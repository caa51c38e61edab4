"""Prompts: one note for each chosen story, and after a refusal its violations. No company's name is ever in them."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from functions.insights.facts.registry import FactTable
from functions.insights.generation.candidates import Candidate
from functions.insights.generation.editor import Choice
from functions.insights.text.parser import LONGEST, Violation
from functions.insights.text.template import fact_ids

INSTRUCTIONS = """You edit short market reports. For each note write one sentence in English that states its figures.
Copy the slots in braces exactly, such as {f12} and {AAPL}: they stand for figures and names. Write no digits.
Keep the meaning of the examples: their words of direction, size and basis. Add no reason, opinion, time or other word.
Answer in JSON, one sentence for each note by its number: {"1": "...", "2": "..."}"""
_EXAMPLES = 2
_CHOICES = 6
_CHARACTERS_A_TOKEN = 3.2
"""Fewer than common tokenizers make of such text, so that the estimate is high rather than low."""


def facts_prompt(choices: Sequence[Choice], facts: FactTable) -> str:
    """Return the notes: the figures of each story and two sentences that state them."""
    return "\n".join(line for number, choice in enumerate(choices, 1) for line in _note(number, choice, facts))


def repair_prompt(wrong: Mapping[int, Sequence[Violation]], choices: Sequence[Choice]) -> str:
    """Return the violations of the sentence of each note, and the sentences to choose from instead."""
    lines = ["Some sentences were refused. Answer for these notes again, each with one of the sentences listed for it."]
    for number, violations in wrong.items():
        reasons = "; ".join(violation.detail for violation in violations[:3]) or "is missing"
        lines.append(f"{number}. Your sentence {reasons}.")
        lines += [f"- {text}" for text in wordings(choices[number - 1].candidate)[:3]]
    return "\n".join(lines)


def choice_prompt(numbers: Sequence[int], choices: Sequence[Choice]) -> str:
    """Return the sentences to choose from for each note, for a model whose own sentences do not pass."""
    lines = ["Answer for each note with one of the sentences listed for it, copied exactly."]
    for number in numbers:
        lines += [f"Note {number}:", *(f"- {text}" for text in wordings(choices[number - 1].candidate)[:3])]
    return "\n".join(lines)


def wordings(candidate: Candidate) -> list[str]:
    """Return sentences that state *candidate*, one a frame."""
    count = min(len(candidate.frames), _CHOICES)
    return list(dict.fromkeys(candidate.template(number, "") for number in range(count)))


def schema_of(numbers: Sequence[int], choices: Sequence[Choice], *, choose: bool) -> dict[str, Any]:
    """Return the JSON schema of an answer: one sentence for each of *numbers*, from a list where they *choose*."""
    properties: dict[str, Any] = {}
    for number in numbers:
        options = wordings(choices[number - 1].candidate)
        free = {"type": "string", "minLength": 20, "maxLength": LONGEST}
        properties[str(number)] = {"type": "string", "enum": options} if choose else free
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def estimate_tokens(*texts: str) -> int:
    """Return about how many tokens *texts* are for a model, rather too many than too few."""
    return int(sum(map(len, texts)) / _CHARACTERS_A_TOKEN) + 1


def _note(number: int, choice: Choice, facts: FactTable) -> list[str]:
    others = [text for text in wordings(choice.candidate) if text != choice.template]
    examples = [choice.template, *islice(others, _EXAMPLES - 1)]
    ids = dict.fromkeys(name for text in examples for name in fact_ids(text))
    figures = ", ".join(f"{{{name}}} = {facts[name].text}" for name in ids)
    return [f"Note {number}: {figures}", *(f"- {example}" for example in examples)]
