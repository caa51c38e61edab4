"""Tick until the history is whole: after a start in silence, on request with a progress bar."""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knative.local.remote import Outcome, Remote
from knative.local.schedule import reach
from shared import clock
from shared.events import BarsFetched

log = logging.getLogger(__name__)
_JOB = "bars"
_IDLE_TICKS = 3
"""Ticks in a row that may bring nothing new before that is taken for the end."""


async def fill(remote: Remote) -> None:
    """Send ticks until no ticker is behind, a minute apart when a provider's budget is used up."""
    filled = idle = 0
    try:
        while idle < _IDLE_TICKS:
            outcome = await remote.tick(_JOB)
            if outcome.led_to == BarsFetched.TYPE:
                filled, idle = filled + 1, 0
                continue
            if outcome.code != 204:
                log.warning("the history could not be filled: %s", _explain(outcome))
                break
            if not (await remote.get("/api/status"))["behind"]:
                break
            idle += 1
            await _next_minute()
    except (httpx.HTTPError, ConnectionError) as error:
        log.warning("the history could not be filled: %s", error)
    log.info("%d ticks filled the history", filled)


async def backfill(remote: Remote, data: Mapping[str, Any], *, wait: bool, console: Console) -> bool:
    """Send ticks with *data* (start, perhaps end and tickers) and draw how much of that window is there.

    False when the window is not whole and nothing more can be had for now; with *wait* it goes on instead.
    """
    query = {name: ",".join(value) if isinstance(value, list) else value for name, value in data.items()}
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("bars", total=None)
        idle, there = 0, -1
        while True:
            totals = (await remote.get("/api/coverage", detail="totals", **query))["totals"]
            before, there = there, totals["expected"] - totals["not_fetched"]
            progress.update(task, description="bars", total=totals["expected"], completed=there)
            idle = 0 if there > before else idle + 1
            if totals["not_fetched"] == 0:
                console.print(_summary(totals))
                return True
            if idle >= _IDLE_TICKS:
                console.print("the last ticks brought nothing new; see `logs ingest` and `logs store`")
                return False
            outcome = await remote.tick(_JOB, data)
            if outcome.led_to == BarsFetched.TYPE:
                continue
            if not wait or outcome.code != 204:
                console.print(_explain(outcome))
                return False
            idle = 0
            progress.update(task, description="waiting for the provider's budget")
            await _next_minute()


def _summary(totals: Mapping[str, int]) -> str:
    missing = (f"{totals[name]} {name.replace('_', ' ')}" for name in ("rejected", "none_at_provider") if totals[name])
    return ", ".join((f"{totals['present']} of {totals['expected']} bars are there", *missing))


def _explain(outcome: Outcome) -> str:
    match outcome.code:
        case 204:
            return "nothing more can be had for now (the provider's budget is used up): again later, or with --wait"
        case 200:
            return f"ingest did not take the tick and answered {outcome.led_to}; store keeps it with the reason"
        case code:
            return f"ingest failed with {code}; see `logs ingest`"


async def _next_minute() -> None:
    """Wait for the shared clock's next minute: budgets count by them."""
    await reach(clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1))
