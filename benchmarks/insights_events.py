"""The stories that a session has, found from its bars alone: gaps, volumes, reversals, new highs and lows."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from functions.insights.facts.hour import Bar, Hour
from shared.calendar.trading import Session

TOP = 5


class SessionEvent(NamedTuple):
    """Something that happened to a stock in a session; *size* is against its usual day."""

    kind: str
    ticker: str
    size: float
    side: str


WORDS = {"gap": ("gap", "opened"), "volume": ("usual volume",), "reversal": ("open",), "extreme": ("20-session",)}
"""A sentence about the event has one of these and the company's name."""


def events_of(hours: Sequence[Hour]) -> list[SessionEvent]:
    """Return the most significant events of the session of *hours*, five of each kind at most."""
    found: dict[tuple[str, str, str], SessionEvent] = {}
    for hour in hours:
        for ticker in hour.tickers:
            for event in _events(hour, ticker):
                key = event.kind, event.ticker, event.side
                if key not in found or found[key].size < event.size:
                    found[key] = event
    kinds = {event.kind for event in found.values()}
    return [
        event
        for kind in sorted(kinds)
        for event in sorted((e for e in found.values() if e.kind == kind), key=lambda e: -e.size)[:TOP]
    ]


def is_published(event: SessionEvent, name: str, texts: Sequence[str]) -> bool:
    """Return whether some sentence of the session states the event."""
    side = {"high": "session high", "low": "session low"}.get(event.side, "")
    return any(name in text and side in text and any(word in text for word in WORDS[event.kind]) for text in texts)


def _events(hour: Hour, ticker: str) -> Iterator[SessionEvent]:
    bars = hour.bars.get(ticker, {})
    now = bars.get(hour.start)
    first, close = bars.get(hour.session.opens), bars.get(_last(hour.previous[-1]))
    if now is None or first is None or close is None:
        return
    usual = _usual(hour, bars)
    gap = _percent(close, "close", first, "open")
    if abs(gap) >= 4:
        yield SessionEvent("gap", ticker, abs(gap) / usual, "")
    offset = hour.start - hour.session.opens
    volumes = [bar.volume for s in hour.previous[-20:] if (bar := bars.get(s.opens + offset)) and bar.volume]
    if now.volume and len(volumes) >= 5 and now.volume >= 3 * sum(volumes) / len(volumes):
        yield SessionEvent("volume", ticker, now.volume * len(volumes) / sum(volumes), "")
    since_open, day = _percent(first, "open", now, "close"), _percent(close, "close", now, "close")
    if abs(since_open) >= 1 and abs(day) >= 1 and (since_open > 0) != (day > 0):
        yield SessionEvent("reversal", ticker, (abs(since_open) + abs(day)) / usual, "")
    start = hour.previous[-20].opens
    others = [bar for s, bar in bars.items() if start <= s < hour.start]
    if len(others) >= 140:
        above, below = max(bar.high for bar in others), min(bar.low for bar in others)
        if now.high > above:
            yield SessionEvent("extreme", ticker, float((now.high - above) / above * 100) / usual, "high")
        if now.low < below:
            yield SessionEvent("extreme", ticker, float((below - now.low) / below * 100) / usual, "low")


def _usual(hour: Hour, held: Mapping[datetime, Bar]) -> float:
    closes = [held[_last(s)].close for s in hour.previous[-20:] if _last(s) in held]
    moves = [abs(float((new - old) / old)) * 100 for old, new in pairwise(closes)]
    return max(median(moves), 0.2)


def _last(session: Session) -> datetime:
    return list(session.starts("1h"))[-1]


def _percent(old: Bar, field: str, new: Bar, other: str) -> float:
    return float((getattr(new, other) - getattr(old, field)) / getattr(old, field)) * 100
