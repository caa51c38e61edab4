"""Insights without any model: the stories that deserve it most, from the same facts and under the same checks."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from functions.insights.check import AT_LEAST, AT_MOST, Draft
from functions.insights.hour import Hour
from functions.insights.stories import Story, company_stories, market_stories
from functions.insights.table import Facts

_NOTABLE = 1
"""Steepness from which a story is told though there are enough without it."""
_STEEPEST = 6


def insights_by_rules(hour: Hour, facts: Facts) -> list[Draft]:
    """Return three to five sentences about *hour*, the market first; fewer only where there is nothing to tell of."""
    return [story.draft for story in choose(list(stories_of(hour, facts)))]


def stories_of(hour: Hour, facts: Facts) -> Iterator[Story]:
    """Yield everything that could be told, unsorted."""
    if not facts:
        return
    period = next(fact for fact in facts.values() if fact.metric == "period")
    seed = hour.start.isoformat()
    yield from market_stories(facts, period, seed)
    for place, ticker in enumerate(by_turnover(hour), 1):
        yield from company_stories(ticker, facts, period, place, seed)


def by_turnover(hour: Hour) -> list[str]:
    """Return the tickers of *hour* by the money that changed hands in it, the least first."""

    def turnover(ticker: str) -> tuple[Decimal, str]:
        bar = hour.bars[ticker][hour.start]
        return bar.close * (bar.volume or 0), ticker

    return sorted(hour.present, key=turnover)


def choose(stories: Sequence[Story]) -> list[Story]:
    """Return what to tell of *stories*: the steepest first, and of those the ones with most impact.

    Each company once and each kind once, as far as that goes; both moods where steep enough stories have them.
    """
    best = sorted(stories, key=lambda story: (-min(int(story.steepness), _STEEPEST), -story.impact, story.kind))
    chosen = [story for story in best if story.kind == "market"][:1]
    for most_of_a_kind in (1, 2):
        for story in best:
            if len(chosen) == AT_MOST or (story.steepness < _NOTABLE and len(chosen) >= AT_LEAST):
                break
            if _adds(story, chosen, most_of_a_kind):
                chosen.append(story)
    _mix(chosen, best)
    for story in best:  # of one company, when there is only one
        if len(chosen) >= AT_LEAST:
            break
        if story not in chosen and story.kind not in {other.kind for other in chosen}:
            chosen.append(story)
    return chosen


def _adds(story: Story, chosen: Iterable[Story], most_of_a_kind: int) -> bool:
    """Tell whether *story* is about somebody else than *chosen*, and not one more of the same kind."""
    told = {ticker for other in chosen for ticker in other.draft.tickers}
    kinds = [other.kind for other in chosen]
    if not story.draft.tickers:
        return story.kind not in kinds
    return kinds.count(story.kind) < most_of_a_kind and not told & set(story.draft.tickers)


def _mix(chosen: list[Story], best: Sequence[Story]) -> None:
    """Let the last of *chosen* make room for the steepest story in a mood that none of them has."""
    moods = {story.draft.sentiment for story in chosen}
    if len(chosen) < AT_LEAST:
        return
    for mood in ("positive", "negative"):
        if mood in moods:
            continue
        rest = chosen[:-1]
        other = next((s for s in best if s.draft.sentiment == mood and _adds(s, rest, 2)), None)
        if other is not None:
            chosen[-1] = other
        return
