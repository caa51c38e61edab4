"""Bars are stored to the last digit, once, and with their earlier versions."""

import json

import pytest

from tests.store.fetched_events import example
from tests.store_harness import TRACE, Store, bar, fetched, hour, opened

NULLS = ((3, "100"), (4, "100"), (5, "101"))
"""Days of answers and the close of the same bar: new, seen again, revised."""


def test_the_example_is_stored_and_answered_with_what_came_of_it(store: Store) -> None:
    """The reply is an event that the broker can carry on: its own source, an id that a repetition repeats."""
    answer = store.post(example("tech.stocksalot.bars.fetched.v1"), event_id="tick-7")

    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in ("ce-type", "ce-source", "ce-id", "ce-hourcomplete")} == {
        "ce-type": "tech.stocksalot.bars.stored.v1",
        "ce-source": "/stocksalot/store",
        "ce-id": "stored:tick-7",
        "ce-hourcomplete": "false",
    }
    assert answer.json() == json.loads(example("tech.stocksalot.bars.stored.v1")) | {"inserted": 3, "unchanged": 0}


def test_a_ticker_that_reads_as_no_value_is_stored(store: Store) -> None:
    """In an array literal NULL without quotes is no text."""
    store.query("INSERT INTO tickers (ticker, name) VALUES ('NULL', 'Null')")

    came = [store.keep(fetched({"NULL": [bar(hour(0), close)]}, at=hour(0, day=day))) for day, close in NULLS]

    assert [(one["inserted"], one["revised"], one["unchanged"]) for one in came] == [(1, 0, 0), (0, 0, 1), (0, 1, 0)]
    assert store.query("SELECT ticker FROM asked_windows") == [("NULL",)]


def test_the_trace_goes_from_event_to_rows_and_reply(store: Store) -> None:
    """The reply and the rows that an event leaves carry the trace of its tick."""
    answer = store.post(fetched({"AAPL": [bar(hour(0)), bar(hour(1), low="101")]}))

    assert answer.headers["ce-traceparent"].split("-")[1] == TRACE
    assert store.query("SELECT trace_id FROM asked_windows UNION SELECT trace_id FROM rejected_bars") == [(TRACE,)]


def test_structured_and_binary_mode_are_the_same_event(store: Store) -> None:
    """A broker may send either."""
    envelope = {"id": "1", "source": "/s", "type": "tech.stocksalot.bars.fetched.v1", "specversion": "1.0"}
    store.post(fetched({"AAPL": [bar(hour(0))]}))

    answer = store.run(
        store.client.post(
            "/",
            content=json.dumps(envelope | {"data": fetched({"AAPL": [bar(hour(0))]})}),
            headers={"content-type": "application/cloudevents+json"},
        )
    )

    assert (answer.status_code, answer.json()["unchanged"]) == (200, 1)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 405), ("PUT", "/", 405), ("PUT", "/dead-letters", 405), ("POST", "/bars", 404), ("POST", "/", 400)],
)
def test_a_request_that_is_no_cloudevent_is_refused(store: Store, method: str, path: str, status: int) -> None:
    """It cannot have come from the broker, so a clear 4xx loses nothing."""
    answer = store.run(store.client.request(method, path, json={"hello": 1}))

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.headers.get("allow") == "POST") == (status == 405)


def test_prices_are_kept_to_the_last_digit(store: Store) -> None:
    """Decimals stay what they were, without zeros that say nothing; a volume the source does not have is unknown."""
    store.keep(
        fetched(
            {
                "AAPL": [bar(hour(0), open="253.820", high="311.019989", low="0.1736", close="254.00", volume="7E+2")],
                "BRK.A": [bar(hour(0), open=718140, high=718140.5, low="718140", close="718140.10", volume=None)],
            }
        )
    )

    assert store.query(
        "SELECT open::text, high::text, low::text, close::text, volume, source FROM bars ORDER BY ticker"
    ) == [
        ("253.82", "311.019989", "0.1736", "254", 700, "twelvedata"),
        ("718140", "718140.5", "718140", "718140.1", None, "twelvedata"),
    ]


def test_the_same_event_again_changes_nothing(store: Store) -> None:
    """Not a row, not the epoch, not even when it has bars to reject."""
    event = fetched({"AAPL": [bar(hour(0)), bar(hour(1), "101"), bar(hour(2), "0")], "NONE": [bar(hour(0))]})
    store.keep(event)
    before = store.tables()

    again = store.keep(event)

    assert (again, store.tables()) == ({"inserted": 0, "revised": 0, "unchanged": 2, "rejected": 2}, before)


def test_a_corrected_bar_is_a_revision_that_keeps_what_was_said(store: Store) -> None:
    """Nothing is overwritten without trace: who said what, from when until when."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100"), bar(hour(1), "101")]}))

    came = store.keep(
        fetched({"AAPL": [bar(hour(0), "100"), bar(hour(1), "102", volume=None)]}, at=hour(1, day=4)), "2"
    )

    assert came == {"inserted": 0, "revised": 1, "unchanged": 1, "rejected": 0}
    assert store.query("SELECT start, close, volume, revision, received_at FROM bars ORDER BY start") == [
        (hour(0), 100, 1000, 0, hour(0, day=4)),
        (hour(1), 102, None, 1, hour(1, day=4)),
    ]
    assert store.query("SELECT start, close, volume, revision, received_at FROM bar_revisions") == [
        (hour(1), 101, 1000, 0, hour(0, day=4))
    ]


def test_the_same_figures_written_otherwise_are_no_revision(store: Store) -> None:
    """1.50 is 1.5."""
    store.keep(fetched({"AAPL": [bar(hour(0), "1.5", volume="700")]}))

    came = store.keep(fetched({"AAPL": [bar(hour(0), "1.50", volume="700.0")]}, at=hour(1, day=4)), "2")

    assert (came["unchanged"], store.query("SELECT revision, received_at FROM bars")) == (1, [(0, hour(0, day=4))])


def test_an_older_answer_that_arrives_late_does_not_win(store: Store) -> None:
    """An event that waited in retries is older than what came meanwhile: it leaves a trace and is never served."""
    old = fetched({"AAPL": [bar(hour(0), "100")]}, at=hour(0, day=4))
    new = fetched({"AAPL": [bar(hour(0), "101")]}, at=hour(1, day=4))
    store.keep(new)

    late = store.keep(old)

    assert late == {"inserted": 0, "revised": 0, "unchanged": 1, "rejected": 0}
    assert store.query("SELECT close, revision, received_at FROM bars") == [(101, 0, hour(1, day=4))]
    assert store.query("SELECT close, revision, served_at FROM bar_revisions") == [(100, -1, None)]


def test_figures_that_come_back_stand_again(store: Store) -> None:
    """The newest correction of a provider is served, and a late middle answer does not undo that."""
    first, second, third = (
        fetched({"AAPL": [bar(hour(0), close)]}, at=hour(index, day=4))
        for index, close in enumerate(("100", "101", "100"))
    )
    for event in (first, third, second):
        store.keep(event)

    assert store.query("SELECT close, revision, seen_at FROM bars") == [(100, 0, hour(2, day=4))]
    assert store.query("SELECT close, revision FROM bar_revisions") == [(101, -1)]


def test_two_answers_of_one_instant_take_turns_once(store: Store) -> None:
    """The higher figures are served in any order, and a repetition of the others does not turn it back."""
    one, other = (fetched({"AAPL": [bar(hour(0), close)]}) for close in ("100", "101"))

    for event in (one, other, one, other, one):
        store.keep(event)

    assert store.query("SELECT close, revision FROM bars") == [(101, 1)]


def test_a_less_trusted_source_does_not_replace_a_more_trusted_one(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """The order of PROVIDERS decides, or a failover with thinner volume would rewrite good bars each time."""
    with opened(monkeypatch, database_url, redis_url, PROVIDERS="twelvedata,replay") as store:
        for number, source in enumerate(("replay", "twelvedata", "replay", "stranger")):
            store.keep(fetched({"AAPL": [bar(hour(0), f"10{number}")]}, source=source, at=hour(number, day=4)))

        assert store.query("SELECT close, source FROM bars") == [(101, "twelvedata")]
        assert store.query("SELECT close FROM bar_revisions ORDER BY revision") == [(103,), (102,), (100,)]


@pytest.mark.parametrize("order", [("simulated", "twelvedata"), ("twelvedata", "simulated")])
def test_simulated_bars_give_way_to_real_ones_and_never_the_reverse(store: Store, order: tuple[str, str]) -> None:
    """Whoever adds a key later gets the truth; whoever loses it keeps it. Neither is a bad tick beside the other."""
    given = {
        "simulated": [bar(hour(index), "100") for index in (0, 1, 2)],
        "twelvedata": [bar(hour(index), "900") for index in (0, 2)],
    }
    for index, source in enumerate(order):
        store.keep(fetched({"AAPL": given[source]}, source=source, at=hour(index, day=4)))

    real, simulated = (900, "twelvedata"), (100, "simulated")
    assert store.query("SELECT close, source FROM bars ORDER BY start") == [real, simulated, real]
    assert store.query("SELECT close, source FROM bar_revisions") == [simulated, simulated]
    assert store.faults() == []


def test_a_real_source_replaces_a_simulated_one_with_equal_figures(store: Store) -> None:
    """The same figures from a real source are real now, and the market version grows."""
    store.keep(fetched({"AAPL": [bar(hour(0))]}, source="simulated"))
    before = store.epoch()

    store.keep(fetched({"AAPL": [bar(hour(0))]}, at=hour(1, day=4)))

    assert (store.query("SELECT source, revision FROM bars"), store.epoch() > before) == ([("twelvedata", 1)], True)
