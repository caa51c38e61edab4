"""PingSources tick when the clock says so, and as Knative's adapter would send it."""

import asyncio
import re
import socket
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from knative.local import schedule
from knative.local.schedule import Schedule
from shared.runtime import clock
from tests.runner.ticking import HOURLY, Ingress, holds, waits, with_ingress
from tests.waiting import wait_until_async


def test_it_ticks_through_a_weekend_and_a_change_of_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a replayed clock the events carry exactly the scheduled instants, in summer an hour of UTC earlier."""
    now = [datetime(2026, 3, 6, 21, 37, 30, tzinfo=UTC)]

    async def wait_for_instant(instant: datetime) -> float:
        await asyncio.sleep(0)
        now[0] = instant
        await asyncio.sleep(0.01)  # what is sent carries this instant
        return 0

    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(schedule, "wait_for_instant", wait_for_instant)
    ingress = Ingress(202)

    async def scenario(kept: Schedule) -> None:
        running = asyncio.create_task(kept.run())
        await wait_until_async(lambda: holds(ingress, 4))
        running.cancel()

    with_ingress(ingress, scenario)

    times = sorted(headers["ce-time"] for headers, _ in ingress.got[:4])  # sent side by side
    assert times == ["2026-03-06T21:38:00Z", "2026-03-06T21:39:00Z", "2026-03-09T14:31:00Z", "2026-03-09T14:32:00Z"]


def test_it_waits_on_a_fast_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CLOCK at 30 times the speed, a minute's ticks come two seconds apart."""
    start = datetime(2026, 11, 23, 15, 30, 45, tzinfo=UTC)
    monkeypatch.setattr(clock, "_REPLAY", (start, datetime.now(UTC), 30.0))
    ingress = Ingress(202)
    began = time.monotonic()

    async def scenario(kept: Schedule) -> None:
        running = asyncio.create_task(kept.run())
        await wait_until_async(lambda: holds(ingress, 2))
        running.cancel()

    with_ingress(ingress, scenario)

    assert time.monotonic() - began > 2
    assert [headers["ce-time"][11:16] for headers, _ in ingress.got] == ["15:31", "15:32"]


def test_after_sleep_each_job_catches_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 85 minutes of sleep, with eleven missed ticks of two PingSources, each job gets one tick."""
    start = datetime(2026, 11, 23, 15, 20, tzinfo=UTC)
    now = [start]
    woken = asyncio.Event()

    async def wait_for_instant(instant: datetime) -> float:
        await woken.wait()
        if instant > now[0]:
            await asyncio.Event().wait()
        return (instant - now[0]).total_seconds()

    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(schedule, "wait_for_instant", wait_for_instant)
    close = replace(HOURLY, name="bars-close", schedule="1-9,30-40 11 * * 1-5")
    insights = replace(HOURLY, name="insights", schedule="43 10-15 * * 1-5", extensions={"job": "insights"})
    ingress = Ingress(202)

    async def scenario(kept: Schedule) -> None:
        running = asyncio.create_task(kept.run())
        await wait_until_async(lambda: waits(kept))
        now[0] = start + timedelta(minutes=85)
        woken.set()
        await wait_until_async(lambda: holds(ingress, 2))
        await asyncio.sleep(0.05)
        running.cancel()

    with_ingress(ingress, scenario, HOURLY, close, insights)

    assert sorted(headers["ce-job"] for headers, _ in ingress.got) == ["bars", "insights"]


def test_a_clock_that_is_put_back_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two hours back, the next tick is the next instant of the new time, and that is what is shown."""
    now = [datetime(2026, 11, 23, 17, 35, 30, tzinfo=UTC)]
    shown: list[datetime] = []

    async def wait_for_instant(instant: datetime) -> float:
        await asyncio.sleep(0.01)
        shown.append(kept[0].next["bars"])
        if len(shown) == 1:
            now[0] -= timedelta(hours=2)
            return 7200
        now[0] = max(now[0], instant)
        return (instant - now[0]).total_seconds()

    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(schedule, "wait_for_instant", wait_for_instant)
    kept: list[Schedule] = []
    ingress = Ingress(202)

    async def scenario(running: Schedule) -> None:
        kept.append(running)
        task = asyncio.create_task(running.run())
        await wait_until_async(lambda: holds(ingress, 2))
        task.cancel()

    with_ingress(ingress, scenario)

    assert [f"{instant:%H:%M}" for instant in shown[:3]] == ["17:36", "15:36", "15:37"]


def test_a_clock_that_jumps_ahead_blocks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replayed clock that jumps a year ahead leads to one tick, not to a year's at once."""
    start = datetime(2026, 11, 23, 15, 30, 50, tzinfo=UTC)
    now = [start]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    monkeypatch.setattr(clock, "speed", lambda: 100.0)
    ingress = Ingress(202)

    async def scenario(kept: Schedule) -> None:
        running = asyncio.create_task(kept.run())
        await wait_until_async(lambda: waits(kept))
        now[0] = start + timedelta(days=365)
        await wait_until_async(lambda: holds(ingress, 1))
        running.cancel()

    with_ingress(ingress, scenario)

    assert len(ingress.got) == 1


def test_the_event_is_the_adapters() -> None:
    """A tick is a binary CloudEvent as Knative's adapter sends it, with an id and a trace of its own."""
    ingress = Ingress(202)

    async def scenario(kept: Schedule) -> None:
        assert (await kept.send(HOURLY)).accepted
        assert (await kept.send(HOURLY, '{"tickers": ["AAPL"]}')).accepted

    with_ingress(ingress, scenario)

    (first, data), (second, other) = ingress.got
    assert first["ce-specversion"] == "1.0"
    assert first["ce-type"] == "dev.knative.sources.ping"
    assert first["ce-source"] == "/apis/v1/namespaces/stocksalot/pingsources/bars"
    assert first["ce-job"] == "bars"
    assert first["content-type"] == "application/json"
    assert first["kn-namespace"] == "stocksalot"
    assert datetime.fromisoformat(first["ce-time"]).tzinfo is not None
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first["traceparent"])
    assert first["ce-id"] != second["ce-id"]
    assert first["traceparent"] != second["traceparent"]
    assert (data, other) == (b'{"a": 1}', b'{"tickers": ["AAPL"]}')


@pytest.mark.parametrize(
    ("statuses", "attempts", "accepted"),
    [
        ((202,), 1, True),
        ((503, 429, 202), 3, True),
        ((503,), 6, False),
        ((500, 202), 1, False),
        ((400, 202), 1, False),
    ],
)
def test_it_retries_what_the_adapter_retries(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    statuses: tuple[int, ...],
    attempts: int,
    accepted: bool,
) -> None:
    """503 and its like are tried five times more; 500, which the ingress answers without RabbitMQ, loses the event."""
    monkeypatch.setattr(schedule, "_PAUSES", (0.0,) * 5)
    ingress = Ingress(*statuses)
    outcome: list[bool] = []

    async def scenario(kept: Schedule) -> None:
        outcome.append((await kept.send(HOURLY)).accepted)
        assert kept.ticks["bars"].accepted is accepted

    with_ingress(ingress, scenario)

    assert (len(ingress.got), outcome) == (attempts, [accepted])
    assert ("Event is lost" in caplog.text) is not accepted


def test_no_ingress_is_retried_for_three_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without anybody listening, five retries follow with the adapter's pauses: 3.1 s in all."""
    pauses: list[float] = []
    sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: pauses.append(seconds) or sleep(0))
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unheard.getsockname()[1]}"

        async def live() -> bool:
            async with httpx.AsyncClient() as client:
                return (await Schedule([HOURLY], url, client).send(HOURLY)).accepted

        accepted = asyncio.run(live())

    assert accepted is False
    assert [pause for pause in pauses if pause] == [0.1, 0.2, 0.4, 0.8, 1.6]
