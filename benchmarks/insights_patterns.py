"""Misleading patterns in sentences, found by code that shares nothing with the function's: text and bars alone.

Each takes the text of a sentence, the hour, and the names of the companies, and yields its faults.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from functions.insights.facts.hour import Bar, Hour

_PERCENT = re.compile(r"([0-9]+\.[0-9]{2})%")
_BASIS = re.compile(
    r"previous close|close before|session before|the open\b|from there|opening|last hour|last [0-9]+ minutes"
    r"|end of last"
    r"|last close of|highest close of|lowest close of"
    r"|over the week|of its industry|other stocks|on average|usual volume|low to|from its|open to close"
)
_SMALL = ("edged", "ticked", "inched", "slipped", "eased", "dipped", "added")
_LARGE = ("jumped", "rallied", "slumped", "tumbled", "slid", "soared", "surged", "plunged", "plummeted")
_VERB = re.compile(
    r"\b(edged up|edged down|ticked up|ticked down|rose|risen|added|slipped|eased|dipped|gained|climbed|fell|fallen"
    r"|dropped|declined|jumped|rallied|slumped|tumbled|slid|soared|surged|plunged|plummeted)"
    r"(?: another| a further)? ([0-9]+\.[0-9]{2})%"
)

Check = Callable[[str, Hour, Mapping[str, str]], Iterator[str]]


def unfinished_streak(text: str, hour: Hour, _: Mapping[str, str]) -> Iterator[str]:
    """A run of sessions that is stated before the last of them has closed."""
    if "in a row" in text and hour.end != hour.session.closes:
        yield text


def streak_with_change(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """A run's length beside one day's change."""
    if "in a row" in text and "%" in text:
        yield text


def hourly_volume_with_day_move(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """One bar's volume in a sentence that counts a move from the previous close."""
    if "volume for this time of day" in text and "previous close" in text:
        yield text


def hourly_volume_against_move(text: str, hour: Hour, names: Mapping[str, str]) -> Iterator[str]:
    """One bar's volume beside a move that the bar itself did not make."""
    if "volume for this time of day" not in text or not (found := _VERB.search(text)):
        return
    ticker = next(ticker for ticker, name in names.items() if re.search(rf"\b{re.escape(name)}\b", text))
    bars = hour.bars[ticker]
    now = bars[hour.start]
    opening = hour.start == hour.session.opens
    base = now.open if opening else bars[max(s for s in bars if hour.session.opens <= s < hour.start)].close
    move = (now.close - base) / base * 100
    if abs(abs(move) - Decimal(found[2])) > Decimal("0.006"):
        yield text


def superlative_without_basis(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """The biggest of something, not said since when."""
    if "biggest" in text and not re.search(
        r"previous close|last hour|last [0-9]+ minutes|end of last week|week before", text
    ):
        yield text


def count_without_total(text: str, hour: Hour, _: Mapping[str, str]) -> Iterator[str]:
    """A number of stocks out of fewer than are tracked, without the number that is."""
    for total in re.findall(r"(?:of|among) ([0-9]+) stocks(?! \()", text):
        if int(total) != len(hour.tickers):
            yield text


def buried_lead(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """A first move that is a fraction of the second one about the same company."""
    if "opened" in text or "gap" in text or re.search(r"[0-9]+ of [0-9]+ stocks|\bon average\b|biggest", text):
        return
    figures = [Decimal(figure) for figure in _PERCENT.findall(text)]
    if len(figures) > 1 and figures[0] * 3 < figures[1]:
        yield text


def verb_of_wrong_size(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """A strong verb for a small move, or a weak one for a large move."""
    for verb, figure in _VERB.findall(text):
        size = Decimal(figure)
        word = verb.split()[0]
        weak, strong = word in _SMALL and size >= Decimal("1.5"), word in _LARGE and size < Decimal("2.5")
        if weak or strong or (word not in _SMALL and size < Decimal("0.2")):
            yield text


def name_in_verb(text: str, _: Hour, names: Mapping[str, str]) -> Iterator[str]:
    """Advanced Micro Devices advanced."""
    for name in names.values():
        stems = {word[:6].lower() for word in name.split() if len(word) > 5}
        if name in text and any(word[:6] in stems for word in re.findall(r"[a-z]{6,}", text.replace(name, ""))):
            yield text


def empty_figure(text: str, hour: Hour, names: Mapping[str, str]) -> Iterator[str]:
    """A figure that is none: 0.0 times, 0.00%, a price that no bar has."""
    if re.search(r"\b0\.0+ times|\b0\.00%|\b0\.00 percentage", text):
        yield text
    for price in re.findall(r"\$([0-9,]+\.[0-9]+)", text):
        value = Decimal(price.replace(",", ""))
        held = [bar for t, name in names.items() if name in text for bar in _session_so_far(hour, t)]
        if not any(value in (bar.open, bar.high, bar.low, bar.close) for bar in held):
            yield text


def equal_extreme(text: str, hour: Hour, names: Mapping[str, str]) -> Iterator[str]:
    """A new high or low that an earlier bar had reached."""
    for side, price in re.findall(r"20-session (high|low) of \$([0-9,]+\.[0-9]+)", text):
        value = Decimal(price.replace(",", ""))
        owners = [t for t, name in names.items() if re.search(rf"\b{re.escape(name)}\b", text) and t in hour.bars]
        if not any(_is_new(hour, ticker, side, value, text) for ticker in owners):
            yield text


def _is_new(hour: Hour, ticker: str, side: str, value: Decimal, text: str) -> bool:
    """Return whether *value* is beyond all of 20 sessions, and of the session before the bar that set it."""
    of_session = re.search(r"since the open|in the session|session brought", text.lower())
    starts = [bar.start for bar in _session_so_far(hour, ticker) if getattr(bar, side) == value]
    starts = starts[:1] if of_session else [start for start in starts if start == hour.start]
    first = hour.previous[-20].opens
    others = [getattr(bar, side) for s, bar in hour.bars[ticker].items() if starts and first <= s < starts[0]]
    return bool(starts) and all(other < value if side == "high" else other > value for other in others)


def _session_so_far(hour: Hour, ticker: str) -> list[Bar]:
    return [bar for start, bar in hour.bars.get(ticker, {}).items() if hour.session.opens <= start <= hour.start]


def figure_without_basis(text: str, _: Hour, __: Mapping[str, str]) -> Iterator[str]:
    """A percentage in a sentence that names no basis at all."""
    if "%" in text and not _BASIS.search(text.lower()):
        yield text


PATTERNS: tuple[tuple[int, Check], ...] = (
    (1, unfinished_streak),
    (1, streak_with_change),
    (2, hourly_volume_with_day_move),
    (2, hourly_volume_against_move),
    (3, superlative_without_basis),
    (3, figure_without_basis),
    (4, count_without_total),
    (5, buried_lead),
    (6, verb_of_wrong_size),
    (6, name_in_verb),
    (7, empty_figure),
    (7, equal_extreme),
)
