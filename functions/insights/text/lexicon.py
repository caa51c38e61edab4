"""Lexicon: words that state a claim, each with the directions and sizes for which it is true."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from functions.insights.facts.fact import Direction, Fact

_INFINITE = Decimal("Infinity")


class Word(NamedTuple):
    """A word or phrase, true of figures with that direction (None: any) and a size in [at_least, below)."""

    text: str
    direction: Direction | None
    at_least: Decimal = Decimal()
    below: Decimal = _INFINITE

    def size_fits(self, fact: Fact) -> bool:
        """Return whether the word is neither too strong nor too weak for *fact*."""
        return self.at_least <= abs(fact.value) < self.below

    def is_true(self, fact: Fact) -> bool:
        """Return whether the word may stand for *fact*."""
        return self.direction in (None, fact.direction) and self.size_fits(fact)


LADDER: tuple[tuple[str, str, str, str], ...] = (
    ("0", "0.3", "edged up:edged up, ticked up:ticked up", "edged down:edged down, ticked down:ticked down"),
    ("0.3", "1", "rose:risen, added:added", "slipped:slipped, eased:eased, dipped:dipped"),
    ("1", "3", "gained:gained, climbed:climbed", "fell:fallen, dropped:dropped, declined:declined"),
    ("3", "8", "jumped:jumped, rallied:rallied", "slumped:slumped, tumbled:tumbled, slid:slid"),
    ("8", "Infinity", "soared:soared, surged:surged", "plunged:plunged, plummeted:plummeted"),
)
"""Verbs by size in percent: from, below, and the verbs up and down, each with its participle."""

_PACES: tuple[tuple[str, str, Direction, str], ...] = (
    ("0", "0.3", "down", "thin|very light"),
    ("0.3", "1", "down", "quiet|light"),
    ("1", "2.5", "up", "busy|brisk"),
    ("2.5", "5", "up", "heavy"),
    ("5", "Infinity", "up", "very heavy|exceptionally heavy"),
)
"""Adjectives of trading by its volume as a multiple of the usual: from, below, direction."""

_SIDES: Mapping[str, tuple[str, str]] = {
    "way": ("up", "down"),
    "side": ("higher", "lower"),
    "above": ("above", "below"),
    "ahead": ("ahead of", "behind"),
    "gain": ("gain|rise", "loss|fall|decline"),
    "gains": ("gains", "losses"),
    "rose": ("rose", "fell"),
    "stands": ("are up|are higher|have risen", "are down|are lower|have fallen"),
    "moved": ("rose|were up|traded higher", "fell|were down|traded lower"),
    "ended": ("closed higher|ended higher|finished higher", "closed lower|ended lower|finished lower"),
    "busier": ("busier", "quieter"),
    "gainers": ("gainers", "losers"),
    "strong": ("strongest", "weakest"),
    "led": ("led", "trailed"),
}
"""Word classes without sizes: the words for up, and for down."""


@cache
def words_of(name: str) -> tuple[Word, ...]:
    """Return the words of the class *name*; KeyError for an unknown class."""
    if name in ("verb", "part"):
        return tuple(_ladder(name))
    if name == "pace":
        return tuple(
            Word(text, direction, Decimal(at_least), Decimal(below))
            for at_least, below, direction, texts in _PACES
            for text in texts.split("|")
        )
    up, down = _SIDES[name]
    return (*(Word(text, "up") for text in up.split("|")), *(Word(text, "down") for text in down.split("|")))


def true_words(name: str, fact: Fact) -> list[str]:
    """Return the words of the class *name* that may stand for *fact*."""
    return [word.text for word in words_of(name) if word.is_true(fact)]


def _ladder(form: str) -> Iterator[Word]:
    for at_least, below, *sides in LADDER:
        for direction, verbs in zip(("up", "down"), sides, strict=True):
            for verb in verbs.split(", "):
                past, participle = verb.split(":")
                text = past if form == "verb" else participle
                yield Word(text, direction, Decimal(at_least), Decimal(below))  # pyright: ignore[reportArgumentType]
