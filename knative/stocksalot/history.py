"""History backfill: ticks until no bar is missing, without output after a start, with a progress bar on request."""

import asyncio
import logging
import math
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from knative.local.client import RefusedError, RunnerClient, TickResult
from knative.local.schedule import wait_for_instant
from shared.events.types import BarsFetched, TickRefused
from shared.runtime import clock

log = logging.getLogger(__name__)
_JOB = "bars"
_IDLE_TICKS = 3
"""Ticks in a row without a new bar, after which the backfill ends."""
_REPEATED_TICKS = 60
"""The same where nothing was left to fetch for the first time: each of these ticks fetches other tickers again."""
_FRESH_TRIES, _FRESH_PAUSE_SECONDS = 11, 0.5
"""A change that store could not publish is seen by readers five seconds later."""


async def fill_history(client: RunnerClient, has_data: asyncio.Event) -> None:
    """Send ticks until no ticker is behind; wait a minute when a provider's budget is used up."""
    filled = idle = 0
    try:
        while idle < _IDLE_TICKS:
            outcome = await client.tick(_JOB)
            has_data.set()
            if outcome.led_to == BarsFetched.TYPE:
                filled, idle = filled + 1, 0
                continue
            if outcome.code != 204:
                log.warning("the history could not be filled: %s", explain_tick(outcome))
                break
            if not (await client.get("/api/status"))["behind"]:
                break
            idle += 1
            await _next_minute()
        # With two providers their bars are compared each night; once now, so that there is something to see.
        await client.tick("compare")
    except (httpx.HTTPError, ConnectionError, RefusedError) as error:
        log.warning("the history could not be filled: %s", error)
    has_data.set()
    log.info("%d ticks filled the history", filled)


async def backfill(client: RunnerClient, data: Mapping[str, Any], *, wait: bool, console: Console) -> bool:
    """Send ticks with *data* (start, optionally end, tickers and again) and show the progress.

    What a provider lacked before is requested too, once. Return False when bars are still missing and no budget is
    left; with *wait* go on instead.
    """
    query = coverage_query({name: value for name, value in data.items() if name != "again"})
    ticks = {**data, "requested_before": clock.now().isoformat()}

    async def measure(before: Mapping[str, int] | None = None) -> dict[str, int]:
        totals = (await client.get("/api/coverage", detail="totals", **query))["totals"]
        for _ in range(_FRESH_TRIES if totals == before else 0):
            await asyncio.sleep(_FRESH_PAUSE_SECONDS)
            totals = (await client.get("/api/coverage", detail="totals", **query))["totals"]
            if totals != before:
                break
        return totals

    totals = await measure()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("bars", total=totals["expected"], completed=_known(totals))
        idle = waited = 0
        while idle < (_IDLE_TICKS if totals["not_fetched"] else _REPEATED_TICKS):
            if not data.get("again") and totals["present"] == totals["expected"]:
                break
            outcome = await client.tick(_JOB, ticks)
            before = totals
            totals = await measure(before if outcome.led_to == BarsFetched.TYPE and before["not_fetched"] else None)
            progress.update(task, description="bars", total=totals["expected"], completed=_known(totals))
            if outcome.led_to == BarsFetched.TYPE:
                idle, waited = (0 if _known(totals) > _known(before) else idle + 1), 0
            elif outcome.code == 204 and not totals["not_fetched"] and (waited or not wait) and await _may_ask(client):
                # No request although the budget allowed one: every ticker has been requested.
                totals = await measure(totals)
                break
            elif wait and outcome.code == 204:
                progress.update(task, description="waiting for the provider's budget")
                await _next_minute()
                waited += 1
            else:
                console.print(explain_tick(outcome))
                return False
    console.print(_summary(totals))
    return not totals["not_fetched"]


def explain_tick(outcome: TickResult) -> str:
    """Describe the result of a tick."""
    match outcome:
        case TickResult(204):
            return (
                "nothing is missing, or the provider's budget is used up, or it pauses after an outage "
                "(try again later, or with --wait)"
            )
        case TickResult(200, TickRefused.TYPE):
            return "ingest refused the tick; `replay --list` shows the reason"
        case TickResult(200, led_to):
            return f"done, and led to {led_to}"
        case TickResult(code):
            return f"failed with {code}: see `logs ingest`; an event that was not delivered is kept as a dead letter"


def coverage_query(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the query of /coverage for the window of a tick: there an end is outside, in a tick a day is inside."""
    query = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in data.items()}
    if (end := query.get("end")) and len(end) == len("2026-11-20"):
        query["end"] = (date.fromisoformat(end) + timedelta(days=1)).isoformat()
    return query


def _known(totals: Mapping[str, int]) -> int:
    return totals["expected"] - totals["not_fetched"]


def _summary(totals: Mapping[str, int]) -> str:
    why = {"rejected": "rejected", "none_at_provider": "not at the provider", "not_fetched": "not fetched"}
    rest = (f"{totals[name]} {text}" for name, text in why.items() if totals[name])
    return ", ".join((f"{totals['present']} of {totals['expected']} bars are stored", *rest))


async def _may_ask(client: RunnerClient) -> bool:
    """Return whether a provider of bars has credits left and does not pause."""
    providers = [one for one in (await client.get("/api/status"))["providers"] if one["provider"] != "finnhub"]
    return not providers or any(
        not one["pause"] and all(one[name]["used"] < (one[name]["limit"] or math.inf) for name in ("minute", "day"))
        for one in providers
    )


async def _next_minute() -> None:
    """Wait for the shared clock's next minute: budgets count by them."""
    minute = clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    while await wait_for_instant(minute) > 0:
        pass
