"""Events that store can never process become dead letters whole, and nothing is lost."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.events import cloudevents
from shared.events.cloudevents import MAX_BYTES
from tests.store.fetched_events import example
from tests.store_harness import COMPANIES, REFUSED, Store, bar, fetched, hour


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("tech.stocksalot.bars.fetched.v1", b'{"interval": "1h"', "Input data was truncated"),
        ("tech.stocksalot.bars.fetched.v1", b"", "Input data was truncated"),
        ("tech.stocksalot.bars.fetched.v1", b"\xff\xfe\x00", "JSON is malformed"),
        (COMPANIES, b'{"source":"f","fetched_at":"2026-11-20T00:00:00Z","companies":[],"source":"g"}', "is given more"),
        ("tech.stocksalot.bars.fetched.v1", b"[]", "Expected `object`, got `array`"),
        ("tech.stocksalot.bars.fetched.v1", b'{"interval": "1h"}', "Object missing required field `source`"),
        ("tech.stocksalot.bars.fetched.v2", b"{}", "store does not know the type tech.stocksalot.bars.fetched.v2"),
        ("com.example.else", b"x", "store does not know the type com.example.else"),
        (
            COMPANIES,
            b'{"source": "f", "fetched_at": "2026-11-20", "companies": []}',
            "Invalid RFC3339 encoded datetime - at `$.fetched_at`",
        ),
        (REFUSED, example(REFUSED), json.loads(example(REFUSED))["reason"]),
    ],
)
def test_poison_is_kept_with_its_reason_and_not_sent_again(store: Store, kind: str, data: bytes, reason: str) -> None:
    """A 4xx would lose it, a 5xx would retry it for minutes: it is put aside whole and answered 2xx."""
    answers = [store.post(data, kind, "poison") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    (row,) = store.query("SELECT type, event_id, data, arrivals, reason FROM dead_letters")
    assert (row[:4], row[4][: len(reason)]) == ((kind, "poison", data, 2), reason)


@pytest.mark.parametrize(
    "data",
    [
        fetched({"AAPL": [bar(hour(0))]}, source="\0"),
        fetched({"AAPL": [bar(hour(0), "1." + "1" * 20_000)]}),
        fetched({"AAPL": [bar(hour(0))]}, at=datetime.now(UTC) + timedelta(hours=1)),
        fetched({"AAPL": [bar(hour(0))]}) | {"fetched_at": "9999-12-31T23:59:59Z"},
        fetched({"AAPL": [bar("9999-12-31T23:59:59-05:00")]}),
        fetched({"AAPL": [bar(hour(0))]}) | {"fetched_at": "0001-01-01T00:00:00+05:00"},
    ],
    ids=[
        "NUL in a source",
        "a price of 20,000 digits",
        "from the future",
        "from very far",
        "after the last instant",
        "before the first",
    ],
)
def test_what_postgres_or_the_clock_cannot_hold_is_poison_too(store: Store, data: dict[str, Any]) -> None:
    """It would fail again at each retry, or outrank all that comes after it."""
    answer = store.post(data)

    assert (answer.status_code, store.query("SELECT count(*) FROM dead_letters"), store.closes()) == (204, [(1,)], [])


def test_a_dead_letter_is_kept_whole_whatever_it_is(store: Store) -> None:
    """Attributes, bytes and the broker's error; it is counted when it comes again, and nothing is replied."""
    answer = store.post(
        b"\x00\xff no json",
        "com.example.any",
        "77",
        "/dead-letters",
        knativeerrordest="http://insights.stocksalot.svc.cluster.local",
        knativeerrorcode="500",
        knativeerrordata="c29ycnk=",
        hourcomplete="true",
    )
    store.post(b"\x00\xff no json", "com.example.any", "77", "/dead-letters", knativeerrorcode="503")

    assert (answer.status_code, answer.headers.get("ce-type")) == (204, None)
    ((attributes, data, reason, arrivals),) = store.query(
        "SELECT attributes, data, reason, arrivals FROM dead_letters WHERE event_id = '77'"
    )
    assert (data, arrivals, attributes["knativeerrorcode"]) == (b"\x00\xff no json", 2, "503")
    assert reason == "an unnamed subscriber answered 503 until the retries were used up"


def test_attributes_that_no_text_can_hold_are_kept_as_far_as_they_can(store: Store) -> None:
    """An id with a NUL is kept with a sign in its place, not retried for ever."""
    envelope = {"id": "a\0b", "source": "/s", "type": "com.example.any", "specversion": "1.0", "data": {}}

    answer = store.run(
        store.client.post("/", content=json.dumps(envelope), headers={"content-type": "application/cloudevents+json"})
    )

    assert (answer.status_code, store.query("SELECT event_id FROM dead_letters")) == (204, [("a\ufffdb",)])


def test_a_dead_letter_of_bars_stores_no_bars(store: Store) -> None:
    """A failed event waits for a person to look at it and send it again."""
    store.post(fetched({"AAPL": [bar(hour(0))]}), path="/dead-letters", knativeerrorcode="500")

    assert (store.closes(), store.query("SELECT count(*) FROM dead_letters")) == ([], [(1,)])


def test_a_series_that_cannot_be_stored_takes_no_other_with_it(store: Store) -> None:
    """The dead letter holds that series alone and can be sent again by itself."""
    event = fetched({"AAPL": [bar(hour(0))], "KO": [bar(hour(0), "1." + "1" * 20_000)], "A\0": [bar(hour(0))]})

    came = store.keep(event)

    assert came == {"inserted": 1, "revised": 0, "unchanged": 0, "rejected": 1}
    assert store.faults() == [("A\N{REPLACEMENT CHARACTER}", "ticker-unknown")]
    ((event_id, data),) = store.query("SELECT event_id, data FROM dead_letters")
    assert event_id == "1/KO"
    assert [one["ticker"] for one in json.loads(data)["series"]] == ["KO"]


def test_one_companys_name_takes_no_other_with_it(store: Store) -> None:
    """A NUL in a text is replaced; nothing reaches the dead letters."""
    companies = [{"ticker": "AAPL", "name": "App\0le"}, {"ticker": "KO", "name": "Coke"}]
    data = {"source": "finnhub", "fetched_at": hour(0).isoformat(), "companies": companies}

    answer = store.post(data, COMPANIES)

    assert answer.status_code == 204
    assert store.query("SELECT name FROM companies WHERE source = 'finnhub' ORDER BY ticker") == [
        ("App\N{REPLACEMENT CHARACTER}le",),
        ("Coke",),
    ]
    assert store.query("SELECT * FROM dead_letters") == []


def test_a_failure_of_our_own_is_never_a_4xx(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """RabbitMQ's dispatcher counts a 4xx as success: neither a lack of memory nor an event's size gets one."""

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    too_large = store.post(b" " * (MAX_BYTES + 1))
    monkeypatch.setattr(cloudevents, "from_http", fail)
    without_memory = store.post(fetched({"AAPL": [bar(hour(0))]}))

    assert [answer.status_code for answer in (too_large, without_memory)] == [500, 503]
