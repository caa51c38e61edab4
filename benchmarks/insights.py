"""Quality of insights over all real sessions: by the rules, and by any server with OpenAI's wire format.

`python -m benchmarks.insights` counts misleading patterns, shapes, repetition, missed stories and time; with
`--sentences 200` it prints as many instead, with `--random 1000000` it tries as many random sentences on the grammar,
and with `--base-url URL [--model NAME --api chat --hours 20]` it asks a model (its key in OPENAI_API_KEY).
"""

import argparse
import asyncio
import logging
import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.insights_events import events_of, is_published
from benchmarks.insights_market import (
    REAL_BARS,
    DescribedHour,
    company_names,
    describe_hours,
    read_all_hours,
    read_hours,
)
from benchmarks.insights_patterns import PATTERNS
from benchmarks.table import print_table
from functions.insights.facts.fact import Fact
from functions.insights.facts.hour import Hour
from functions.insights.facts.registry import fact_table
from functions.insights.generation.editor import choose
from functions.insights.generation.model_sentences import write_sentences
from functions.insights.generation.prompt import INSTRUCTIONS, estimate_tokens, facts_prompt
from functions.insights.settings import ModelSettings
from functions.insights.text.parser import Sentence, parse
from functions.insights.text.template import render
from shared.runtime.settings import Secret
from tests.fakes.language_model.server import Fake, serving
from tests.insights.sentences import is_true, random_sentences
from tests.recompute import half_up, recompute, shown

if TYPE_CHECKING:
    from functions.insights.generation.result import ModelRun

_WORDS_OF_SIZE = re.compile(
    r"\b(edged (?:up|down)|ticked (?:up|down)|rose|risen|added|slipped|eased|dipped|gained|climbed|fell|fallen|dropped"
    r"|declined|jumped|rallied|slumped|tumbled|slid|soared|surged|plunged|plummeted|up|down|higher|lower|above|below|gain"
    r"|rise|loss|fall|decline|ahead of|behind|hit|reached|set|busy|brisk|heavy|quiet|light|thin|since|from)\b"
)


def shape_of(template: str) -> str:
    """Return *template* without names, figures, and words that only vary with direction and size."""
    text = re.sub(r"\{[^{}]*\}", "_", template.lower())
    return " ".join(_WORDS_OF_SIZE.sub("~", text).replace(",", "").split())


def bars_of(hour: Hour, fact: Fact) -> dict[str, list[dict[str, object]]]:
    """Return the bars behind *fact* as /ohlc gives them."""
    sessions = (*hour.previous, hour.session)

    def item(ticker: str, start: datetime) -> dict[str, object]:
        session = next(s for s in sessions if s.opens <= start < s.closes)
        bar = hour.bars[ticker][start]
        end = session.end("1h", start).isoformat()
        return {**bar._asdict(), "ticker": ticker, "datetime": start.isoformat(), "end": end}

    source = fact.source_bars
    return {ticker: [item(ticker, start) for start in source.starts] for ticker in source.tickers}


def is_wrong(hour: Hour, fact: Fact) -> bool:
    """Return whether *fact* differs from the figure that other code computes from its bars."""
    bars = bars_of(hour, fact)
    given = {name: getattr(fact, name) for name in ("metric", "basis", "ticker", "direction", "industry", "left_out")}
    given["tracked"] = len(hour.tickers)
    value = recompute(given, bars)
    return half_up(value, 6) != fact.value or shown(given, value, bars) != fact.text


def rows_of(hours: Sequence[DescribedHour], seconds: Sequence[float]) -> list[tuple[str, str]]:
    """Return the counts over all hours, by name."""
    names = company_names()
    texts = [text for one in hours for text in one.texts]
    shapes = Counter(shape_of(choice.template) for one in hours for choice in one.choices)
    patterns: Counter[str] = Counter()
    for one in hours:
        for text in one.texts:
            for number, check in PATTERNS:
                if any(True for _ in check(text, one.hour, names)):
                    patterns[f"misleading, kind {number}: {check.__name__}"] += 1
    facts = [(one.hour, fact) for one in hours for choice in one.choices for fact in choice.insight.facts(one.facts)]
    rows = [
        ("hours", f"{len(hours)}"),
        ("sentences", f"{len(texts)}"),
        ("figures recomputed", f"{len(facts)}"),
        ("figures wrong", f"{sum(is_wrong(hour, fact) for hour, fact in facts)}"),
        ("sentences that the parser refuses", f"{sum(_is_refused(one) for one in hours)}"),
        *(
            (f"misleading, kind {number}: {c.__name__}", f"{patterns[f'misleading, kind {number}: {c.__name__}']}")
            for number, c in PATTERNS
        ),
        ("shapes", f"{len(shapes)}"),
        ("most frequent shape", f"{max(shapes.values()) / len(texts):.1%}"),
        ("different sentences", f"{len(set(texts)) / len(texts):.1%}"),
        *_repetition(hours),
        *_stories_published(hours, names),
        ("CPU of an hour, median", f"{median(seconds) * 1000:.0f} ms"),
        ("CPU of an hour, 95th percentile", f"{sorted(seconds)[int(len(seconds) * 0.95)] * 1000:.0f} ms"),
    ]
    return rows


def _is_refused(one: DescribedHour) -> int:
    return sum(not isinstance(parse(choice.template, one.facts), Sentence) for choice in one.choices)


def _repetition(hours: Sequence[DescribedHour]) -> list[tuple[str, str]]:
    again = total = firsts = 0
    for before, now in pairwise(hours):
        if now.hour.before != before.hour.start:
            continue
        earlier = {ticker for choice in before.choices for ticker in choice.insight.tickers}
        companies = [set(choice.insight.tickers) for choice in now.choices if choice.insight.tickers]
        again += sum(bool(tickers & earlier) for tickers in companies)
        total += len(companies)
        firsts += shape_of(before.choices[0].template) == shape_of(now.choices[0].template)
    return [
        ("company sentences about one of the hour before", f"{again / total:.1%}"),
        ("hours whose first sentence has the shape of the one before", f"{firsts / (len(hours) - 1):.1%}"),
    ]


def _stories_published(hours: Sequence[DescribedHour], names: Mapping[str, str]) -> list[tuple[str, str]]:
    happened: Counter[str] = Counter()
    found: Counter[str] = Counter()
    wraps = complete = 0
    for closing in (one for one in hours if one.hour.closes):
        session = [one for one in hours if one.hour.session == closing.hour.session]
        texts = [text for one in session for text in one.texts]
        for event in events_of([one.hour for one in session]):
            happened[event.kind] += 1
            found[event.kind] += is_published(event, names[event.ticker], texts)
        wraps += 1
        moves = sorted(closing.hour.day_changes, key=lambda ticker: closing.hour.day_changes[ticker])
        named = {ticker for choice in closing.choices for ticker in choice.insight.tickers}
        complete += {moves[0], moves[-1]} <= named
    rows = [(f"top {kind} stories of a session published", f"{found[kind]} of {happened[kind]}") for kind in happened]
    share = sum(found.values()) / max(sum(happened.values()), 1)
    return [
        *rows,
        ("top stories published", f"{share:.0%}"),
        ("wraps with top gainer and loser", f"{complete} of {wraps}"),
    ]


def try_random(count: int) -> None:
    """Print how many of *count* random sentences of allowed words pass, and how many of those no frame makes."""
    facts = fact_table(read_hours(REAL_BARS, 3)[1])
    small = {name: fact for name, fact in facts.items() if fact.ticker in (None, "AAPL", "INTC", "KO", "JPM")}
    passed = [text for text in random_sentences(small, count) if isinstance(parse(text, small), Sentence)]
    wrong = [text for text in passed if not is_true(text, small)]
    print(f"{count} random sentences: {len(passed)} pass, {len(wrong)} of them that no frame makes.")
    print("\n".join(wrong[:20]))


async def try_model(hours: Sequence[Hour], settings: ModelSettings) -> list[tuple[str, str]]:
    """Ask a model to word *hours* and return the results."""
    runs: list[ModelRun] = []
    tokens: list[int] = []
    for hour in hours:
        facts = fact_table(hour)
        choices = choose(hour, facts)
        tokens.append(estimate_tokens(INSTRUCTIONS, facts_prompt(choices, facts)))

        async def may_call() -> bool:
            return True

        run = await write_sentences(choices, facts, settings, may_call)
        runs.append(run)
        for insight in run.insights if settings.openai_base_url else ():
            assert isinstance(parse(insight.template, facts), Sentence)
            logging.getLogger("model").info(
                "%s %s", insight.generator, render(insight.template, facts, company_names())
            )
    notes = sum(len(run.insights) for run in runs)
    reasons = sum((run.reasons for run in runs), Counter[str]())
    return [
        ("hours", f"{len(runs)}"),
        ("stories", f"{notes}"),
        ("accepted at first", f"{sum(run.accepted for run in runs)} ({sum(r.accepted for r in runs) / notes:.0%})"),
        ("accepted after repair", f"{sum(run.repaired for run in runs)}"),
        ("by the rules", f"{sum(run.fallen_back for run in runs)}"),
        ("outcomes", ", ".join(f"{name} {n}" for name, n in Counter(run.outcome for run in runs).items())),
        ("refused for", ", ".join(f"{name} {count}" for name, count in reasons.most_common(6)) or "-"),
        ("tokens in, median", f"{median([run.tokens_in or 0 for run in runs]):.0f} (estimated {max(tokens)})"),
        ("seconds an hour, median", f"{median([run.seconds for run in runs]):.1f}"),
    ]


def main() -> None:
    """Count results of the rules, or print sentences, or try the grammar, or score a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentences", type=int, help="print as many sentences of the rules, spread over all")
    parser.add_argument("--random", type=int, help="try as many random sentences on the grammar")
    parser.add_argument("--base-url", help="of the server to score; `stand-in` starts the one of the tests")
    parser.add_argument("--model")
    parser.add_argument("--api", choices=("responses", "chat"))
    parser.add_argument("--hours", type=int, default=20)
    wanted = parser.parse_args()
    if not REAL_BARS.exists():
        print(f"The real bars are not here, so nothing was measured: {REAL_BARS.name} beside the checkout.")
        return
    if wanted.random:
        try_random(wanted.random)
        return
    if wanted.base_url:
        _score_model(wanted)
        return
    hours: list[DescribedHour] = []
    seconds: list[float] = []
    began = time.process_time()
    for one in describe_hours(read_all_hours(REAL_BARS)):
        hours.append(one)
        seconds.append(time.process_time() - began)
        began = time.process_time()
    if wanted.sentences:
        lines = [f"{one.hour.start:%m-%d %H:%M} {text}" for one in hours for text in one.texts]
        print("\n".join(lines[number * len(lines) // wanted.sentences] for number in range(wanted.sentences)))
        return
    sessions = len({one.hour.session for one in hours})
    print_table(f"Insights by the rules: {sessions} real sessions of 50 stocks", ("", ""), rows_of(hours, seconds[1:]))


def _score_model(wanted: argparse.Namespace) -> None:
    hours = read_hours(REAL_BARS, wanted.hours)
    key = os.environ.get("OPENAI_API_KEY", "sk-stand-in")

    def settings(url: str) -> ModelSettings:
        return ModelSettings(
            openai_api_key=Secret(key),
            openai_base_url=url,
            insights_model=wanted.model,
            insights_api=wanted.api,
            insights_timeout_seconds=900,
        )

    if wanted.base_url != "stand-in":
        print_table("A model", ("", ""), asyncio.run(try_model(hours, settings(wanted.base_url))))
        return
    with serving(Fake()) as url:
        print_table("The stand-in model", ("", ""), asyncio.run(try_model(hours, settings(url))))


if __name__ == "__main__":
    main()
