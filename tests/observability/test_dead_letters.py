"""Dead letters of a Trigger wait in store, can be looked at, and can be sent again."""

import json

import httpx
import pytest

from functions.store.replay import SendError, replay
from knative.local.__main__ import main as command_line
from tests.observability.figures import figures
from tests.observability.receiver import Receiver
from tests.store_harness import BARS, COMPANIES, Store, bar, fetched, headers, hour
from tests.systems import StartSystem
from tests.waiting import wait_until

COMPANY = {"ticker": "AAPL", "name": "Apple, Incorporated", "industry": "Devices"}


def dead_letter(store: Store, event_id: str, **extensions: str) -> None:
    """Let the broker give an event up."""
    errors = {"knativeerrordest": "http://ingest", "knativeerrorcode": "500", **extensions}
    answer = store.post({"ticker": "Ä"}, "dev.knative.sources.ping", event_id, "/dead-letters", **errors)
    assert answer.status_code == 204, answer.text


def test_dead_letters_are_there_to_be_looked_at(store: Store) -> None:
    """GET /dead-letters lists event, sender, arrivals and reason; the metrics count them."""
    dead_letter(store, "1", job="bars")
    dead_letter(store, "1", job="bars")

    letters = store.run(store.client.get("/dead-letters")).json()

    assert letters["count"] == 1
    [letter] = letters["items"]
    assert (letter["type"], letter["event_id"], letter["arrivals"]) == ("dev.knative.sources.ping", "1", 2)
    assert letter["reason"] == "http://ingest answered 500 until the retries were used up"
    assert json.loads(letter["data"].encode().decode("unicode_escape")) == {"ticker": "Ä"}
    assert figures(store)["stocksalot_dead_letters"] == 1


def test_a_dead_letter_is_sent_again_as_it_came(store: Store, receiver: Receiver, database_url: str) -> None:
    """The broker gets the event with its own id, source, type, extensions and data, without what Knative added."""
    dead_letter(store, "1", job="bars", subject="Z%C3%BCrich")
    dead_letter(store, "2", job="companies")

    sent = replay(database_url, receiver.url)

    assert [letter.attributes["id"] for letter in sent] == ["1", "2"]
    _, sent_headers, body = receiver.taken[0]
    assert {name: sent_headers[f"ce-{name}"] for name in ("id", "source", "type", "specversion", "job", "subject")} == {
        "id": "1",
        "source": "/stocksalot/ingest",
        "type": "dev.knative.sources.ping",
        "specversion": "1.0",
        "job": "bars",
        "subject": "Z%C3%BCrich",
    }
    assert sent_headers["content-type"] == "application/json"
    assert not [name for name in sent_headers if name.startswith("ce-knative")]
    assert json.loads(body) == {"ticker": "Ä"}
    assert store.query("SELECT count(*) FROM dead_letters") == [(0,)]


def test_only_those_that_are_named_are_sent_again(store: Store, receiver: Receiver, database_url: str) -> None:
    """Ids choose; the others stay."""
    for event_id in ("1", "2", "3"):
        dead_letter(store, event_id)
    [(chosen,)] = store.query("SELECT id FROM dead_letters WHERE event_id = '2'")

    replay(database_url, receiver.url, [chosen])

    assert [one.headers["ce-id"] for one in receiver.taken] == ["2"]
    assert store.query("SELECT event_id FROM dead_letters ORDER BY 1") == [("1",), ("3",)]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (BARS, fetched({"AAPL": [bar(hour(0))]})),
        (COMPANIES, {"source": "finnhub", "fetched_at": "2026-11-20T12:00:00Z", "companies": [COMPANY]}),
    ],
)
def test_a_dead_letter_stays_until_its_effect_is_stored(
    store: Store, receiver: Receiver, database_url: str, kind: str, data: dict[str, object]
) -> None:
    """A broker that accepts an event and loses it loses nothing: the next replay sends it again, until store has it."""
    errors = {"knativeerrordest": "http://store", "knativeerrorcode": "503"}
    assert store.post(data, kind, "1", "/dead-letters", **errors).status_code == 204
    before = store.tables("bars", "companies")

    for _ in range(2):
        assert len(replay(database_url, receiver.url)) == 1
        assert store.query("SELECT count(*) FROM dead_letters") == [(1,)]
        assert store.tables("bars", "companies") == before
    _, sent, body = receiver.taken[-1]
    attributes = {name: value for name, value in sent.items() if name.startswith(("ce-", "content-type"))}
    for _ in range(2):
        answer = store.run(store.client.post("/", content=body, headers=attributes))
        assert answer.status_code in (200, 204)

    assert store.query("SELECT count(*) FROM dead_letters") == [(0,)]
    assert store.tables("bars", "companies") != before


def test_an_event_that_fails_again_is_one_dead_letter(store: Store, receiver: Receiver, database_url: str) -> None:
    """Store does not delete what it cannot store: the letter stays with its reason, and is counted twice."""
    assert store.post(b"{", BARS, "1").status_code == 204
    replay(database_url, receiver.url)
    _, sent, body = receiver.taken[-1]
    attributes = {name: value for name, value in sent.items() if name.startswith(("ce-", "content-type"))}

    assert store.run(store.client.post("/", content=body, headers=attributes)).status_code == 204

    assert store.query("SELECT event_id, arrivals FROM dead_letters") == [("1", 2)]


def test_what_the_broker_does_not_take_stays(store: Store, receiver: Receiver, database_url: str) -> None:
    """A dead letter is forgotten only once the broker has confirmed it."""
    dead_letter(store, "1")
    receiver.status = 500

    with pytest.raises(SendError, match="answered 500"):
        replay(database_url, receiver.url)
    receiver.close()
    with pytest.raises(SendError, match="does not answer"):
        replay(database_url, receiver.url)

    assert store.query("SELECT count(*) FROM dead_letters") == [(1,)]


def test_a_person_sends_a_dead_letter_again(start_system: StartSystem, capsys: pytest.CaptureFixture[str]) -> None:
    """`replay --list` shows what waits and why; `replay` gives it to the broker, whose Trigger delivers it."""
    environment = {"CLOCK": "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0", "HISTORY_SESSIONS": "2"}
    system = start_system("--manual", **environment)
    folder = str(system.folder)
    tick = headers("dev.knative.sources.ping", "lost-1", job="bars", knativeerrorcode="503", knativeerrordest="x")
    address = f"{system.gateway()}/stocksalot/store/dead-letters"
    assert httpx.post(address, headers=tick, json={}, timeout=60).status_code == 204

    assert command_line(["replay", "--folder", folder, "--list"]) == 0
    shown = capsys.readouterr().out
    assert command_line(["replay", "--folder", folder]) == 0
    output = capsys.readouterr().out
    wait_until(lambda: system.get("/latest")["count"] == 50, 60)
    assert command_line(["replay", "--folder", folder]) == 0

    assert "dev.knative.sources.ping" in shown
    assert "lost-1" in shown
    assert output == "sent again: 1 dev.knative.sources.ping: x answered 503 until the retries were used up\n"
    assert capsys.readouterr().out == "no dead letters\n"
