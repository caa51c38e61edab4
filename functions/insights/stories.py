"""What there is to tell of an hour, by rules: stories about its facts, each with several ways to say it."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

from functions.insights.check import Draft, Sentiment
from functions.insights.fact import Fact
from functions.insights.table import Facts

UPS, DOWNS = ("rose", "gained", "climbed", "advanced"), ("fell", "dropped", "declined", "slipped")
"""Verbs that go with a figure and without."""


@dataclass(frozen=True, slots=True)
class Story:
    """A sentence with how steep the move in it is, against what is usual, and how much it matters to the market."""

    kind: str
    draft: Draft
    steepness: Decimal
    impact: int


class Teller:
    """The facts of one ticker, or of the market (None), and words for them that vary with *seed*, never by chance."""

    def __init__(self, ticker: str | None, facts: Facts, impact: int, seed: str) -> None:
        self.ticker = ticker
        self.name = f"{{{ticker}}}"
        self._impact = impact
        self._seed = f"{seed} {ticker}"
        self._facts = {
            (fact.metric, fact.basis, None if ticker else fact.direction): fact
            for fact in facts.values()
            if fact.ticker == ticker
        }

    def get(self, metric: str, basis: str | None = None, side: str | None = None) -> Fact | None:
        """Return the fact of *metric* counted from *basis*; *side* tells those of the market apart."""
        return self._facts.get((metric, basis, side))

    def say(self, *ways: str) -> str:
        """Return one of *ways*."""
        return ways[crc32(f"{self._seed} {ways[0]}".encode()) % len(ways)]

    def moved(self, fact: Fact) -> str:
        """Return a verb for the direction of *fact*."""
        return self.say(*(UPS if fact.direction == "up" else DOWNS))

    def story(self, kind: str, template: str, *shown: Fact, mood_of: Fact | None = None) -> Story:
        """Return the story of *shown*, whose mood is that of *mood_of*, or of all of them where they agree."""
        sides = {fact.direction for fact in ((mood_of,) if mood_of else shown)}
        mood: Sentiment = "positive" if sides == {"up"} else "negative" if sides == {"down"} else "neutral"
        tickers = (self.ticker,) if self.ticker else ()
        return Story(kind, Draft(template, mood, tickers), max(fact.weight for fact in shown), self._impact)


def slot(fact: Fact) -> str:
    """Return the slot of *fact*."""
    return f"{{{fact.id}}}"


def way(fact: Fact) -> str:
    """Return up or down, as *fact* says."""
    return fact.direction or ""


def market_stories(facts: Facts, period: Fact, seed: str) -> Iterator[Story]:
    """Yield what is told of the market as a whole: first of the day so far, then of this hour."""
    told = Teller(None, facts, 100, seed)
    up, down = (told.get("breadth", "previous_close", side) for side in ("up", "down"))
    average = told.get("market_change", "previous_close", "up") or told.get("market_change", "previous_close", "down")
    sides = sorted((side for side in (up, down) if side), key=lambda side: -side.value)
    if sides:
        text = told.say(" while ", " and ").join(f"{slot(side)} {told.moved(side)}" for side in sides)
        if average:
            text += f", and the average stock {told.moved(average)} {slot(average)}"
        shown = [*sides, average] if average else sides
        lead = None if average and average.direction != sides[0].direction else sides[0]
        yield told.story("market", f"{text} since the previous close.", *shown, mood_of=lead)
    hourly = [side for way in ("up", "down") if (side := told.get("breadth", "previous_bar", way))]
    if hourly:
        side = max(hourly, key=lambda side: side.value)
        yield told.story("market hour", f"{slot(side)} {told.moved(side)} in {slot(period)}.", side, mood_of=side)


def company_stories(ticker: str, facts: Facts, period: Fact, impact: int, seed: str) -> Iterator[Story]:
    """Yield what is told of one company; *impact* is how much its trading matters to the market."""
    told = Teller(ticker, facts, impact, seed)
    yield from _day(told)
    yield from _opening(told)
    yield from _hour(told, period)
    yield from _always(told, period)


def _day(told: Teller) -> Iterator[Story]:
    day, rank = told.get("change", "previous_close"), told.get("rank", "previous_close")
    if day is None:
        return
    moved = f"{told.moved(day)} {slot(day)}"
    if rank:
        yield told.story("rank", f"{told.name} {moved}, {slot(rank)}.", day, rank)
    if reach := told.get("high", "20_sessions") or told.get("low", "20_sessions"):
        joint = "as it" if reach.direction == day.direction else "but still"
        text = f"{told.name} {told.say('reached', 'hit', 'set')} {slot(reach)} {joint} {moved}."
        yield told.story("extreme", text, reach, day, mood_of=reach)
    if volume := told.get("volume_ratio", "same_time_of_day"):
        text = told.say(
            f"{told.name} {moved} on {slot(volume)}.",
            f"{told.name} traded {slot(volume)} while it {moved}.",
        )
        yield told.story("volume", text, volume, day, mood_of=day)
    streak = told.get("streak", "previous_close")
    if streak and streak.direction == day.direction:
        text = f"{told.name} {told.moved(day)} for {slot(streak)} and is {way(day)} {slot(day)}."
        yield told.story("streak", text, streak, day)
    yield told.story("move", f"{told.name} {moved} since the previous close.", day)


def _opening(told: Teller) -> Iterator[Story]:
    day, opening = told.get("change", "previous_close"), told.get("change", "session_open")
    gap = told.get("gap", "previous_close")
    if gap and opening:
        joint = "and then" if gap.direction == opening.direction else "but then"
        level = "higher" if gap.direction == "up" else "lower"
        text = f"{told.name} opened {slot(gap)} {level} {joint} {told.moved(opening)} {slot(opening)} from the open."
        yield told.story("gap", text, gap, opening)
    elif day and opening and day.direction != opening.direction:
        text = f"{told.name} {told.moved(opening)} {slot(opening)} since the open but is still {way(day)} {slot(day)}."
        yield told.story("turn", text, opening, day)


def _hour(told: Teller, period: Fact) -> Iterator[Story]:
    hour, day = told.get("change", "previous_bar"), told.get("change", "previous_close")
    if hour is None:
        return
    text = f"{told.name} {told.moved(hour)} {slot(hour)} in {slot(period)}"
    if rank := told.get("rank", "previous_bar"):
        yield told.story("hour rank", f"{text}, {slot(rank)}.", hour, rank)
    elif day:
        joint = "and" if day.direction == hour.direction else "but"
        yield told.story("hour", f"{text} {joint} is {way(day)} {slot(day)} since the previous close.", hour, day)
    else:
        yield told.story("hour", f"{text}.", hour)


def _always(told: Teller, period: Fact) -> Iterator[Story]:
    """Yield what can be told of a bar with nothing before it."""
    if moving := told.get("range", "session_open"):
        text = told.say("has moved in a range of", "has traded in a range of")
        yield told.story("range", f"{told.name} {text} {slot(moving)} in this session.", moving)
    low, high = told.get("hour_low"), told.get("hour_high")
    if low and high and low.value < high.value:
        text = told.say("traded between", "moved between", "changed hands between")
        yield told.story("band", f"{told.name} {text} {slot(low)} and {slot(high)} in {slot(period)}.", low, high)
    if price := told.get("price"):
        yield told.story(
            "price", f"{told.name} {told.say('stood', 'traded', 'changed hands')} at {slot(price)}.", price
        )
    if opening := told.get("change", "session_open"):
        yield told.story("open", f"{told.name} {told.moved(opening)} {slot(opening)} since the open.", opening)
