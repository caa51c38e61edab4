"""Traces: a tick and its events are one trace where a receiver is set; without one nothing is loaded."""

import asyncio
import os
import subprocess
import sys
from typing import Any

import httpx
from starlette.responses import Response

from shared.runtime.tracing import TracingMiddleware
from tests.observability.receiver import Receiver
from tests.systems import StartSystem
from tests.waiting import wait_until


def attributes(span: dict[str, Any]) -> dict[str, Any]:
    """The attributes of *span*, each as it was."""
    return {one["key"]: next(iter(one["value"].values())) for one in span["attributes"]}


def test_a_tick_its_events_and_all_who_work_on_them_are_one_trace(
    start_system: StartSystem, receiver: Receiver
) -> None:
    """Spans of ingest, store and insights hang on one another from the tick on, though each is another process."""
    environment = {
        "CLOCK": "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0",
        "HISTORY_SESSIONS": "5",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_EXPORTER_OTLP_HEADERS": "Authorization=Bearer%20abc",
    }
    system = start_system("--manual", **environment)
    system.tick()
    wait_until(lambda: {"ingest", "store", "insights"} <= {span["service"] for span in receiver.spans()}, 60)

    spans = receiver.spans()
    by_id = {span["spanId"]: span for span in spans}
    [insights] = [span for span in spans if span["service"] == "insights"][:1]
    store = by_id[insights["parentSpanId"]]
    ingest = by_id[store["parentSpanId"]]
    assert (insights["name"], store["name"]) == ("tech.stocksalot.bars.stored.v1", "tech.stocksalot.bars.fetched.v1")
    assert (ingest["service"], ingest["name"], store["service"]) == ("ingest", "dev.knative.sources.ping", "store")
    assert insights["traceId"] == store["traceId"] == ingest["traceId"]
    assert ingest["parentSpanId"], "the tick's own"
    assert attributes(ingest)["http.response.status_code"] == "200"
    assert attributes(ingest)["faas.coldstart"] is True
    assert int(ingest["startTimeUnixNano"]) <= int(ingest["endTimeUnixNano"]) <= int(store["startTimeUnixNano"])
    assert {(one.path, one.headers["authorization"]) for one in receiver.taken} == {("/v1/traces", "Bearer abc")}
    assert ingest["traceId"] in system.logs("store") or ingest["traceId"] in system.logs("insights")


def traced(app: Any, collector_url: str, *requests: tuple[str, dict[str, str]], drain: bool = True) -> list[int]:
    """The statuses that *app*, traced, answers to GETs of paths with headers; *drain*: end as the server does."""

    async def run() -> list[int]:
        one = TracingMiddleware(app, collector_url, "", "test")
        transport = httpx.ASGITransport(one, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            statuses = [(await client.get(path, headers=headers)).status_code for path, headers in requests]
        if drain:
            messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

            async def receive() -> Any:
                return next(messages)

            async def send(message: Any) -> None:
                assert message["type"].endswith(".complete")

            await one({"type": "lifespan"}, receive, send)
        return statuses

    return asyncio.run(run())


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers 503 to /fails, else 200."""
    await Response(status_code=503 if scope["path"] == "/fails" else 200)(scope, receive, send)


def test_spans_are_sent_before_the_process_ends(receiver: Receiver) -> None:
    """A function that is scaled to zero takes no spans with it; an error is marked, a first answer too."""
    statuses = traced(echo, receiver.url, ("/ohlc/AAPL", {}), ("/fails", {}))

    assert statuses == [200, 503]
    first, second = receiver.spans()
    assert (first["name"], second["name"]) == ("GET /ohlc", "GET /fails")
    assert (first["status"], second["status"]) == ({}, {"code": 2})
    assert (attributes(first)["faas.coldstart"], attributes(second)["faas.coldstart"]) == (True, False)
    assert first["parentSpanId"] == ""
    assert first["traceId"] != second["traceId"]


def test_whoever_wants_no_record_gets_none(receiver: Receiver) -> None:
    """A traceparent without the sampled flag makes no span."""
    unsampled = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}

    assert traced(echo, receiver.url, ("/", unsampled)) == [200]
    assert receiver.spans() == []


def test_a_receiver_that_is_away_costs_nothing_but_spans(receiver: Receiver) -> None:
    """Answers come all the same, and so does the end."""
    receiver.close()

    assert traced(echo, receiver.url, ("/", {}), ("/", {})) == [200, 200]


def test_nothing_is_loaded_where_no_receiver_is_named() -> None:
    """Without OTEL_EXPORTER_OTLP_ENDPOINT a function's start loads no telemetry, and an empty value is none."""
    program = (
        "import sys; from shared.runtime.server import _add_tracing; app = object(); "
        "assert _add_tracing(app, 'x') is app; "
        "print([name for name in sys.modules if 'telemetry' in name])"
    )
    for given in ({}, {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
        done = subprocess.run(
            [sys.executable, "-c", program], env={**environment, **given}, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == "[]"
