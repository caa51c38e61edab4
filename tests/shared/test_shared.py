"""Parts that every function uses: reading events, refusing requests, settings without leaks, and the clock."""

import asyncio
import json
import subprocess
import sys
import traceback
from collections.abc import Mapping

import pytest
from starlette.requests import Request
from starlette.responses import Response

from shared.events.cloudevents import MAX_BYTES, Received, receive, reply
from shared.events.types import TickRefused
from shared.http.endpoint import handle_problems
from shared.http.problem import Problem
from shared.runtime import log
from shared.runtime.settings import DatabaseSettings, read_settings

BINARY = {"ce-id": "1", "ce-source": "/s", "ce-type": "t", "ce-specversion": "1.0", "content-type": "application/json"}
STRUCTURED = {"content-type": "application/cloudevents+json"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def request(headers: Mapping[str, str], body: bytes = b"") -> Request:
    """A POST as a server hands it on."""

    async def receive() -> dict:
        return {"type": "http.request", "body": body, "more_body": False}

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": raw}, receive)


def received(headers: Mapping[str, str], body: bytes) -> Received:
    """The event of such a POST."""
    return asyncio.run(receive(request(headers, body)))


def test_binary_and_structured_events_read_alike() -> None:
    """Extensions and data do not depend on how an event was sent."""
    binary = received(BINARY | {"ce-job": "bars"}, b'{"x": 1}')
    structured = received(
        STRUCTURED,
        json.dumps(
            {"id": "1", "source": "/s", "type": "t", "specversion": "1.0", "job": "bars", "data": {"x": 1}}
        ).encode(),
    )

    assert (binary.id, binary.type, binary.attributes["job"], json.loads(binary.data)) == ("1", "t", "bars", {"x": 1})
    assert (structured.id, structured.type, structured.attributes["job"], json.loads(structured.data)) == (
        "1",
        "t",
        "bars",
        {"x": 1},
    )


def test_broken_json_is_still_an_event() -> None:
    """Data is validated by the handler of its type, so that a rejection has a reason."""
    assert received(BINARY, b'{"x":').data == b'{"x":'


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({}, b""),
        ({"content-type": "application/json"}, b"null"),
        ({"content-type": "application/json"}, b'{"x": 1}'),
        (STRUCTURED, b"[1]"),
        (STRUCTURED, b"{"),
        (STRUCTURED, b'{"specversion": "1.0", "source": "/s", "type": "t"}'),
        ({name: value for name, value in BINARY.items() if name != "ce-id"}, b"{}"),
        ({name: value for name, value in BINARY.items() if name != "ce-source"}, b"{}"),
        (BINARY | {"ce-type": ""}, b"{}"),
        (BINARY | {"ce-specversion": "9.9"}, b"{}"),
    ],
)
def test_what_is_no_cloudevent_is_refused_with_what_to_send(headers: Mapping[str, str], body: bytes) -> None:
    """Only a person or a stranger can have sent it: the broker sends valid events."""
    with pytest.raises(Problem) as refusal:
        received(headers, body)

    assert refusal.value.status == 400
    assert "ce-specversion" in refusal.value.body["detail"]


def test_a_giant_event_is_refused() -> None:
    """A body beyond the limit is refused before it fills the memory; with 500, for a broker loses what is 4xx."""
    with pytest.raises(Problem) as refusal:
        received(BINARY, b" " * (MAX_BYTES + 1))

    assert refusal.value.status == 500


def test_a_reply_is_an_event_that_can_be_received() -> None:
    """The reply of one function can be delivered to the next, trace and extensions included."""
    refused = TickRefused(reason="r", tick_id="1", tick_data="")
    log.TRACEPARENT.set(TRACE)
    response = reply(refused, source="ingest", event_id="e", extensions={"job": "bars"})
    log.TRACEPARENT.set(None)

    event = received(dict(response.headers), bytes(response.body))
    assert (event.id, event.type) == ("e", TickRefused.TYPE)
    assert event.attributes["traceparent"] == TRACE
    assert TickRefused.from_json(event.data).reason == "r"


def answer(failure: Exception, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response when a handler raises *failure*."""

    @handle_problems
    async def handler(request: Request) -> Response:
        raise failure

    return asyncio.run(handler(request(headers or {})))


def test_a_problem_is_answered_as_problem_json() -> None:
    """RFC 9457: type, title, status, detail, instance, and members of its own."""
    response = answer(
        Problem(404, "no-such-ticker", "No such ticker", "There is no ABC.", headers={"X": "y"}, ticker="ABC")
    )

    assert (response.status_code, response.headers["content-type"], response.headers["x"]) == (
        404,
        "application/problem+json",
        "y",
    )
    assert json.loads(bytes(response.body)) == {
        "type": "https://stocksalot.tech/problems/no-such-ticker",
        "title": "No such ticker",
        "status": 404,
        "detail": "There is no ABC.",
        "ticker": "ABC",
        "instance": "/",
    }


def test_an_unforeseen_error_says_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    """The caller gets 500 and a request id; the text of the error goes to the log alone."""
    response = answer(RuntimeError("secret of the house"), {"x-request-id": "abc-1"})

    assert (response.status_code, response.headers["x-request-id"]) == (500, "abc-1")
    assert b"secret" not in bytes(response.body)
    assert "secret of the house" in caplog.text


def test_a_strange_request_id_is_replaced() -> None:
    """It goes into headers and logs: no line breaks, no novels."""
    assert answer(RuntimeError("x"), {"x-request-id": "a b" * 100}).headers["x-request-id"] != "a b" * 100


def test_a_log_line_carries_the_trace() -> None:
    """From tick to row to log line."""
    code = f"""
import logging
from shared.runtime import log
log.configure()
log.TRACEPARENT.set("{TRACE}")
log.REQUEST_ID.set("r1")
logging.getLogger("x").info("stored %d bars", 3)
"""
    line = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)

    assert (line["message"], line["trace"], line["request"], line["level"]) == (
        "stored 3 bars",
        "0af7651916cd43dd8448eb211c80319c",
        "r1",
        "info",
    )


def test_settings_name_the_variable_and_never_its_value() -> None:
    """A wrong DATABASE_URL holds a password: the error may not print it."""
    with pytest.raises(ValueError) as refusal:
        read_settings(DatabaseSettings, {"DATABASE_URL": "mysql://user:s3cret@host/db"})

    assert "DATABASE_URL" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize("url", ["postgresql://user:s3cret/x@host/db", "postgresql://user:x@host:s3cret/db"])
def test_an_address_that_a_driver_would_quote_is_refused_first(url: str) -> None:
    """A password with a slash looks like a port: the driver's complaint, with the password, would be in the log."""
    with pytest.raises(ValueError, match=r"DATABASE_URL: .*%2F") as refusal:
        read_settings(DatabaseSettings, {"DATABASE_URL": url})

    assert "s3cret" not in "".join(traceback.format_exception(refusal.value))


@pytest.mark.parametrize(
    "url", ["postgresql:///db?host=/run/postgresql", "postgresql://u:p@[::1]:5432/db", "postgresql://a:1,b:2/db"]
)
def test_every_form_of_address_that_libpq_knows_is_taken(url: str) -> None:
    """A socket, an IPv6 address, several hosts."""
    assert read_settings(DatabaseSettings, {"DATABASE_URL": url}).database_url.reveal() == url


def test_settings_do_not_show_secrets() -> None:
    """A settings object that lands in a log line gives nothing away."""
    settings = read_settings(DatabaseSettings, {"DATABASE_URL": "postgresql://user:s3cret@host/db"})

    assert "s3cret" not in repr(settings)
    assert settings.database_url.reveal().endswith("s3cret@host/db")


def test_an_empty_variable_counts_as_not_set() -> None:
    """A Secret made from a sample file has many empty values; each means its default."""
    settings = read_settings(DatabaseSettings, {"DATABASE_URL": "postgresql://host/db", "DATABASE_CONNECTIONS": ""})

    assert settings.database_connections == 4


def clock_says(setting: str) -> str:
    """Return the time of a fresh process under CLOCK=*setting*."""
    code = "from shared.runtime import clock; print(clock.now().isoformat(timespec='seconds'))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"CLOCK": setting}
    ).stdout.strip()


def test_processes_agree_on_a_replayed_clock() -> None:
    """Speed 0 stands still at the virtual instant, whenever it is read."""
    assert clock_says("2026-03-31T20:05:00+00:00 2020-01-01T00:00:00+00:00 0") == "2026-03-31T20:05:00+00:00"


def test_a_fast_clock_runs_ahead() -> None:
    """Ten real years at half speed are at least five virtual ones."""
    assert clock_says("2000-01-01T00:00:00+00:00 2016-11-22T00:00:00+00:00 0.5") >= "2004-12"
