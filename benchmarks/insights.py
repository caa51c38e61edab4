"""How good insights are on 60 real hours: by the rules, and by any server that speaks OpenAI's wire format.

`python -m benchmarks.insights [--base-url URL --model NAME --api chat]` with the key in OPENAI_API_KEY; without a base
URL the stand-in of tests/fakes/language_model answers.
`--prompt-price` and `--completion-price` are USD for a million tokens.
"""

import argparse
import asyncio
import csv
import gzip
import logging
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

from benchmarks.table import print_table
from functions.insights.check import faults_of
from functions.insights.hour import SESSIONS, Bar, Hour
from functions.insights.names import short_names
from functions.insights.prompt import INSTRUCTIONS, estimate_tokens, offered, question
from functions.insights.render import render
from functions.insights.settings import Model
from functions.insights.table import fact_table
from functions.insights.telling import Telling
from functions.insights.worded import tell
from functions.insights.wording import take_apart
from functions.store.catalogue import read_catalogue
from shared.calendar.trading import EXCHANGE_ZONE, Session
from shared.runtime.settings import Secret
from tests.fakes.language_model.server import Fake, serving
from tests.recomputing import half_up, recompute, shown

REAL_BARS = Path(__file__).parents[2] / "shared" / "data" / "stooq_top50_1h.csv.gz"
HOURS = 60


@dataclass
class Score:
    """What came of all hours."""

    hours: int = 0
    proposed: int = 0
    accepted_at_first: int = 0
    accepted_after_repair: int = 0
    by_rules: int = 0
    insights: int = 0
    figures: int = 0
    wrong: int = 0
    faulty: int = 0
    sentences: set[str] = field(default_factory=set)
    shapes: set[str] = field(default_factory=set)
    tickers: Counter[str] = field(default_factory=Counter)
    mixed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    seconds: list[float] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def read_hours(path: Path) -> list[Hour]:
    """Return 60 hours spread over the sessions in the file at *path* that have 20 sessions before them."""
    bars: dict[str, dict[datetime, Bar]] = {}
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            start = datetime.fromisoformat(row["datetime"])
            opening, high, low, close = (Decimal(row[name]) for name in ("open", "high", "low", "close"))
            volume = int(row["volume"]) if row["volume"] else None
            bar = Bar(start, opening, high, low, close, volume, row["source"])
            bars.setdefault(row["ticker"], {})[start] = bar
    days: dict[str, list[datetime]] = {}
    for start in sorted({start for held in bars.values() for start in held}):
        days.setdefault(start.astimezone(EXCHANGE_ZONE).date().isoformat(), []).append(start)
    sessions = [Session(s[0].date(), s[0], s[0] + timedelta(hours=6.5)) for s in days.values()]
    hours = [
        Hour(start, session, tuple(sessions[place - SESSIONS : place]), tuple(sorted(bars)), bars)
        for place, session in enumerate(sessions)
        if place >= SESSIONS
        for start in session.starts("1h")
    ]
    return [hours[number * len(hours) // HOURS] for number in range(HOURS)]


def as_answer(hour: Hour, ticker: str, start: datetime) -> dict[str, object]:
    """A bar as /ohlc gives it."""
    bar = hour.bars[ticker][start]
    session = next(s for s in (*hour.previous, hour.session) if s.opens <= start < s.closes)
    return {
        **bar._asdict(),
        "ticker": ticker,
        "datetime": start.isoformat(),
        "end": session.end("1h", start).isoformat(),
    }


def wrong_figures(telling: Telling, texts: Sequence[str]) -> tuple[int, int]:
    """Compute every figure of *telling* again by other code; return how many there are, and how many differ."""
    checked = wrong = 0
    for insight, text in zip(telling.insights, texts, strict=True):
        for name in take_apart(insight.draft.template).facts:
            fact = telling.facts[name]
            bars = {
                ticker: [as_answer(telling.hour, ticker, start) for start in fact.rests.starts]
                for ticker in fact.rests.tickers
            }
            told = {"metric": fact.metric, "basis": fact.basis, "ticker": fact.ticker, "direction": fact.direction}
            value = recompute(told, bars)
            checked += 1
            right = half_up(value, 6) == fact.value and shown(told, value, bars) == fact.text
            wrong += not right or fact.text.lower() not in text.lower()
    return checked, wrong


async def score(hours: Sequence[Hour], settings: Model) -> Score:
    """Tell of all *hours* and return what came of it."""
    names = short_names({f"{row['ticker']}": f"{row['name']}" for row in read_catalogue()})
    total = Score()
    for hour in hours:
        calls = 0

        async def may_call() -> bool:
            nonlocal calls
            calls += 1
            return calls <= 2

        began = time.perf_counter()
        telling = await tell(hour, fact_table(hour), settings, 2, may_call)
        total.seconds.append(time.perf_counter() - began)
        texts = [render(insight.draft.template, telling.facts, names) for insight in telling.insights]
        add(total, telling, texts)
    return total


def add(total: Score, telling: Telling, texts: Sequence[str]) -> None:
    """Add the hour of *telling* to *total*."""
    checked, wrong = wrong_figures(telling, texts)
    total.hours += 1
    total.figures += checked
    total.wrong += wrong
    total.faulty += sum(bool(faults_of(insight.draft, telling.facts)) for insight in telling.insights)
    total.insights += len(texts)
    total.by_rules += sum(insight.generator == "rules" for insight in telling.insights)
    total.sentences.update(texts)
    total.shapes.update(shape_of(insight.draft.template) for insight in telling.insights)
    total.tickers.update(ticker for insight in telling.insights for ticker in insight.draft.tickers)
    total.mixed += {"positive", "negative"} <= {insight.draft.sentiment for insight in telling.insights}
    total.prompt_tokens += telling.usage.prompt or 0
    total.completion_tokens += telling.usage.completion or 0
    total.calls += len(telling.verdicts)
    for number, verdict in enumerate(telling.verdicts):
        if verdict["outcome"] != "answered":
            total.reasons[verdict["outcome"]] += 1
            continue
        total.reasons.update(fault["code"] for fault in verdict["faults"])
        if number == 0:
            total.proposed += len(verdict["proposed"])
            total.accepted_at_first += verdict["accepted"]
        else:
            total.accepted_after_repair += verdict["accepted"]


def shape_of(template: str) -> str:
    """Return *template* without what it is about, to tell how many ways there are to say things."""
    return " ".join(word for clause in take_apart(template).clauses for word in clause.words)


def columns(total: Score, prices: tuple[float, float]) -> list[str]:
    """Return the figures of one writer for the table."""
    share = f"{total.accepted_at_first / total.proposed:.0%}" if total.proposed else "-"
    cost = (total.prompt_tokens * prices[0] + total.completion_tokens * prices[1]) / 1e6 / total.hours
    return [
        f"{total.hours}",
        f"{total.insights / total.hours:.1f}",
        share,
        f"{total.accepted_after_repair}" if total.proposed else "-",
        f"{total.by_rules}",
        f"{total.figures}",
        f"{total.wrong}",
        f"{total.faulty}",
        f"{len(total.sentences)} of {total.insights}",
        f"{len(total.shapes)}",
        f"{len(total.tickers)}",
        f"{total.mixed / total.hours:.0%}",
        f"{total.calls / total.hours:.2f}",
        f"{total.prompt_tokens / total.hours:.0f} + {total.completion_tokens / total.hours:.0f}",
        f"{cost:.5f}" if any(prices) else "-",
        f"{median(total.seconds) * 1000:.0f}",
    ]


ROWS = (
    "hours",
    "insights an hour",
    "accepted at first",
    "accepted after repair",
    "by rules",
    "figures checked",
    "figures wrong",
    "sentences that break a rule",
    "different sentences",
    "ways to say things",
    "companies told of",
    "hours with both moods",
    "calls an hour",
    "tokens an hour (in + out)",
    "USD an hour",
    "median ms an hour",
)


def main() -> None:
    """Score the rules and a model, and print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", help="of the server to score; without: the stand-in")
    parser.add_argument("--model", default="stand-in")
    parser.add_argument("--api", choices=("responses", "chat"), default="responses")
    parser.add_argument("--prompt-price", type=float, default=0)
    parser.add_argument("--completion-price", type=float, default=0)
    asked = parser.parse_args()
    if not REAL_BARS.exists():
        print(f"The real bars are not here, so nothing was measured: {REAL_BARS.name} beside the checkout.")
        return
    logging.disable(logging.WARNING)  # what is refused is counted below
    hours = read_hours(REAL_BARS)
    estimates = [estimate_tokens(INSTRUCTIONS, question(offered(fact_table(hour)))) for hour in hours]
    results = {"rules": asyncio.run(score(hours, Model()))}
    prices = (asked.prompt_price, asked.completion_price)
    if asked.base_url:
        results[asked.model] = asyncio.run(score(hours, _model(asked.base_url, asked.model, asked.api)))
    else:
        fake = Fake()
        with serving(fake) as url:
            for kind in (None, "one_bad", "wrong_sign", "500"):
                fake.behave()
                if kind:
                    fake.misbehave(kind)
                name = f"stand-in, {kind}" if kind else "stand-in"
                results[name] = asyncio.run(score(hours, _model(url, "stand-in", asked.api)))
    figures = {name: columns(total, prices) for name, total in results.items()}
    rows = [(row, *(column[number] for column in figures.values())) for number, row in enumerate(ROWS)]
    print_table(f"{HOURS} real hours of 50 stocks", ("", *figures), rows)
    print(f"Estimated tokens of a prompt: {min(estimates)} to {max(estimates)}.")
    for name, total in results.items():
        if total.reasons:
            reasons = ", ".join(f"{reason} {count}" for reason, count in total.reasons.most_common(8))
            print(f"Refused of {name}: {reasons}")


def _model(url: str, name: str, api: str) -> Model:
    key = os.environ.get("OPENAI_API_KEY", "sk-stand-in")
    return Model(
        openai_api_key=Secret(key),
        openai_base_url=url,
        insights_model=name,
        insights_api=api,  # pyright: ignore[reportArgumentType]
        insights_timeout_seconds=45,
    )


if __name__ == "__main__":
    main()
