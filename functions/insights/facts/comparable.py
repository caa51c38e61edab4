"""Bars that may be compared: those of two sources only where the sources are known to give the same prices."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from functions.insights.facts.hour import Bar, EarlierVersion, Hour

Agreements = Mapping[str, frozenset[tuple[str, str]]]
"""Pairs of sources that give the same prices, by ticker."""
Bars = Mapping[str, Mapping[datetime, Bar]]


def within_one_series(hour: Hour, agreements: Agreements) -> Hour:
    """Return *hour* with its comparable bars, and the tickers whose day or session has others."""
    bars = comparable_bars(hour.bars, hour.start, agreements)
    starts = {*hour.so_far, *hour.closings[:1]}
    seams = tuple(
        one for one in hour.tickers if any(hour.bar(one, start) and start not in bars[one] for start in starts)
    )
    return replace(hour, bars=bars, on_two_sources=seams)


def comparable_bars(bars: Bars, start: datetime, agreements: Agreements) -> Bars:
    """Return *bars* without those of a source that disagrees with the source of the ticker's bar at *start*.

    A metric finds no bar beyond a seam, as it finds none where one is missing.
    """
    return {ticker: _one_series(held, start, agreements.get(ticker, frozenset())) for ticker, held in bars.items()}


def comparable_revisions(
    revisions: Mapping[str, Mapping[datetime, EarlierVersion]], bars: Bars, agreements: Agreements
) -> dict[str, dict[datetime, EarlierVersion]]:
    """Return the *revisions* whose source agrees with that of the bar stored now: others are no correction."""
    return {
        ticker: {
            start: old
            for start, old in some.items()
            if (bar := bars.get(ticker, {}).get(start))
            and _agree(old.bar.source, bar.source, agreements.get(ticker, frozenset()))
        }
        for ticker, some in revisions.items()
    }


def _one_series(
    held: Mapping[datetime, Bar], start: datetime, pairs: frozenset[tuple[str, str]]
) -> Mapping[datetime, Bar]:
    if start not in held or len({bar.source for bar in held.values()}) == 1:
        return held
    sources = [held[start].source]
    # Newest first: a third source has to agree with each one before it, as agreement is not transitive.
    for source in dict.fromkeys(held[one].source for one in sorted(held, reverse=True) if one < start):
        if source not in sources and all(_agree(source, other, pairs) for other in sources):
            sources.append(source)
    return {one: bar for one, bar in held.items() if bar.source in sources}


def _agree(one: str, other: str, pairs: frozenset[tuple[str, str]]) -> bool:
    return one == other or (one, other) in pairs or (other, one) in pairs
