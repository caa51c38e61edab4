"""Candidates: every sentence that the facts of an hour could make, each a story with its facts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from functions.insights.facts.fact import Fact
from functions.insights.facts.metric import Cast, Kind, Role, Story
from functions.insights.facts.registry import FactTable, all_stories
from functions.insights.text.grammar import Frame, frames_of, instances
from functions.insights.text.parser import Sentiment, sentiment_of

Key = tuple[str | None, str, str | None]
"""Ticker or industry, metric, basis."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A story with its facts, about *subject* where it is about one company."""

    story: Story
    cast: Cast
    subject: str | None

    @property
    def kind(self) -> Kind:
        """Market, company, industry or wrap."""
        return self.story.kind

    @cached_property
    def significance(self) -> Decimal:
        """Significance: distance of the facts from the usual."""
        return self.story.significance(self.cast)

    @cached_property
    def tickers(self) -> tuple[str, ...]:
        """The companies that it is about."""
        if self.subject:
            return (self.subject,)
        return tuple(sorted({fact.ticker for fact in self.cast.values() if fact.ticker}))

    @property
    def lead(self) -> Fact:
        """Lead fact: that of the story's first role."""
        return next(iter(self.cast.values()))

    @property
    def key(self) -> Key:
        """Metric of the lead fact."""
        return key_of(self.lead)

    @cached_property
    def frames(self) -> tuple[Frame, ...]:
        """The frames that may be used at this moment; at the close those made for it."""
        allowed = [frame for frame in frames_of(self.story) if frame.allows(list(self.cast.values()))]
        closing = [frame for frame in allowed if frame.closing]
        return tuple(closing + allowed[: max(3 - len(closing), 1)] if closing else allowed)

    @property
    def sentiment(self) -> Sentiment:
        """Positive or negative where the facts that make the mood agree."""
        return sentiment_of([(self.story.mood, self.cast)])

    def template(self, number: int, seed: str) -> str:
        """Return the template in frame *number*, its words chosen by *seed*."""
        return self.frames[number % len(self.frames)].render(self.cast, self.subject, seed)

    def templates(self) -> Iterator[str]:
        """Yield every template that states this story."""
        for frame in self.frames:
            yield from instances(frame, self.cast, self.subject)


def key_of(fact: Fact) -> Key:
    """Return the subject, metric and basis of *fact*."""
    return fact.ticker or fact.industry, fact.metric, fact.basis


def candidates(facts: FactTable) -> Iterator[Candidate]:
    """Yield every candidate of an hour, story by story."""
    index = _Index(facts.values())
    for story in all_stories():
        yield from (one for one in _casts(story, index) if one.frames and story.when(one.cast))


class _Index:
    """Facts by subject (market, company, industry), then by metric and basis."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self.all = list(facts)
        self.market: dict[tuple[str, str | None], list[Fact]] = {}
        self.companies: dict[str, dict[tuple[str, str | None], list[Fact]]] = {}
        self.industries: dict[str, dict[tuple[str, str | None], list[Fact]]] = {}
        self.industry_of: dict[str, str] = {}
        for fact in self.all:
            if fact.ticker:
                held = self.companies.setdefault(fact.ticker, {})
            elif fact.industry:
                held = self.industries.setdefault(fact.industry, {})
                if fact.metric == "industry_change":
                    self.industry_of |= dict.fromkeys(fact.source_bars.tickers, fact.industry)
            else:
                held = self.market
            held.setdefault(fact.key, []).append(fact)

    def cast(self, roles: Mapping[str, Role], *places: Mapping[tuple[str, str | None], Sequence[Fact]]) -> Cast | None:
        """Return the facts of *roles* in *places*, None when one is not there."""
        found: dict[str, Fact] = {}
        for name, role in roles.items():
            fitting = [fact for place in places for fact in place.get((role.metric, role.basis), ()) if role.fits(fact)]
            if not fitting:
                return None
            found[name] = max(fitting, key=lambda fact: abs(fact.value))
        return found


def _casts(story: Story, index: _Index) -> Iterator[Candidate]:
    if story.combine is not None:
        yield from (Candidate(story, cast, None) for cast in story.combine(index.all))
    elif any("{S}" in frame for frame in story.frames):
        for ticker, own in index.companies.items():
            industry = index.industries.get(index.industry_of.get(ticker, ""), {})
            if (cast := index.cast(story.roles, own, industry, index.market)) is not None:
                yield Candidate(story, cast, ticker)
    elif story.kind == "industry":
        for own in index.industries.values():
            if (cast := index.cast(story.roles, own)) is not None:
                yield Candidate(story, cast, None)
    elif (cast := index.cast(story.roles, index.market)) is not None:
        yield Candidate(story, cast, None)
