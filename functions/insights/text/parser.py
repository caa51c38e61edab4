"""Parser of insights: which facts a sentence states, or why it may not be published.

A sentence is one frame, or two or three of the same window joined by `while`, `and` or a semicolon. Each claim
(company, metric, basis, direction, size, period, comparison) is compared with its fact.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from functions.insights.facts.fact import Fact
from functions.insights.facts.metric import Cast
from functions.insights.facts.registry import FactTable
from functions.insights.text.grammar import Frame, matching_frames, vocabulary
from functions.insights.text.lexicon import words_of

Sentiment = Literal["positive", "negative", "neutral"]
LONGEST = 320
_SLOT = re.compile(r"\{[^{}]*\}")
_JOINTS = re.compile(r",? (?:while|and) |; ")
_MOST_CLAUSES = 3
# Curly quotes, dashes and the hard space, as writers of text have them.
_TYPOGRAPHY = str.maketrans("\u2019\u2018\u2013\u2014\u00a0", "''-- ")


class Violation(NamedTuple):
    """Violation: a stable code, and its text for the writer who has to repair it."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A clause that states facts: its frame, the facts by role, and the company it is about, if any."""

    frame: Frame
    cast: Cast
    subject: str | None

    @property
    def windows(self) -> frozenset[str]:
        """The spans that its figures cover."""
        return frozenset(fact.window for fact in self.cast.values())

    @property
    def tickers(self) -> tuple[str, ...]:
        """The companies that it names."""
        named = {self.subject, *(self.cast[role].ticker for role in self.frame.named)}
        return tuple(sorted(ticker for ticker in named if ticker))


@dataclass(frozen=True, slots=True)
class Sentence:
    """A parsed sentence: its statements, and its template rebuilt from them."""

    template: str
    statements: tuple[Statement, ...]

    @property
    def facts(self) -> list[Fact]:
        """The facts that it states."""
        return [fact for statement in self.statements for fact in statement.cast.values()]

    @property
    def tickers(self) -> tuple[str, ...]:
        """The companies that it names."""
        return tuple(sorted({ticker for statement in self.statements for ticker in statement.tickers}))

    @property
    def sentiment(self) -> Sentiment:
        """Positive or negative where all facts that make the mood agree."""
        return sentiment_of([(statement.frame.story.mood, statement.cast) for statement in self.statements])


def sentiment_of(parts: list[tuple[tuple[str, ...], Cast]]) -> Sentiment:
    """Return the sentiment of facts, given with the roles that make it: all of them, where none is named."""
    sides = {
        fact.direction
        for mood, cast in parts
        for role, fact in cast.items()
        if role in (mood or cast) and (mood or fact.metric != "period")
    }
    return "positive" if sides == {"up"} else "negative" if sides == {"down"} else "neutral"


def normalize(text: str) -> str:
    """Return *text* in small letters but for its slots, on one line, without its full stop."""
    plain = text.translate(_TYPOGRAPHY)
    parts = re.split(r"(\{[^{}]*\})", plain)
    joined = "".join(part if part.startswith("{") else part.lower() for part in parts)
    return " ".join(joined.split()).removesuffix(".").rstrip()


def parse(text: str, facts: FactTable) -> Sentence | list[Violation]:
    """Return the sentence that *text* is, or its violations."""
    if len(text) > 2 * LONGEST:
        return [Violation("length", f"has more than {LONGEST} characters")]
    normalized = normalize(text)
    if violations := [*_characters(text), *_look(normalized, facts)]:
        return violations
    found = _parse(normalized, facts, _MOST_CLAUSES)
    if isinstance(found, list):
        return found
    if len({fact.id for one in found for fact in one.cast.values() if fact.metric != "period"}) < sum(
        fact.metric != "period" for one in found for fact in one.cast.values()
    ):
        return [Violation("repeated", "states the same figure twice")]
    return Sentence(f"{normalized}.", found)


def _parse(text: str, facts: FactTable, clauses: int) -> tuple[Statement, ...] | list[Violation]:
    """Return the statements of *text*, parsed whole, else in two parts at some joint; the fewest violations if none."""
    worst: list[Violation] | None = None
    for frame, match in matching_frames(text):
        statement, violations = _claims(frame, match, facts)
        if not violations:
            return (statement,)
        worst = violations if worst is None or len(violations) < len(worst) else worst
    for joint in _JOINTS.finditer(text) if clauses > 1 else ():
        left = _parse(text[: joint.start()], facts, 1)
        right = _parse(text[joint.end() :], facts, clauses - 1)
        if isinstance(left, tuple) and isinstance(right, tuple):
            if len({one.windows for one in (*left, *right)}) > 1:
                return [Violation("window", "mixes periods: give each figure a sentence of its own")]
            return left + right
        for part in (left, right):
            if isinstance(part, list) and part[0].code != "form" and worst is None:
                worst = part
    return worst or [Violation("form", "is not one of the forms of a sentence that state these facts")]


def _characters(text: str) -> Iterator[Violation]:
    """Yield the characters of *text* as it was written that no sentence has: small letters would hide a Kelvin sign."""
    for character in dict.fromkeys(_SLOT.sub(" ", text.translate(_TYPOGRAPHY))):
        if unicodedata.category(character).startswith("N") or character.isnumeric():
            yield Violation("digit", f"writes {character!r}: a figure may only come from a slot")
        elif not re.fullmatch(r"[A-Za-z ',.;:\n-]", character):
            yield Violation("character", f"has {character!r}: plain words, commas and semicolons only")


def _look(text: str, facts: FactTable) -> Iterator[Violation]:
    """Yield the violations that show that no frame matches *text*, the most helpful reason of each."""
    outside = _SLOT.sub(" ", text)
    if not text:
        yield Violation("empty", "says nothing")
    if len(text) > LONGEST:
        yield Violation("length", f"has more than {LONGEST} characters")
    for slot in dict.fromkeys(_SLOT.findall(text)):
        name = slot[1:-1].removesuffix(".industry")
        if name not in facts and not any(fact.ticker == name for fact in facts.values()):
            yield Violation("slot", f"{slot} is not among the facts")
    words = dict.fromkeys(re.findall(r"[a-z']+", outside))
    if unknown := [word for word in words if word not in vocabulary()]:
        yield Violation("word", f"uses the words {', '.join(unknown[:5])}, which no form of sentence has")
    if text and not re.search(r"\{f[0-9]+\}", text):
        yield Violation("no-figure", "has no figure: name a fact by its slot")


def _claims(frame: Frame, match: re.Match[str], facts: FactTable) -> tuple[Statement, list[Violation]]:
    """Return the statement of a match with its contradictions to the facts."""
    cast: dict[str, Fact] = {}
    subject: str | None = None
    words: list[tuple[str, str, str]] = []
    for group, text in match.groupdict().items():
        name, form, _ = group.split("__")
        if text is None:
            continue
        slot = text[1:-1]
        if name == "S":
            subject = slot
        elif form != "slot":
            words.append((name, form, text))
        elif slot in facts:
            cast[name] = facts[slot]
    statement = Statement(frame, cast, subject)
    return statement, list(dict.fromkeys(_contradictions(statement, words, facts)))


def _contradictions(
    statement: Statement, words: Sequence[tuple[str, str, str]], facts: FactTable
) -> Iterator[Violation]:
    """Yield a violation for each claim that its fact does not support."""
    frame, cast = statement.frame, statement.cast
    if set(cast) != frame.roles:
        yield Violation("slot", "has a company's slot in the place of a figure, or a figure's in that of a company")
        return
    for role, fact in cast.items():
        yield from _role(statement, role, fact)
    for name, form, text in words:
        yield from _word(cast[name], form, text)
    if not frame.allows(list(cast.values())):
        yield Violation("moment", "uses a frame for another time of the session")
    whole = _complete(statement, facts)
    if whole is None or not frame.story.when(whole):
        yield Violation("comparison", "makes a comparison that the figures do not support")


def _role(statement: Statement, role: str, fact: Fact) -> Iterator[Violation]:
    """Yield violations in the place of *fact* in the sentence: its metric, basis and owner."""
    wanted = statement.frame.story.roles[role]
    if not wanted.fits(fact):
        code = "basis" if fact.metric == wanted.metric and fact.basis != wanted.basis else "metric"
        code = "direction" if fact.key == (wanted.metric, wanted.basis) else code
        stated = f"{wanted.metric}/{wanted.basis}"
        yield Violation(
            code, f"states {{{fact.id}}} as {stated}: it is {fact.metric}/{fact.basis} {fact.direction or ''}"
        )
    if wanted.owner is not None:
        is_named = statement.cast[wanted.owner].owner == fact.owner
    elif fact.industry and statement.frame.has_subject:
        is_named = statement.subject in fact.source_bars.tickers
    else:
        is_named = fact.owner is None or role in statement.frame.named or fact.ticker == statement.subject
    if not is_named:
        yield Violation("subject", f"does not say that {{{fact.id}}} is the figure of {fact.owner}")


def _word(fact: Fact, form: str, text: str) -> Iterator[Violation]:
    """Yield violations in one word or name that the sentence uses of *fact*."""
    if form == "name":
        if text[1:-1] != fact.ticker:
            yield Violation("subject", f"does not say that {{{fact.id}}} is the figure of {fact.ticker}")
    elif form == "industry":
        if text[1:-1].removesuffix(".industry") != fact.id:
            yield Violation("subject", f"names another industry than that of {{{fact.id}}}")
    else:
        words = [word for word in words_of(form) if word.text == text]
        if not any(word.direction in (None, fact.direction) for word in words):
            yield Violation("direction", f"says '{text}' of {{{fact.id}}}, which is {fact.direction or 'neither'}")
        elif not any(word.is_true(fact) for word in words):
            yield Violation("size", f"says '{text}' of {{{fact.id}}}, which is {fact.text}")


def _complete(statement: Statement, facts: FactTable) -> Cast | None:
    """Return the facts of all roles of the story, those that its frame does not show too; None if one is not there."""
    cast = dict(statement.cast)
    for role, wanted in statement.frame.story.roles.items():
        if role not in cast:
            own = (fact for fact in facts.values() if fact.ticker == statement.subject and wanted.fits(fact))
            if (fact := next(own, None)) is None:
                return None
            cast[role] = fact
    return cast
