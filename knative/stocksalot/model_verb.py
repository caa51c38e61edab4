"""Verb `try-model`: ask the model of the settings once for the words of a simulated hour, and show each verdict."""

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from functions.ingest.providers.simulated import session_bars
from knative.local.environment import read_env
from knative.local.extension import AddParser
from knative.local.processes import ROOT
from shared.calendar.trading import EXCHANGE_ZONE, Session
from shared.events import types as events
from shared.runtime.settings import SettingsError, read_settings

if TYPE_CHECKING:
    from functions.insights.facts.hour import Bar, Hour
    from functions.insights.generation.editor import Choice
    from functions.insights.generation.result import ModelRun

_SESSIONS = 25
_BAR = 3
"""The bar of the session that is described: one in the middle."""
_NO_MODEL = "No model is set: put OPENAI_API_KEY, or OPENAI_BASE_URL of a server of your own, into .env."


def add_try_model(add: AddParser) -> None:
    """Add the verb."""
    add("try-model", help="ask the language model of .env once, and show the verdict on each sentence")


async def try_model(_: Namespace, __: Path) -> int:
    """Ask the model; 0 where it had a sentence accepted."""
    from functions.insights.facts.registry import fact_table
    from functions.insights.generation.editor import choose
    from functions.insights.generation.model_sentences import write_sentences
    from functions.insights.settings import ModelSettings

    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        settings = read_settings(ModelSettings, {**read_env(ROOT / ".env"), **os.environ})
    except SettingsError as error:
        console.print(f"{error}")
        return 1
    if not settings.has_model:
        console.print(_NO_MODEL)
        return 1
    hour = simulated_hour()
    facts = fact_table(hour)
    choices = choose(hour, facts)

    async def may_call() -> bool:
        return True

    where = settings.openai_base_url or "OpenAI"
    console.print(
        f"asking {settings.default_model or 'the first model'} at {where}, for up to "
        f"{settings.insights_timeout_seconds:.0f} s ..."
    )
    run = await write_sentences(choices, facts, settings, may_call)
    for line in result_lines(run, choices):
        console.print(line)
    return 0 if run.accepted + run.repaired else 1


def result_lines(run: "ModelRun", choices: "Sequence[Choice]") -> Iterator[str]:
    """Yield each call with its verdicts, and the sentence of each story."""
    for number, verdict in enumerate(run.verdicts, 1):
        yield from _call(number, verdict)
    for number, insight in enumerate(run.insights, 1):
        yield f"story {number}, {choices[number - 1].candidate.story.name}: {insight.generator}: {insight.template}"
    total = len(run.insights)
    accepted = run.accepted + run.repaired
    usage = f", {run.tokens_in} tokens in and {run.tokens_out} out" if run.tokens_in is not None else ""
    yield f"{accepted} of {total} sentences accepted ({run.repaired} after repair), {run.seconds:.1f} s{usage}"
    if not accepted:
        yield run.advice or "No sentence passed: readers get the sentences of the rules. Try a larger model."


def _call(number: int, verdict: Mapping[str, object]) -> Iterator[str]:
    outcome, advice = verdict["outcome"], verdict.get("advice")
    if outcome != "answered":
        yield f"call {number}: {outcome}{f': {advice}' if advice else ''}"
        return
    yield f"call {number}: answered, {verdict['accepted']} accepted"
    for text in verdict["proposed"]:  # pyright: ignore[reportGeneralTypeIssues]
        yield f"  proposed: {text}"
    for fault in verdict["faults"]:  # pyright: ignore[reportGeneralTypeIssues]
        yield f"  refused, story {fault['insight']}: {fault['code']}: {fault['detail']}"


def simulated_hour() -> "Hour":
    """Return an hour of the simulated market, the same every time: no database is needed."""
    from functions.insights.facts.hour import Hour
    from functions.store.catalogue import read_catalogue

    first = datetime(2026, 10, 19, 9, 30, tzinfo=EXCHANGE_ZONE)
    days = [first + timedelta(days=7 * (number // 5) + number % 5) for number in range(_SESSIONS)]
    sessions = [Session(day.date(), day.astimezone(UTC), (day + timedelta(hours=6.5)).astimezone(UTC)) for day in days]
    companies = read_catalogue()
    bars = {
        f"{company['ticker']}": {
            bar.start: _hourly_bar(bar)
            for session in sessions
            for bar in session_bars(f"{company['ticker']}", "1h", session)
        }
        for company in companies
    }
    industries = {f"{company['ticker']}": f"{company['industry']}" for company in companies}
    start = list(sessions[-1].starts("1h"))[_BAR]
    return Hour(start, sessions[-1], tuple(sessions[:-1]), tuple(sorted(bars)), bars, industries)


def _hourly_bar(bar: events.Bar) -> "Bar":
    from functions.insights.facts.hour import Bar

    prices: dict[str, Any] = {name: getattr(bar, name) for name in ("open", "high", "low", "close")}
    return Bar(start=bar.start, volume=int(bar.volume or 0), source="simulated", **prices)
