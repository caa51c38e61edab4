"""/events says when there is something new, and keeps nothing awake when nothing is expected."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from functions.api import event_stream
from tests.accounts import bearer, serving_tokens, wait_until_refused
from tests.reading import Bar, at, change, put, serving, serving_process
from tests.waiting import wait_until

FRIDAY = at("2026-11-20 20:30")
LAST_HOUR_IS_DUE = "2026-11-20T20:30:50+00:00"
"""Ten seconds before the bar that ends at 20:30 counts as finished."""


@pytest.fixture
def stored(database_url: str) -> str:
    """A bar of Friday at 18:30 and the insights of its hour."""
    put(database_url, [Bar("AAPL", at("2026-11-20 18:30"))])
    write_insights(database_url, "2026-11-20 18:30", 0)
    return database_url


def test_a_weekend_closes_the_stream_and_says_when_to_come_back(stored: str, redis_url: str) -> None:
    """It states what there is, and `retry` is the time until Monday's first bar, at most an hour."""
    put(stored, bars_of_all(stored))
    with serving(stored, redis_url) as api:
        whole = api.get("/events")

    assert whole.headers["content-type"].startswith("text/event-stream")
    assert whole.headers["cache-control"] == "no-store"
    [bars, insights] = events(whole.text)
    assert (bars["event"], bars["data"]["as_of"]) == ("bars", "2026-11-20T21:00:00Z")
    assert bars["data"]["next_update_at"].startswith("2026-11-23T15:31")
    assert insights["data"] == {"hour": "2026-11-20T18:30:00Z", "revision": 0}
    assert retries(whole.text) == [3_600_000]


def test_a_client_that_missed_nothing_receives_nothing(stored: str, redis_url: str) -> None:
    """The id of its last event is the state of the data; one of another kind of change lacks just the other."""
    with serving(stored, redis_url) as api:
        [bars, insights] = events(api.get("/events").text)
        assert events(api.get("/events", last_event_id=insights["id"]).text) == []
        assert events(api.get("/events", last_event_id=bars["id"]).text) == [insights]
        for made_up in ("", "x", ".", "9" * 500, "1.2.3.4.5"):
            assert len(events(api.get("/events", last_event_id=made_up).text)) == 2

        write_insights(stored, "2026-11-20 18:30", 1, redis_url)
        wait_until(lambda: len(events(api.get("/events", last_event_id=insights["id"]).text)) == 2)
        again = events(api.get("/events", last_event_id=insights["id"]).text)[-1]
        assert again["data"]["revision"] == 1
        put(stored, [Bar("MSFT", at("2026-11-20 19:30"))])
        change(stored, "SELECT 1", redis_url)
        # A process looks for another market version every tenth of a second.
        wait_until(lambda: events(api.get("/events", last_event_id=again["id"]).text))
        [newer] = events(api.get("/events", last_event_id=again["id"]).text)
        assert (newer["event"], newer["data"]["as_of"]) == ("bars", "2026-11-20T20:30:00Z")


def test_a_bar_that_comes_while_the_stream_is_open_is_told_at_once(stored: str, redis_url: str) -> None:
    """The connection stays open around the instant at which a bar is due."""
    with serving_process(stored, redis_url, LAST_HOUR_IS_DUE) as api:
        with api.client.stream("GET", "/events") as stream:
            lines = stream.iter_lines()
            first = until(lines, "insights")
            put(stored, [Bar("AAPL", at("2026-11-20 19:30"))])
            second = until(lines, "bars")

        assert "2026-11-20T19:30:00Z" in first[0]
        assert "2026-11-20T20:30:00Z" in second[-1]


def test_an_alert_is_told_to_its_account_alone(stored: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a token that may see alerts; the others receive what is public."""
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.7)
    with serving_tokens(stored, redis_url) as tokens, serving(stored, redis_url) as api:
        owner, other = tokens.person("owner-of-alerts"), tokens.person("other-owner")
        reader = owner.make(scopes=["read"])["token"]
        last = events(api.get("/events", 200, **owner.headers).text)[-1]
        fire(stored, owner.ask("GET", "/users/me").json()["id"])
        [alert] = events(api.get("/events", 200, **owner.headers, last_event_id=last["id"]).text)

        assert (alert["event"], alert["data"]) == ("alerts", {"fired_at": "2026-11-20T21:03:05Z"})
        assert events(api.get("/events", 200, **owner.headers, last_event_id=alert["id"]).text) == []
        for headers in (other.headers, bearer(reader), {}):
            assert events(api.get("/events", 200, **headers, last_event_id=last["id"]).text) == []


def test_a_revoked_token_is_told_of_no_alert(stored: str, redis_url: str) -> None:
    """Although its stream was open before; the stream ends."""
    with serving_tokens(stored, redis_url) as tokens, serving_process(stored, redis_url, LAST_HOUR_IS_DUE) as api:
        owner = tokens.person("revoked-owner")
        user_id = owner.ask("GET", "/users/me").json()["id"]
        with api.client.stream("GET", "/events", headers=owner.headers) as stream:
            lines = stream.iter_lines()
            until(lines, "insights")
            owner.ask("DELETE", "/tokens/current", 204)
            wait_until_refused(tokens.client, owner.token)
            fire(stored, user_id)
            rest = list(lines)

    assert "event: alerts" not in rest


def test_insights_and_alerts_are_waited_for_after_the_bars(
    stored: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All bars are there; for two minutes after they were due the client comes back at once."""
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.7)
    put(stored, bars_of_all(stored))
    for now, wait in (("2026-11-20T21:02:30+00:00", 1_000), ("2026-11-20T21:03:30+00:00", 3_600_000)):
        with serving(stored, redis_url, now) as api:
            assert retries(api.get("/events").text) == [wait]


def test_an_open_stream_ends_after_its_time(stored: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client comes back a second later; meanwhile the process may be asked to end."""
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 1.2)
    monkeypatch.setattr(event_stream, "_ALIVE_SECONDS", 0.1)
    with serving(stored, redis_url, "2026-11-20T20:30:59+00:00") as api:
        whole = api.get("/events").text

    assert retries(whole) == [1_000]
    assert ": alive" in whole


@pytest.mark.parametrize(
    ("now", "wait"),
    [("2026-11-20T20:31:10+00:00", 1_000), ("2026-11-20T20:46:10+00:00", 300_000)],
    ids=["late", "very late"],
)
def test_a_late_bar_is_waited_for_at_first(
    stored: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, now: str, wait: int
) -> None:
    """For a quarter of an hour the stream stays open; then the client asks every five minutes."""
    monkeypatch.setattr(event_stream, "STREAM_SECONDS", 0.7)
    with serving(stored, redis_url, now) as api:
        assert retries(api.get("/events").text) == [wait]


def test_streams_are_bounded(stored: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound a client is told to come back later, by an answer that does not end an EventSource."""
    monkeypatch.setattr(event_stream, "_MAX_STREAMS_OF_CALLER", 0)
    with serving(stored, redis_url) as api:
        assert api.get("/events").text == "retry: 300000\n\n"


def test_an_outage_is_no_error(redis_url: str) -> None:
    """An error would end an EventSource for good."""
    nowhere = "postgresql://nobody@127.0.0.1:9/nothing"
    with serving(nowhere, redis_url) as api:
        assert retries(api.get("/events").text) == [10_000]


def test_head_and_wrong_requests_are_answered(stored: str, redis_url: str) -> None:
    """HEAD has no stream; a parameter is refused in words."""
    with serving(stored, redis_url) as api:
        head = api.client.head("/events")
        assert (head.status_code, head.content) == (200, b"")
        assert api.get("/events?x=1", 400).json()["errors"][0]["parameter"] == "x"
        assert api.client.post("/events").status_code == 405


def bars_of_all(database_url: str) -> list[Bar]:
    """Friday's last bar of every ticker."""
    with psycopg.connect(database_url) as connection:
        return [Bar(ticker, FRIDAY) for (ticker,) in connection.execute("SELECT ticker FROM tickers WHERE active")]


def write_insights(database_url: str, start: str, revision: int, redis_url: str | None = None) -> None:
    """Store an hour of insights as the function insights does."""
    change(
        database_url,
        f"""
        INSERT INTO insight_hours (start, revision, "end", session, complete, missing, generator, verdicts, sources,
                                   written_at)
             VALUES ('{start}Z', {revision}, '{start}Z'::timestamptz + interval '1 hour', '2026-11-20', true, '{{}}',
                     'rules', '{{}}', '{{simulated}}', now())
        """,
    )


def fire(database_url: str, user_id: str) -> None:
    """Store an alert that fired, as the function alerts does."""
    change(
        database_url,
        f"""
        WITH rule AS (INSERT INTO alert_rules (user_id, ticker, kind, direction, amount, repeat, since, stated_at,
                                               created_at, changed_at)
                           VALUES ('{user_id}', 'AAPL', 'price', 'above', 50, 'always', now(), now(), now(), now())
                        RETURNING rule_id, user_id)
        INSERT INTO alert_firings (rule_id, user_id, kind, ticker, interval, start, round, "end", session, period,
                                   standing, condition, fired_at)
             SELECT rule_id, user_id, 'fired', 'AAPL', '1h', '2026-11-20 20:30Z', 0, '2026-11-20 21:00Z', '2026-11-20',
                    'x', true, '{{}}', '2026-11-20 21:03:05Z'
               FROM rule
        """,
    )


def until(lines: Iterator[str], name: str) -> list[str]:
    """Return the data lines up to the first event *name* and of it."""
    data: list[str] = []
    current = ""
    for line in lines:
        if line.startswith("event: "):
            current = line.removeprefix("event: ")
        if line.startswith("data: "):
            data.append(line)
            if current == name:
                return data
    raise AssertionError(f"the stream ended before an event {name}")


def events(text: str) -> list[dict[str, Any]]:
    """Return the events in *text* as a browser reads them."""
    found: list[dict[str, Any]] = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append({**fields, "data": httpx.Response(200, text=fields["data"]).json()})
    return found


def retries(text: str) -> list[int]:
    """Return what the stream says of coming back, in milliseconds, without the random part."""
    return [int(found) // 1000 * 1000 for found in re.findall(r"^retry: (\d+)$", text, re.MULTILINE)]
