"""Whether a sentence says what its facts say, and nothing else: each fault with a reason that its writer can act on.

A template that passes cannot misquote: figures are filled into slots by code, each slot is tied to the company that its
clause is about, to a word of its direction and to what it is counted from, and every other word is one that claims
nothing a fact does not bear out.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from functions.insights import vocabulary
from functions.insights.fact import Fact
from functions.insights.table import Facts
from functions.insights.wording import Clause, Wording, plain, take_apart

Sentiment = Literal["positive", "negative", "neutral"]
SENTIMENTS = ("positive", "negative", "neutral")
AT_LEAST, AT_MOST = 3, 5
_LONGEST, _MOST_FACTS = 260, 5

_DIRECTED = {"change", "market_change", "gap", "breadth", "streak", "rank", "high", "low"}
_NEEDED_WORDS = {
    ("change", "session_open"): vocabulary.OPEN,
    ("gap", "previous_close"): vocabulary.OPEN,
    ("range", "session_open"): vocabulary.RANGE,
    ("market_change", "previous_close"): vocabulary.AVERAGE,
    ("market_change", "previous_bar"): vocabulary.AVERAGE,
}
_NEEDED_FACTS = (
    (vocabulary.OPEN, lambda fact: fact.metric == "gap" or fact.basis == "session_open"),
    (vocabulary.PREVIOUS, lambda fact: fact.basis == "previous_close"),
    (vocabulary.AVERAGE, lambda fact: fact.metric == "market_change"),
    (vocabulary.RANGE, lambda fact: fact.metric == "range"),
    (vocabulary.BETWEEN, lambda fact: fact.metric == "hour_low"),
    (vocabulary.BUSY, lambda fact: fact.metric == "volume_ratio" and fact.direction == "up"),
    (vocabulary.QUIET, lambda fact: fact.metric == "volume_ratio" and fact.direction == "down"),
)


class Fault(NamedTuple):
    """What is wrong: a short stable code, and the same for whoever has to mend it."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence as a writer proposes it: text with `{f12}` for figures and `{AAPL}` for names."""

    template: str
    sentiment: str
    tickers: tuple[str, ...]


def faults_of(draft: Draft, facts: Facts) -> list[Fault]:
    """Return what is wrong with *draft*, [] when it may be published; the first faults make later ones moot."""
    for check in (_characters, _slots, _words, _claims):
        faults = list(dict.fromkeys(check(draft, plain(draft.template), facts)))
        if faults:
            return faults
    return []


def _characters(_: Draft, template: str, __: Facts) -> Iterator[Fault]:
    """Yield digits of any script outside slots, markup, and what no sentence has."""
    if not template.strip():
        yield Fault("empty", "says nothing")
    if len(template) > _LONGEST:
        yield Fault("length", f"has more than {_LONGEST} characters")
    for character in _outside(template):
        if unicodedata.category(character).startswith("N") or character.isnumeric():
            yield Fault("digit", f"writes {character!r}: a figure may only come from a slot")
        elif not " " <= character <= "~" or character in '<>[]`*#@/\\|_=+%$&^~"':
            yield Fault("character", f"has {character!r}: plain words, commas and full stops only")


def _outside(template: str) -> Iterator[str]:
    """Yield the characters of *template* that are in no slot."""
    depth = 0
    for character in template:
        if character == "{":
            depth += 1
        elif character == "}":
            depth -= 1
        elif depth <= 0:
            yield character


def _slots(draft: Draft, template: str, facts: Facts) -> Iterator[Fault]:
    """Yield slots that are not there, and a list of tickers that is not theirs."""
    wording = take_apart(template)
    known = {fact.ticker for fact in facts.values()}
    for mark in wording.stray:
        yield Fault("slot-unknown" if mark.startswith("{") else "character", f"{mark} is no slot and no word")
    for fact in wording.facts:
        if fact not in facts:
            yield Fault("slot-unknown", f"{{{fact}}} is not in the table")
    for ticker in wording.companies:
        if ticker not in known:
            yield Fault("ticker-unknown", f"{{{ticker}}} is not in the table")
    if not wording.facts:
        yield Fault("no-figure", "has no figure: name at least one fact by its slot")
    if len(wording.facts) > _MOST_FACTS or len(set(wording.facts)) < len(wording.facts):
        yield Fault("slots", f"has a slot twice, or more than {_MOST_FACTS}")
    told = {facts[fact].ticker for fact in wording.facts if fact in facts} - {None} | set(wording.companies)
    if set(draft.tickers) != told:
        yield Fault("tickers", f"lists other tickers than its sentence is about ({', '.join(sorted(map(str, told)))})")
    if draft.sentiment not in SENTIMENTS:
        yield Fault("sentiment", "sentiment must be positive, negative or neutral")


def _words(_: Draft, template: str, __: Facts) -> Iterator[Fault]:
    """Yield words that claim what no fact can bear out, and whatever else is not in the vocabulary."""
    wording = take_apart(template)
    for word in wording.capitals:
        yield Fault("name", f"writes {word}: a company is named by its slot, as {{AAPL}}")
    written = {word.lower() for word in wording.capitals}
    for clause in wording.clauses:
        for word in clause.words:
            if word not in written and (reason := vocabulary.claim_of(word)):
                yield Fault(reason, f"uses the word '{word}'")


def _claims(draft: Draft, template: str, facts: Facts) -> Iterator[Fault]:
    """Yield what contradicts a fact: its company, its sign, what it is counted from, its place among others."""
    wording = take_apart(template)
    subject: str | None = None
    for clause in wording.clauses:
        told = [facts[fact] for fact in clause.facts]
        yield from _subject(clause, told, subject)
        subject = clause.companies[-1] if clause.companies else subject
        yield from _direction(clause, told)
        yield from _basis(clause, told)
    yield from _whole(wording, [facts[fact] for fact in wording.facts], draft.sentiment)


def _subject(clause: Clause, told: Sequence[Fact], before: str | None) -> Iterator[Fault]:
    """Yield figures that stand beside another company's name, or the market's beside a company's."""
    named = set(clause.companies)
    about = {fact.ticker for fact in told if fact.metric != "period"}
    if len(named) > 1 and about:
        yield Fault("subject", "names two companies around a figure: give each a clause of its own")
    elif None in about and (named or len(about) > 1):
        yield Fault("subject", "gives the market's figure as a company's")
    elif about - {None} and about != (named or {before}):
        yield Fault("subject", f"does not say that the figure is {', '.join(sorted(map(str, about)))}'s")


def _direction(clause: Clause, told: Sequence[Fact]) -> Iterator[Fault]:
    """Yield words of direction that contradict a fact or have none, and signed facts without such a word."""
    words = set(clause.words)
    said = {side for side, list_of in (("up", vocabulary.UP), ("down", vocabulary.DOWN)) if words & list_of}
    directed = [fact for fact in told if fact.metric in _DIRECTED]
    if said and not directed:
        yield Fault("direction-unsupported", "says up or down where no fact does")
    for fact in directed:
        if said - {fact.direction}:
            yield Fault("direction", f"says otherwise than {{{fact.id}}}, which is {fact.direction}")
        elif fact.signed and not said:
            yield Fault("direction-missing", f"does not say that {{{fact.id}}} is {fact.direction}")


def _basis(clause: Clause, told: Sequence[Fact]) -> Iterator[Fault]:
    """Yield figures told without, or with another than, what they are counted from."""
    words = set(clause.words)
    for fact in told:
        needed = _NEEDED_WORDS.get((fact.metric, fact.basis or ""))
        if needed and not words & needed:
            yield Fault("basis", f"needs one of these words beside {{{fact.id}}}: {', '.join(sorted(needed))}")
    for list_of, bears in _NEEDED_FACTS:
        if (found := words & list_of) and not any(bears(fact) for fact in told):
            yield Fault("basis", f"says '{min(found)}' where no fact bears it out")
    by_hour = any(fact.metric == "period" for fact in told)
    for fact in told:
        if fact.metric in ("change", "breadth", "market_change") and by_hour != (fact.basis == "previous_bar"):
            how = "needs" if not by_hour else "cannot have"
            yield Fault("basis", f"{{{fact.id}}} {how} the slot of the period in its clause")


def _whole(wording: Wording, told: Sequence[Fact], sentiment: str) -> Iterator[Fault]:
    """Yield what only the whole sentence shows."""
    words = {word for clause in wording.clauses for word in clause.words}
    metrics = [fact.metric for fact in told]
    band = [metric for metric in metrics if metric in ("hour_low", "hour_high")]
    if band and (band != ["hour_low", "hour_high"] or "between" not in words or "period" not in metrics):
        yield Fault("basis", "a low and a high go together: between the low and the high in the slot of the period")
    moves = {(fact.ticker, fact.basis) for fact in told if fact.metric == "change"}
    for fact in told:
        if fact.metric == "rank" and (fact.ticker, fact.basis) not in moves:
            yield Fault("rank", f"tells the place {{{fact.id}}} without the change that it is the place of")
    directions = {fact.direction for fact in told if fact.metric in _DIRECTED}
    if (sentiment == "positive" and "up" not in directions) or (sentiment == "negative" and "down" not in directions):
        yield Fault("sentiment", f"is called {sentiment} with no fact that is")
    if set(metrics) <= {"period"}:
        yield Fault("no-figure", "has no figure but the length of the hour")
