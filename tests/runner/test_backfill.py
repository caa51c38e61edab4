"""The verb `tick bars --start`: its measure has the window of its ticks, and reads what the ticks stored."""

import asyncio
from functools import partial
from typing import Any

import pytest
from rich.console import Console

from functions.ingest.ticks import requested_window
from knative.local.client import TickResult
from knative.stocksalot import history
from shared.events.types import BarsFetched, Tick
from tests.fake_vendors import utc

NOW = utc("2026-11-28 12:00")


@pytest.mark.parametrize("end", ["2026-11-20", "2026-11-20T18:00:00+00:00"])
def test_the_measure_has_the_end_of_the_tick(end: str) -> None:
    """A day is inside whole, an instant is outside, in both."""
    window = requested_window(Tick(start="2026-11-20", end=end), NOW, 60)
    measured = history.coverage_query({"start": "2026-11-20", "end": end, "tickers": ["KO", "V"]})

    assert window is not None
    assert measured["tickers"] == "KO,V"
    if len(end) > 10:
        assert measured["end"] == end
    else:
        assert (measured["end"], window.end) == ("2026-11-21", utc("2026-11-21 05:00"))


class Client:
    """A runner whose /coverage is one answer late."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.ticks = 0

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the response of /coverage: after the tick the old one once more."""
        self.asked.append(query)
        missing = 0 if self.ticks and len(self.asked) > 2 else 7
        counts = {"expected": 7, "present": 7 - missing, "not_fetched": missing, "none_at_provider": 0, "rejected": 0}
        return {"totals": counts}

    async def tick(self, name: str, data: object) -> TickResult:
        """A tick that fetches everything."""
        self.ticks += 1
        return TickResult(200, BarsFetched.TYPE)


class FullClient(Client):
    """A runner whose bars are all stored, but one that the provider lacked; two ticks lead to requests."""

    def __init__(self, *, lacks: int) -> None:
        super().__init__()
        self.lacks = lacks
        self.data: list[Any] = []

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the responses of /coverage and /status."""
        if path == "/api/status":
            return {"providers": []}
        assert "again" not in query
        counts = {"expected": 7, "present": 7 - self.lacks, "not_fetched": 0, "rejected": 0}
        return {"totals": counts | {"none_at_provider": self.lacks}}

    async def tick(self, name: str, data: object) -> TickResult:
        """A tick for which two parts of the tickers are due."""
        self.data.append(data)
        return TickResult(200, BarsFetched.TYPE) if len(self.data) <= 2 else TickResult(204, None)


@pytest.mark.parametrize(("again", "lacks", "ticks"), [(False, 1, 3), (True, 0, 3), (False, 0, 0)])
def test_each_ticker_is_requested_once_in_a_run(
    monkeypatch: pytest.MonkeyPatch, again: bool, lacks: int, ticks: int
) -> None:
    """Ticks with the same `requested_before`, until one leads to nothing; none where all bars are stored."""
    monkeypatch.setattr(history, "_FRESH_PAUSE_SECONDS", 0)
    client: Any = FullClient(lacks=lacks)
    data = {"start": "2026-11-20"} | ({"again": True} if again else {})

    assert asyncio.run(history.backfill(client, data, wait=False, console=Console()))

    assert len(client.data) == ticks
    assert len({one["requested_before"] for one in client.data}) == min(ticks, 1)
    assert all(one.get("again", False) == again for one in client.data)


class PausingClient(FullClient):
    """A runner whose provider pauses after the first tick that led to a request, and serves again later."""

    codes = (200, 204, 204, 200, 204, 204)

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the responses of /coverage and /status: a pause at first."""
        if path != "/api/status":
            return await super().get(path, **query)
        free = {"used": 0, "limit": None}
        pause = {"since": "", "until": "", "reason": ""} if len(self.data) < 4 else None
        return {"providers": [{"provider": "yahoo", "keys": 1, "minute": free, "day": free, "pause": pause}]}

    async def tick(self, name: str, data: object) -> TickResult:
        """The next tick."""
        self.data.append(data)
        code = self.codes[len(self.data) - 1]
        return TickResult(code, BarsFetched.TYPE if code == 200 else None)


def test_a_run_that_waits_outlasts_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --wait it ends when a tick that could have requested something did not."""
    monkeypatch.setattr(history, "_FRESH_PAUSE_SECONDS", 0)
    monkeypatch.setattr(history, "_next_minute", partial(asyncio.sleep, 0))
    client: Any = PausingClient(lacks=0)

    assert asyncio.run(history.backfill(client, {"start": "2026-11-20", "again": True}, wait=True, console=Console()))

    assert len(client.data) == len(client.codes)


def test_one_day_is_filled_by_one_tick(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """--start D --end D is the day D; an answer from before the tick is ignored."""
    monkeypatch.setattr(history, "_FRESH_PAUSE_SECONDS", 0)
    client: Any = Client()

    data = {"start": "2026-11-20", "end": "2026-11-20"}
    done = asyncio.run(history.backfill(client, data, wait=False, console=Console()))

    assert (done, client.ticks) == (True, 1)
    assert client.asked[0]["end"] == "2026-11-21"
    assert "7 of 7 bars are stored" in capsys.readouterr().out
