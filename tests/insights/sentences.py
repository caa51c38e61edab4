"""Sentences for tests of the grammar: true ones of an hour, false ones by kind, and random ones of allowed words."""

import random
import re
from collections.abc import Iterator

from functions.insights.facts.registry import FactTable
from functions.insights.generation.candidates import candidates
from functions.insights.text.grammar import frames_of, instances, vocabulary
from functions.insights.text.parser import normalize

_PLACE = re.compile(r"<([A-Z.]+|market)\.([a-z_]+)(?:\.([a-z0-9_]+))?(?:\.(up|down))?>")


_TRUE: dict[int, tuple[FactTable, frozenset[str]]] = {}


def true_sentences(facts: FactTable) -> frozenset[str]:
    """Return every sentence that the frames make of *facts*, as the parser normalizes it."""
    if id(facts) not in _TRUE:
        texts = (
            normalize(text)
            for one in candidates(facts)
            for frame in frames_of(one.story)
            if frame.allows(list(one.cast.values()))
            for text in instances(frame, one.cast, one.subject)
        )
        _TRUE[id(facts)] = facts, frozenset(texts)
    return _TRUE[id(facts)][1]


def is_true(text: str, facts: FactTable) -> bool:
    """Return whether *text* is a sentence of the frames, or several of them joined."""
    known = true_sentences(facts)
    plain = normalize(text)
    if plain in known:
        return True
    return any(
        plain[: joint.start()] in known and is_true(plain[joint.end() :], facts)
        for joint in re.finditer(r",? (?:while|and) |; ", plain)
    )


def with_ids(text: str, facts: FactTable) -> str:
    """Return *text* with slots of facts for places such as `<AAPL.change.previous_close>`."""

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
    """Yield *count* sentences by chance: of allowed words and slots, and true ones with words or slots exchanged."""
    chance = random.Random(seed)
    pieces = _Pieces(facts, chance)
    truths = sorted(true_sentences(facts))
    for number in range(count):
        match number % 4:
            case 0:
                names = [chance.choice(pieces.names), *(pieces.any() for _ in range(chance.randrange(2, 12)))]
                yield " ".join(names)
            case 1:
                yield _exchange_slots(chance.choice(truths), pieces, chance)
            case _:
                yield _edit(chance.choice(truths), truths, pieces, chance)


class _Pieces:
    """Words, phrases and slots to choose from."""

    def __init__(self, facts: FactTable, chance: random.Random) -> None:
        self._chance = chance
        self._words = sorted(vocabulary())
        self._figures = [f"{{{name}}}" for name in facts]
        self.names = sorted({f"{{{fact.ticker}}}" for fact in facts.values() if fact.ticker})
        self._industries = [f"{{{name}.industry}}" for name, fact in facts.items() if fact.industry]

    def any(self) -> str:
        """Return a word, a phrase or a slot."""
        kinds = (self._words, _PHRASES, self._figures, self.names)
        return self._chance.choice(self._chance.choices(kinds, (6, 1, 2, 1))[0])

    def like(self, slot: str) -> str:
        """Return a slot of the kind of *slot*."""
        if slot in self.names:
            return self._chance.choice(self.names)
        return self._chance.choice(self._industries if slot.endswith(".industry}") else self._figures)


_PHRASES = ["since the previous close", "since the open", "from the open", "in the last hour", "on average", ", and"]


def _exchange_slots(text: str, pieces: _Pieces, chance: random.Random) -> str:
    """Return *text* with one to three slots replaced, or all of them in another order."""
    parts = re.split(r"(\{[^{}]*\})", text)
    slots = range(1, len(parts), 2)
    if chance.random() < 0.3:
        shuffled = chance.sample([parts[place] for place in slots], len(slots))
        for place, slot in zip(slots, shuffled, strict=True):
            parts[place] = slot
    else:
        for place in chance.sample(slots, min(chance.randrange(1, 4), len(slots))):
            parts[place] = pieces.like(parts[place])
    return "".join(parts)


def _edit(text: str, truths: list[str], pieces: _Pieces, chance: random.Random) -> str:
    """Return *text* with one to three words added, lost or replaced, or another sentence glued to it."""
    parts = text.split(" ")
    for _ in range(chance.randrange(1, 4)):
        place = chance.randrange(len(parts))
        match chance.randrange(4):
            case 0:
                parts[place] = pieces.any()
            case 1:
                parts.insert(place, pieces.any())
            case 2 if len(parts) > 1:
                del parts[place]
            case _:
                parts += [chance.choice(["while", "and", "but", "as"]), *chance.choice(truths).split(" ")]
    return " ".join(parts)
