"""Sentences for tests of the grammar: true ones of an hour, false ones by kind, and random ones of allowed words."""

import random
import re
from collections.abc import Iterator
from functools import cache

from functions.insights.facts.registry import FactTable
from functions.insights.generation.candidates import candidates
from functions.insights.text.grammar import vocabulary
from functions.insights.text.parser import normalize

_PLACE = re.compile(r"<([A-Z.]+|market)\.([a-z_]+)(?:\.([a-z0-9_]+))?(?:\.(up|down))?>")


@cache
def _true_sentences(table_id: int) -> frozenset[str]:
    facts = _TABLES[table_id]
    return frozenset(normalize(text) for one in candidates(facts) for text in one.templates())


_TABLES: dict[int, FactTable] = {}


def true_sentences(facts: FactTable) -> frozenset[str]:
    """Every sentence that the frames make of *facts*, as the parser normalizes it."""
    _TABLES[id(facts)] = facts
    return _true_sentences(id(facts))


def is_true(text: str, facts: FactTable) -> bool:
    """Whether *text* is a sentence of the frames, or several of them joined."""
    known = true_sentences(facts)
    plain = normalize(text)
    if plain in known:
        return True
    return any(
        plain[: joint.start()] in known and is_true(plain[joint.end() :], facts)
        for joint in re.finditer(r",? (?:while|and) |; ", plain)
    )


def with_ids(text: str, facts: FactTable) -> str:
    """*text* with places such as `<AAPL.change.previous_close>` as slots of facts."""

    def slot(match: re.Match[str]) -> str:
        owner, metric, basis, way = match.groups()
        if basis in ("up", "down"):
            basis, way = None, basis
        return next(
            f"{{{fact.id}}}"
            for fact in facts.values()
            if (fact.ticker or fact.industry or "market") == owner
            and fact.key == (metric, basis)
            and way in (None, fact.direction)
        )

    return _PLACE.sub(slot, text)


def random_sentences(facts: FactTable, count: int, seed: int = 1) -> Iterator[str]:
    """*count* sentences: words and slots by chance, and true sentences with a word or slot added, lost or changed."""
    chance = random.Random(seed)
    words = sorted(vocabulary())
    phrases = ["since the previous close", "since the open", "from the open", "in the last hour", "on average", ", and"]
    slots = [f"{{{name}}}" for name in facts]
    names = sorted({f"{{{fact.ticker}}}" for fact in facts.values() if fact.ticker})
    truths = sorted(true_sentences(facts))

    def piece() -> str:
        return chance.choice(chance.choices((words, phrases, slots, names), (6, 1, 2, 1))[0])

    for number in range(count):
        if number % 4 == 0:
            yield " ".join([chance.choice(names), *(piece() for _ in range(chance.randrange(2, 12)))])
            continue
        parts = chance.choice(truths).split(" ")
        for _ in range(chance.randrange(1, 4)):
            place = chance.randrange(len(parts))
            match chance.randrange(4):
                case 0:
                    parts[place] = piece()
                case 1:
                    parts.insert(place, piece())
                case 2 if len(parts) > 1:
                    del parts[place]
                case _:
                    parts += [chance.choice(["while", "and", "but", "as"]), *chance.choice(truths).split(" ")]
        yield " ".join(parts)
