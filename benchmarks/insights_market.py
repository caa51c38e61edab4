"""Real sessions for the benchmarks of insights: 50 stocks from the folder of shared data, described hour by hour."""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from functions.insights.facts.hour import SESSIONS, Bar, Hour
from functions.insights.facts.registry import FactTable, fact_table
from functions.insights.generation.editor import Choice, PublishedStories, choose, published_stories
from functions.insights.text.template import render, short_names
from functions.store.catalogue import read_catalogue
from shared.calendar.trading import EXCHANGE_ZONE, Session

REAL_BARS = Path(__file__).parents[2] / "shared" / "data" / "stooq_top50_1h.csv.gz"


@dataclass(frozen=True)
class DescribedHour:
    """An hour as the rules describe it."""

    hour: Hour
    facts: FactTable
    choices: list[Choice]
    texts: list[str]


def read_bars(path: Path) -> dict[str, dict[datetime, Bar]]:
    """Return the bars in the file at *path* by ticker and start."""
    bars: dict[str, dict[datetime, Bar]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            start = datetime.fromisoformat(row["datetime"])
            opening, high, low, close = (Decimal(row[name]) for name in ("open", "high", "low", "close"))
            volume = int(row["volume"]) if row["volume"] else None
            bars.setdefault(row["ticker"], {})[start] = Bar(start, opening, high, low, close, volume, row["source"])
    return bars


def read_all_hours(path: Path) -> list[Hour]:
    """Return every hour in the file at *path* that has 20 sessions before it, in order."""
    bars = read_bars(path)
    days: dict[str, list[datetime]] = {}
    for start in sorted({start for held in bars.values() for start in held}):
        days.setdefault(start.astimezone(EXCHANGE_ZONE).date().isoformat(), []).append(start)
    sessions = [Session(s[0].date(), s[0], s[0] + timedelta(hours=6.5)) for s in days.values()]
    industries = {f"{row['ticker']}": f"{row['industry']}" for row in read_catalogue()}
    return [
        Hour(
            start,
            session,
            tuple(sessions[:place]),
            tuple(sorted(bars)),
            bars,
            industries,
            sessions[place + 1].date if place + 1 < len(sessions) else None,
        )
        for place, session in enumerate(sessions)
        if place >= SESSIONS
        for start in session.starts("1h")
    ]


def read_hours(path: Path, count: int = 60) -> list[Hour]:
    """Return *count* hours spread over those of the file at *path*."""
    hours = read_all_hours(path)
    return [hours[number * len(hours) // count] for number in range(count)]


def company_names() -> dict[str, str]:
    """Return the short names of the catalogue's companies by ticker."""
    return short_names({f"{row['ticker']}": f"{row['name']}" for row in read_catalogue()})


def describe_hours(hours: list[Hour]) -> Iterator[DescribedHour]:
    """Yield *hours* as the rules describe them, each remembering its session."""
    names = company_names()
    published: list[PublishedStories] = []
    for hour in hours:
        if published and published[-1].start != hour.before:
            published = []
        facts = fact_table(hour)
        choices = choose(hour, facts, published)
        published.append(published_stories(hour.start, choices))
        yield DescribedHour(hour, facts, choices, [render(choice.template, facts, names) for choice in choices])
