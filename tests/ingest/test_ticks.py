"""A tick is answered with one event or none."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.events.types import TickRefused
from tests.fake_vendors import exchange, utc
from tests.ingest.ingest_harness import FRIDAY_EVENING, ROOT, SESSIONS, IngestHarness, fetched


class TestTicks:
    """Requests to ingest and their responses."""

    def test_a_tick_is_answered_with_the_missing_bars(self, open_harness: Callable[..., IngestHarness]) -> None:
        """The reply is an event of ingest's own, named after the tick, with whole histories of as many as fit."""
        answer = open_harness().tick(id="abc", job="bars")
        event = fetched(answer)

        assert (answer.headers["ce-id"], answer.headers["ce-source"]) == ("abc", "/stocksalot/ingest")
        assert (event.interval, event.source, event.fetched_at) == ("1h", "simulated", FRIDAY_EVENING)
        assert len(event.series) == 16
        assert {len(one.bars) for one in event.series} == {420}
        assert {one.bars[0].start for one in event.series} == {event.series[0].start}

    def test_the_history_of_all_is_there_after_four_ticks(self, open_harness: Callable[..., IngestHarness]) -> None:
        """50 tickers, 60 sessions, each bar once, each event under 1 MiB; then nothing is due."""
        harness, sizes = open_harness(), []
        while (answer := harness.tick()).status_code == 200:
            sizes.append(len(answer.content))
            assert harness.post(answer.content, dict(answer.headers), store=True).status_code == 200

        opened = [session for session in SESSIONS if session.opens < FRIDAY_EVENING][-60:]
        expected = exchange().starts("1h", opened[0].opens, FRIDAY_EVENING)
        assert answer.status_code == 204
        assert len(sizes) == 4
        assert max(sizes) < 2**20
        assert harness.sql("SELECT DISTINCT count(*) FROM bars GROUP BY ticker") == [len(expected)]
        assert harness.sql("SELECT count(*) FROM bars") == [50 * len(expected)]

    def test_nothing_due_loads_neither_redis_nor_httpx(
        self, open_harness: Callable[..., IngestHarness], port: int
    ) -> None:
        """Most ticks find nothing to do: they pay for Postgres and for nothing else."""
        harness = open_harness()
        harness.track("KO")
        harness.work()
        code = """
import asyncio, sys
from functions_framework.aio import create_asgi_app

app = create_asgi_app("ingest", "functions/ingest/main.py", "http")
event = {b"ce-id": b"1", b"ce-source": b"/t", b"ce-type": b"dev.knative.sources.ping", b"ce-specversion": b"1.0"}
scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": list(event.items())}
sent = []

async def receive():
    return {"type": "http.request", "body": b""}

async def send(message):
    sent.append(message)

asyncio.run(app(scope, receive, send))
print(sent[0]["status"], [name for name in ("redis", "httpx", "numpy") if name in sys.modules])
"""
        environment = {
            **os.environ,
            "CLOCK": f"{FRIDAY_EVENING.isoformat()} {datetime.now(UTC).isoformat()} 0",
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert done.stdout.splitlines()[-1] == "204 []"

    @pytest.mark.parametrize(
        ("data", "attributes", "words"),
        [
            (b"{", {}, "Input data was truncated"),
            (b"\xff\xfe", {}, "JSON is malformed"),
            (b"null", {}, "Expected `object`, got `null`"),
            ({"ticker": "KO"}, {}, "unknown field `ticker`"),
            ({"start": "2026-11-20", "end": "2026-11-19"}, {}, "end 2026-11-19 lies before start 2026-11-20"),
            ({"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:00:00Z"}, {}, "is not after start"),
            ({"start": "2026-11-20T15:00:00"}, {}, "start"),
            ({"start": "soon"}, {}, "start"),
            ({"again": True}, {}, "need a start"),
            ({"again": True, "start": "2022-01-01"}, {}, "at most 5000 are fetched again"),
            ({"again": True, "start": "2026-11-19"}, {"job": "compare"}, "only bars are fetched again"),
            ({"start": "2026-11-21"}, {}, "start: 2026-11-21 lies in the future"),
            ({"tickers": ["KO", "ZZZZ", "FB"]}, {}, "tickers: FB, ZZZZ: not tracked"),
            ({"tickers": []}, {}, "tickers: names none"),
            ({"lookback_sessions": 0}, {}, "lookback_sessions"),
            ({"lookback_sessions": 3, "start": "2026-11-19"}, {}, "lookback_sessions: cannot go together"),
            ({}, {"job": "insights"}, "job: 'insights' is unknown"),
            ({"start": "2026-11-19"}, {"job": "companies"}, "profiles have no dates"),
            ({"tickers": ["ZZZZ"]}, {"job": "companies"}, "tickers: ZZZZ: not tracked"),
        ],
    )
    def test_what_can_never_be_done_is_refused_by_an_event(
        self, open_harness: Callable[..., IngestHarness], data: Any, attributes: dict[str, str], words: str
    ) -> None:
        """Never a 4xx, which the broker would take for success: store keeps the reason."""
        harness = open_harness()
        answer = harness.tick(data, id="bad-tick", **attributes)
        refused = TickRefused.from_json(answer.content)

        assert (answer.status_code, answer.headers["ce-type"]) == (200, TickRefused.TYPE)
        assert words in refused.reason
        assert refused.tick_id == answer.headers["ce-id"] == "bad-tick"
        assert harness.post(answer.content, dict(answer.headers), store=True).status_code == 204
        assert harness.sql("SELECT reason FROM dead_letters") == [refused.reason]

    def test_the_examples_on_disk_are_understood(self, open_harness: Callable[..., IngestHarness]) -> None:
        """The tick of the examples is worked off, and a refusal has the shape of the other example."""
        example = json.loads((ROOT / "tests/examples/dev.knative.sources.ping.json").read_text())
        harness = open_harness()
        event, refused = fetched(harness.tick(example)), harness.tick({"start": "2027-01-04"})

        assert [one.ticker for one in event.series] == ["AAPL", "BRK.A"]
        assert (event.series[0].start, event.series[0].end) == (utc("2025-11-03 14:30"), utc("2026-10-30 20:00"))
        assert refused.json()["reason"] == "start: 2027-01-04 lies in the future"

    def test_a_request_that_is_no_cloudevent_is_refused(self, open_harness: Callable[..., IngestHarness]) -> None:
        """It cannot have come through the broker: problem+json, 400."""
        answer = open_harness().post(b"{}", {"content-type": "application/json"})

        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")

    def test_another_event_is_let_go_with_a_warning(
        self, open_harness: Callable[..., IngestHarness], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Only a wrong Trigger can send it; an error would be retried for minutes."""
        harness = open_harness()
        with caplog.at_level(logging.WARNING):
            answer = harness.tick(type="tech.stocksalot.bars.stored.v1")

        assert answer.status_code == 204

    @pytest.mark.parametrize("ticker", ["ko", "KO"])
    def test_a_tick_may_name_tickers(self, open_harness: Callable[..., IngestHarness], ticker: str) -> None:
        """In any case; only they are asked for."""
        assert [one.ticker for one in fetched(open_harness().tick({"tickers": [ticker]})).series] == ["KO"]

    def test_a_structured_event_is_a_tick_too(self, open_harness: Callable[..., IngestHarness]) -> None:
        """The other content mode of CloudEvents over HTTP."""
        event = {"id": "1", "source": "/t", "type": "dev.knative.sources.ping", "specversion": "1.0", "job": "bars"}
        body = json.dumps(event | {"data": {"tickers": ["KO"]}}).encode()
        answer = open_harness().post(body, {"content-type": "application/cloudevents+json"})

        assert [one.ticker for one in fetched(answer).series] == ["KO"]

    def test_the_trace_is_handed_on_and_logged(
        self, open_harness: Callable[..., IngestHarness], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The line of a tick says what was due, asked, spent, kept, dropped, of whom, and belongs to the trace."""
        trace = "0af7651916cd43dd8448eb211c80319c"
        harness = open_harness()
        harness.track("KO")
        capsys.readouterr()
        headers = {"ce-id": "1", "ce-source": "/t", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}
        answer = harness.post(b"", headers | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

        assert trace in answer.headers["ce-traceparent"]
        assert {
            "message": "bars: due=1 asked=1 credits=0 bars=420 dropped=0 provider=simulated",
            "trace": trace,
        }.items() <= lines[-1].items()

    def test_without_postgres_the_tick_is_kept_by_the_broker(
        self, open_harness: Callable[..., IngestHarness], port: int
    ) -> None:
        """5xx makes it try again."""
        harness = open_harness(database_url=f"postgresql://postgres@127.0.0.1:{port}/none")

        assert harness.tick().status_code == 503
