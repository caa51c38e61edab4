"""Editor: chooses the stories of an hour, remembers those of the session, and writes them by the rules."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from functions.insights.facts.hour import Hour
from functions.insights.facts.registry import FactTable, all_stories
from functions.insights.generation.candidates import Candidate, Key, candidates, key_of
from functions.insights.generation.result import Insight

AT_LEAST, AT_MOST = 3, 5
WRAP_AT_LEAST, WRAP_AT_MOST = 5, 7
_NOTABLE = Decimal(1)
"""Significance from which a story is added though there are enough without it."""
_STEP = Decimal(1)
"""Percentage points, or usual moves, by which a figure has to change before it is published again in a session."""
_MARKET_STEP = Decimal("0.4")
_EVENT, _EVENT_OF_THE_HOUR = Decimal("1.5"), Decimal(3)
"""Significance that an event has beyond its figures; more where it cannot be published an hour later."""
_SAME_COMPANY = Decimal(2)
"""Significance from which an event is published of a company that was published an hour ago."""
_FADE, _FADE_OF_EVENTS = Decimal("0.8"), Decimal("0.97")
"""Factors for each time that the same story was published in the session: variety, but not at the cost of events."""


@dataclass(frozen=True, slots=True)
class PublishedStories:
    """Stories, companies and figures of an earlier hour of the session."""

    start: datetime
    stories: Sequence[str]
    tickers: frozenset[str]
    values: Mapping[Key, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """A chosen story and its words by the rules."""

    candidate: Candidate
    template: str

    @property
    def insight(self) -> Insight:
        """The insight by the rules."""
        one = self.candidate
        return Insight(self.template, one.sentiment, one.tickers, "rules", one.kind, one.story.name, one.significance)


def choose(hour: Hour, facts: FactTable, published: Sequence[PublishedStories] = ()) -> list[Choice]:
    """Return three to five stories of *hour*, five to seven at the close; fewer only where the bars allow no more."""
    memory = _Memory(hour, published)
    ranked = sorted(
        ((memory.score(one), one) for one in candidates(facts)),
        key=lambda pair: (-pair[0], pair[1].story.name, pair[1].tickers, pair[1].lead.id),
    )
    chosen = _Chosen(WRAP_AT_MOST if hour.closes else AT_MOST)
    if hour.closes:
        _wrap(chosen, [one for _, one in ranked])
    else:
        _open(chosen, [(score, one) for score, one in ranked if one.kind in ("market", "industry")])
    least = WRAP_AT_LEAST if hour.closes and chosen.stories else AT_LEAST
    for most_of_a_story in (1, 2):
        for score, one in ranked:
            if chosen.full or score < (_NOTABLE if len(chosen.stories) >= least else Decimal("0.05")):
                break
            chosen.add(one, most_of_a_story)
    chosen.mix([one for score, one in ranked if score > 0])
    if len(chosen.stories) < AT_LEAST:
        chosen.fill([one for _, one in ranked], least=AT_LEAST)
    return list(_worded(hour, chosen.stories, published))


def _open(chosen: "_Chosen", market: Sequence[tuple[Decimal, Candidate]]) -> None:
    """Add the market's most significant story first, where there is one that is not stale."""
    for score, one in market:
        if score > 0 and one.kind == "market":
            chosen.add(one, 1)
            return


def _wrap(chosen: "_Chosen", ranked: Sequence[Candidate]) -> None:
    """Add the parts of a session's wrap, and of the week's where it ends, in the order of their declarations."""
    parts = {one.story.name: one for one in ranked if one.kind == "wrap"}
    chosen.stories += [parts[story.name] for story in all_stories() if story.name in parts]


class _Memory:
    """Memory of the session so far, as scores of candidates."""

    def __init__(self, hour: Hour, published: Sequence[PublishedStories]) -> None:
        self._hour = hour
        self._just_published = {ticker for one in published if one.start == hour.before for ticker in one.tickers}
        self._stories = Counter(story for one in published for story in one.stories)
        self._values: dict[Key, Decimal] = {}
        for one in sorted(published, key=lambda one: one.start):
            self._values |= one.values
        self._impact = {ticker: Decimal(place) / 1000 for place, ticker in enumerate(_by_turnover(hour), 1)}

    def score(self, one: Candidate) -> Decimal:
        """Return the score of *one* for this hour; not above 0 when it may not be published."""
        if one.kind == "wrap":
            return Decimal()
        score = one.significance
        if one.story.event:
            score += _EVENT_OF_THE_HOUR if one.lead.window == "hour" else _EVENT
        fade = _FADE_OF_EVENTS if one.story.event else _FADE
        score = min(score, Decimal(12)) * fade ** min(self._stories[one.story.name], 6)
        score += sum((self._impact.get(ticker, Decimal()) for ticker in one.tickers), Decimal())
        if self._is_stale(one):
            return Decimal()
        if self._just_published & set(one.tickers):
            return score / 2 if one.story.event and one.significance >= _SAME_COMPANY else score / 1000
        return score

    def _is_stale(self, one: Candidate) -> bool:
        """Return whether the lead was published in this session and has not changed by a step."""
        progress = one.story.name in ("extended", "pared")
        before = self._values.get(one.key)
        if one.lead.window == "hour":
            return before is not None and one.story.event
        if before is None:
            return progress
        moved = abs(one.lead.value - before)
        if one.subject is None:
            return moved < (_MARKET_STEP if one.lead.unit == "percent" else len(self._hour.tickers) // 6)
        usual = self._hour.usual_moves.get(one.subject, _STEP)
        earlier = one.cast.get("e")
        return not progress or moved < max(_STEP, usual) or (earlier is not None and abs(earlier.value) == abs(moved))


class _Chosen:
    """Stories chosen so far."""

    def __init__(self, most: int) -> None:
        self.stories: list[Candidate] = []
        self._most = most

    @property
    def full(self) -> bool:
        """Return whether there is room for no other."""
        return len(self.stories) >= self._most

    def is_new(self, one: Candidate) -> bool:
        """Return whether *one* is about no company that is chosen already."""
        return not {ticker for other in self.stories for ticker in other.tickers} & set(one.tickers)

    def add(self, one: Candidate, most_of_a_story: int) -> None:
        """Add *one* if it is about another company, and not one more of the same story."""
        same = sum(other.story.name == one.story.name for other in self.stories)
        kinds = Counter(other.kind for other in self.stories)
        if one.kind != "company" and (same or kinds[one.kind]):
            return
        if one not in self.stories and same < most_of_a_story and self.is_new(one):
            self.stories.append(one)

    def mix(self, ranked: Sequence[Candidate]) -> None:
        """Put the best story of a mood that none has in the place of the last company story."""
        moods = {one.sentiment for one in self.stories}
        if len(self.stories) < AT_LEAST:
            return
        for mood in ("positive", "negative"):
            if mood in moods:
                continue
            last = next((one for one in reversed(self.stories) if one.kind == "company"), None)
            if last is None:
                return
            rest = _Chosen(self._most)
            rest.stories = [one for one in self.stories if one is not last]
            other = next((one for one in ranked if one.sentiment == mood and rest.is_new(one)), None)
            if other is not None:
                self.stories[self.stories.index(last)] = other
            return

    def fill(self, ranked: Iterable[Candidate], least: int) -> None:
        """Add stories of companies that are chosen already, when there are too few others."""
        for one in ranked:
            if len(self.stories) >= least:
                return
            if one not in self.stories and all(other.story.name != one.story.name for other in self.stories):
                self.stories.append(one)


def _worded(hour: Hour, stories: Sequence[Candidate], published: Sequence[PublishedStories]) -> Iterator[Choice]:
    """Yield *stories* with their sentences, which vary deterministically by hour, company and frame."""
    used = Counter(story for one in published for story in one.stories)
    seed = hour.start.isoformat()
    day = hour.session.date.toordinal()
    for one in stories:
        number = used[one.story.name] + day * 5 + sum(map(ord, one.subject or ""))
        used[one.story.name] += 1
        yield Choice(one, one.template(number, seed))


def published_stories(start: datetime, choices: Iterable[Choice]) -> PublishedStories:
    """Return the stories and figures of *choices* for the hours after *start*."""
    some = list(choices)
    return PublishedStories(
        start,
        [choice.candidate.story.name for choice in some],
        frozenset(ticker for choice in some for ticker in choice.candidate.tickers),
        {key_of(fact): fact.value for choice in some for fact in choice.candidate.cast.values()},
    )


def _by_turnover(hour: Hour) -> list[str]:
    """Return the tickers of *hour* by the money that changed hands in it, the least first."""

    def turnover(ticker: str) -> tuple[Decimal, str]:
        bar = hour.bars[ticker][hour.start]
        return bar.close * (bar.volume or 0), ticker

    return sorted(hour.present, key=turnover)
