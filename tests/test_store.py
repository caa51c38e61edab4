"""Store: what it keeps, what it refuses and why, and that neither order nor repetition nor a crash changes that."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres
from shared.epoch import KEY
from tests.storing import COMPANIES, REFUSED, TRACE, Store, bar, fetched, headers, hour, opened
from tests.waiting import wait_until, wait_until_async

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "tests" / "examples"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Store]:
    """The function on a fresh database."""
    with opened(monkeypatch, database_url, redis_url) as one:
        yield one


def example(name: str) -> bytes:
    """The example of an event type."""
    return (EXAMPLES / f"{name}.json").read_bytes()


# What it is told and answers


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


def test_the_trace_goes_from_event_to_rows_and_reply(store: Store) -> None:
    """Which tick a row comes from can be looked up later."""
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
    [("GET", "/", 405), ("PUT", "/", 405), ("GET", "/dead-letters", 405), ("POST", "/bars", 404), ("POST", "/", 400)],
)
def test_what_is_no_event_is_told_so(store: Store, method: str, path: str, status: int) -> None:
    """It cannot have come from the broker, so a clear 4xx loses nothing."""
    answer = store.run(store.client.request(method, path, json={"hello": 1}))

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.headers.get("allow") == "POST") == (status == 405)


# What it keeps


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
    assert store.query("SELECT start, close, volume, revision, received_at, superseded_at FROM bar_revisions") == [
        (hour(1), 101, 1000, 0, hour(0, day=4), hour(1, day=4))
    ]


def test_the_same_figures_written_otherwise_are_no_revision(store: Store) -> None:
    """1.50 is 1.5, whichever source writes it so."""
    store.keep(fetched({"AAPL": [bar(hour(0), "1.5", volume="700")]}))

    came = store.keep(fetched({"AAPL": [bar(hour(0), "1.50", volume="700.0")]}, at=hour(1, day=4), source="other"), "2")

    assert (came["unchanged"], store.query("SELECT revision, received_at FROM bars")) == (1, [(0, hour(0, day=4))])


def test_an_older_answer_that_arrives_late_does_not_win(store: Store) -> None:
    """An event that waited in retries is older than what came meanwhile, and leaves its trace where it belongs."""
    old = fetched({"AAPL": [bar(hour(0), "100")]}, at=hour(0, day=4))
    new = fetched({"AAPL": [bar(hour(0), "101")]}, at=hour(1, day=4))
    store.keep(new)

    late = store.keep(old)

    assert late == {"inserted": 0, "revised": 0, "unchanged": 1, "rejected": 0}
    assert store.query("SELECT close, revision, received_at FROM bars") == [(101, 1, hour(1, day=4))]
    assert store.query("SELECT close, revision, superseded_at FROM bar_revisions") == [(100, 0, hour(1, day=4))]


def test_figures_that_come_back_stand_again(store: Store) -> None:
    """A provider that corrects its correction is believed, and a late middle answer does not undo that."""
    first, second, third = (
        fetched({"AAPL": [bar(hour(0), close)]}, at=hour(index, day=4))
        for index, close in enumerate(("100", "101", "100"))
    )
    for event in (first, third, second):
        store.keep(event)

    assert store.query("SELECT close, revision, received_at FROM bars") == [(100, 2, hour(2, day=4))]
    assert store.query("SELECT close, revision FROM bar_revisions ORDER BY revision") == [(100, 0), (101, 1)]


def test_two_answers_of_one_instant_take_turns_once(store: Store) -> None:
    """The later arrival is believed, and a repetition of the earlier does not turn it back."""
    one, other = (fetched({"AAPL": [bar(hour(0), close)]}) for close in ("101", "100"))

    for event in (one, other, one, other, one):
        store.keep(event)

    assert store.query("SELECT close, revision FROM bars") == [(100, 1)]


def test_a_less_trusted_source_does_not_replace_a_more_trusted_one(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """The order of PROVIDERS decides, or a fall-over with thinner volume would rewrite good bars each time."""
    with opened(monkeypatch, database_url, redis_url, PROVIDERS="twelvedata,replay") as store:
        for number, source in enumerate(("replay", "twelvedata", "replay", "stranger")):
            store.keep(fetched({"AAPL": [bar(hour(0), f"10{number}")]}, source=source, at=hour(number, day=4)))

        assert store.query("SELECT close, source FROM bars") == [(101, "twelvedata")]
        assert store.query("SELECT close FROM bar_revisions ORDER BY revision") == [(103,), (100,), (102,)]


@pytest.mark.parametrize("order", [("simulated", "twelvedata"), ("twelvedata", "simulated")])
def test_invented_bars_give_way_to_real_ones_and_never_the_reverse(store: Store, order: tuple[str, str]) -> None:
    """Whoever adds a key later gets the truth; whoever loses it keeps it. Neither is a bad tick beside the other."""
    told = {
        "simulated": [bar(hour(index), "100") for index in (0, 1, 2)],
        "twelvedata": [bar(hour(index), "900") for index in (0, 2)],
    }
    for index, source in enumerate(order):
        store.keep(fetched({"AAPL": told[source]}, source=source, at=hour(index, day=4)))

    real, invented = (900, "twelvedata"), (100, "simulated")
    assert store.query("SELECT close, source FROM bars ORDER BY start") == [real, invented, real]
    assert store.query("SELECT close, source FROM bar_revisions") == [invented, invented]
    assert store.faults() == []


def test_a_source_that_invents_what_is_true_is_named_no_longer(store: Store) -> None:
    """The same figures from a real source are no revision, but they are real now, and readers are told."""
    store.keep(fetched({"AAPL": [bar(hour(0))]}, source="simulated"))
    before = store.epoch()

    store.keep(fetched({"AAPL": [bar(hour(0))]}, at=hour(1, day=4)))

    assert (store.query("SELECT source, revision FROM bars"), store.epoch() > before) == ([("twelvedata", 0)], True)


# Whatever the order


PRICES = ("100", "101", "102")


@st.composite
def answers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events about the same few bars, each fetched at its own instant."""
    sources = ("twelvedata", "replay", "simulated")
    return [
        fetched(
            {
                ticker: [bar(hour(index), draw(st.sampled_from(PRICES))) for index in sorted(indexes)]
                for ticker in draw(st.sets(st.sampled_from(("AAPL", "MSFT")), min_size=1))
                if (indexes := draw(st.sets(st.integers(0, 2), min_size=1)))
            },
            at=hour(0, day=4) + timedelta(minutes=number),
            source=draw(st.sampled_from(sources)),
        )
        for number in range(draw(st.integers(2, 5)))
    ]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), events=answers())
def test_any_order_with_repetitions_gives_the_same_bars(store: Store, data: st.DataObject, events: list[dict]) -> None:
    """What stands in the end depends on what was answered, not on when it arrived."""
    told = []
    for arrivals in (events, data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))):
        store.query("TRUNCATE bars, bar_revisions, asked_windows")
        for event in arrivals:
            store.keep(event)
        told.append(
            (
                store.query(
                    "SELECT ticker, start, close, source, coalesce(seen_at, received_at) FROM bars ORDER BY 1, 2"
                ),
                store.query("SELECT ticker, interval, settled, asked_at FROM asked_windows ORDER BY 1"),
                # Every figure that was ever told is there, standing or behind.
                store.query(
                    "SELECT ticker, start, close FROM bars UNION SELECT ticker, start, close FROM bar_revisions"
                ),
            )
        )

    assert told[0][:2] == told[1][:2]
    assert set(told[0][2]) == set(told[1][2])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sources=st.lists(st.sampled_from(("twelvedata", "replay", "simulated")), min_size=2, max_size=6))
def test_any_order_gives_the_same_history_when_no_figure_comes_back(
    store: Store, data: st.DataObject, sources: list[str]
) -> None:
    """Then not only the bars but all their revisions are the same, to the last column."""
    ranks = {"simulated": 0, "replay": 1, "twelvedata": 1}
    events, close = [], 100
    for number, source in enumerate(sorted(sources, key=ranks.__getitem__)):
        close += data.draw(st.integers(0, 1))
        at = hour(0, day=4) + timedelta(minutes=number)
        events.append(fetched({"AAPL": [bar(hour(0), str(close))]}, source=source, at=at))
    told = []
    for arrivals in (events, data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))):
        store.query("TRUNCATE bars, bar_revisions, asked_windows")
        for event in arrivals:
            store.keep(event)
        told.append(store.tables("bars", "bar_revisions"))

    assert told[0] == told[1]


def test_overlapping_events_at_the_same_time_neither_lock_up_nor_differ(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """Twenty at once over the same bars, in any order of tickers, end like one after the other."""
    tickers = ("AAPL", "BA", "CAT", "DIS", "HD", "INTC", "KO", "MSFT", "NKE", "V")
    events = [
        fetched(
            {
                ticker: [bar(hour(index % 7, index // 7), f"{100 + number + index}") for index in range(number % 3, 28)]
                for ticker in (tickers if number % 2 else reversed(tickers))
            },
            at=hour(0, day=4) + timedelta(minutes=number),
        )
        for number in range(20)
    ]
    with opened(monkeypatch, database_url, redis_url, DATABASE_CONNECTIONS="20") as store:
        statuses = {answer.status_code for answer in store.post_together(events)}
        together = store.tables("bars", "bar_revisions")
        store.query("TRUNCATE bars, bar_revisions, asked_windows")
        for event in events:
            store.keep(event)

        assert (statuses, together) == ({200}, store.tables("bars", "bar_revisions"))


@pytest.mark.parametrize("table", ["bars", "asked_windows"])
def test_two_events_that_meet_in_the_middle_do_not_wait_for_each_other(store: Store, table: str) -> None:
    """Everyone writes in the order of the key: with a third holding one row, neither has what the other needs."""
    tickers = ["AAPL", "KO", "V"]
    bars = [bar(hour(0))] if table == "bars" else []
    events = [fetched(dict.fromkeys(some, bars)) for some in (tickers, tickers[::-1])]
    hold = {
        "bars": "INSERT INTO bars VALUES ('KO', '1h', %s, 1, 1, 1, 1, 1, 'held', 0, now())",
        "asked_windows": "INSERT INTO asked_windows VALUES ('KO', '1h', '{}', %s)",
    }[table]

    async def meet() -> list[int]:
        async with await psycopg.AsyncConnection.connect(store.database_url) as holder:
            await holder.execute(hold.encode(), [hour(0)])
            sent = [asyncio.create_task(store.send(event)) for event in events]
            await wait_until_async(waiting)
            await holder.rollback()
        return [answer.status_code for answer in await asyncio.gather(*sent)]

    async def waiting() -> bool:
        await asyncio.sleep(0)
        return store.query(
            """SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"""
        ) == [(2,)]

    assert store.run(meet()) == [200, 200]


def test_no_event_reads_the_whole_table(store: Store) -> None:
    """New, repeated, confirmed, corrected or late: plans are kept, and were made while the table was small."""
    for number in range(12):
        day, index = divmod(number, 7)
        for minute, close in ((1, "100"), (1, "100"), (2, "100"), (4, "101"), (3, "102"), (0, "103")):
            at = hour(0, day=4) + timedelta(minutes=minute)
            store.deliver(fetched({ticker: [bar(hour(index, day), close)] for ticker in ("AAPL", "MSFT")}, at=at))
    store.close()

    scans = wait_until(
        lambda: store.query(
            """SELECT relname, seq_scan FROM pg_stat_user_tables
                WHERE relname IN ('bars', 'bar_revisions') AND idx_scan > 100 ORDER BY 1"""
        )
    )
    assert scans == [("bar_revisions", 0), ("bars", 0)]


# What it remembers of questions


def windows(store: Store) -> list[tuple[Any, ...]]:
    """Ticker, settled windows and time of the last answer."""
    rows = store.query("SELECT ticker, settled, asked_at FROM asked_windows ORDER BY ticker")
    return [(ticker, [(one.lower, one.upper) for one in settled], at) for ticker, settled, at in rows]


def test_a_window_is_settled_once_the_provider_had_time(store: Store) -> None:
    """A bar that had ended 45 minutes before the answer; what is younger may still come."""
    store.keep(fetched({"AAPL": [], "NONE": []}, start=hour(0), end=hour(3), at=hour(2)))

    assert windows(store) == [("AAPL", [(hour(0), hour(1) - timedelta(minutes=45))], hour(2))]


def test_settled_windows_are_united_and_never_shrink(store: Store) -> None:
    """Whatever the order of the answers."""
    for index, (start, end) in enumerate(((hour(4), hour(6)), (hour(0), hour(2)), (hour(1), hour(3)))):
        store.keep(fetched({"AAPL": []}, start=start, end=end, at=hour(3 - index, day=2)))

    assert windows(store) == [("AAPL", [(hour(0), hour(3)), (hour(4), hour(6))], hour(3, day=2))]


@pytest.mark.parametrize(
    "event",
    [
        fetched({"AAPL": []}, source="simulated"),
        fetched({"AAPL": []}, start=hour(3), end=hour(0)),
        fetched({"AAPL": []}, start=hour(0), end=hour(0, day=4), at=hour(0) + timedelta(minutes=45)),
    ],
    ids=["invented", "the wrong way round", "too young"],
)
def test_what_settles_nothing(store: Store, event: dict[str, Any]) -> None:
    """It is still noted that somebody answered."""
    store.keep(event)

    assert [(ticker, settled) for ticker, settled, _ in windows(store)] == [("AAPL", [])]


def test_how_long_a_provider_has_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """SETTLE_MINUTES."""
    with opened(monkeypatch, database_url, redis_url, SETTLE_MINUTES="0") as store:
        store.keep(fetched({"AAPL": []}, start=hour(0), end=hour(3), at=hour(2)))

        assert windows(store)[0][1] == [(hour(0), hour(1))]


def test_the_hour_is_complete_with_the_last_active_ticker(store: Store) -> None:
    """Then insights wake; an inactive ticker is not waited for, and the hour is that of the event's newest bar."""
    migrate(store.database_url, tickers=("AAPL", "MSFT"))
    both = (hour(0), hour(1))

    told = [
        store.deliver(fetched({ticker: [bar(start) for start in starts]}, interval=interval)).headers["ce-hourcomplete"]
        for ticker, starts, interval in (
            ("AAPL", both, "1h"),
            ("MSFT", both[:1], "1h"),
            ("MSFT", both, "5min"),
            ("V", both, "1h"),
            ("MSFT", both, "1h"),
            ("AAPL", both, "1h"),
        )
    ]

    assert told == ["false", "true", "false", "false", "true", "true"]


# What readers are told


def test_the_epoch_grows_with_every_change_and_is_published(store: Store, redis_url: str) -> None:
    """Readers may keep an answer as long as it stands still."""
    epochs = [store.epoch()]
    for event in (
        fetched({"AAPL": [bar(hour(0))]}),
        fetched({"AAPL": [bar(hour(0), "101")]}, at=hour(1, day=4)),
        fetched({"AAPL": [bar(hour(1), "0")]}, at=hour(1, day=4)),
        fetched({"AAPL": []}, at=hour(2, day=4)),
    ):
        store.keep(event)
        epochs.append(store.epoch())
        with redis.Redis.from_url(redis_url) as cache:
            assert int(cache.get(KEY) or 0) == epochs[-1]  # pyright: ignore[reportArgumentType]
    store.keep(fetched({"AAPL": []}, at=hour(2, day=4)))

    assert [*epochs[1:], store.epoch()] == [epochs[0] + step for step in (1, 2, 3, 4, 4)]


def test_without_redis_everything_is_kept(
    monkeypatch: pytest.MonkeyPatch, database_url: str, free_port: Callable[[], int]
) -> None:
    """A cache that is down costs readers seconds, not data."""
    with opened(monkeypatch, database_url, f"redis://127.0.0.1:{free_port()}/0") as store:
        assert store.keep(fetched({"AAPL": [bar(hour(0))]}))["inserted"] == 1
        assert store.closes() == ["100"]


# Companies


def test_a_provider_replaces_the_catalogue(store: Store) -> None:
    """Name and all, also for those who list tickers."""
    answer = store.post(example(COMPANIES), COMPANIES)

    assert answer.status_code == 204
    assert store.query(
        """SELECT tickers.name, industry, market_cap_millions::text, shares_millions::text, source
             FROM companies JOIN tickers USING (ticker) WHERE source <> 'catalogue' ORDER BY ticker"""
    ) == [
        ("Apple Inc", "Technology", "3939828.207397", "14697.93", "finnhub"),
        ("Berkshire Hathaway Inc", None, "1037890", None, "finnhub"),
    ]


def company(name: str, at: datetime, ticker: str = "AAPL") -> dict[str, Any]:
    """The data of an event with one profile."""
    return {"source": "finnhub", "fetched_at": at.isoformat(), "companies": [{"ticker": ticker, "name": name}]}


def test_profiles_are_the_same_in_any_order(store: Store) -> None:
    """The newest answer stands; a repetition changes nothing, not even the epoch."""
    new, old = company("New", hour(1)), company("Old", hour(0))
    store.post(new, COMPANIES)
    before = store.tables()
    store.post(old, COMPANIES)
    store.post(new, COMPANIES)

    assert (store.tables(), store.query("SELECT name FROM tickers WHERE ticker = 'AAPL'")) == (before, [("New",)])


def test_a_profile_of_a_stranger_is_put_aside_and_the_others_kept(store: Store) -> None:
    """A slip in a provider's answer loses nothing."""
    event = company("Apple", hour(0))
    event["companies"].append({"ticker": "NONE", "name": "Nobody"})

    answer = store.post(event, COMPANIES)

    assert answer.status_code == 204
    assert store.query("SELECT name FROM companies WHERE source = 'finnhub'") == [("Apple",)]
    assert store.query("SELECT reason FROM dead_letters") == [("not tracked: NONE; the others were kept",)]


# What it can never do anything with


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        ("tech.stocksalot.bars.fetched.v1", b'{"interval": "1h"', "data: Invalid JSON"),
        ("tech.stocksalot.bars.fetched.v1", b"", "data: Invalid JSON"),
        ("tech.stocksalot.bars.fetched.v1", b"\xff\xfe\x00", "data: Invalid JSON"),
        ("tech.stocksalot.bars.fetched.v1", b"[]", "data: "),
        ("tech.stocksalot.bars.fetched.v1", b'{"interval": "1h"}', "source: Field required"),
        ("tech.stocksalot.bars.fetched.v2", b"{}", "store does not know the type tech.stocksalot.bars.fetched.v2"),
        ("com.example.else", b"x", "store does not know the type com.example.else"),
        (COMPANIES, b'{"source": "f", "fetched_at": "2026-11-20", "companies": []}', "fetched_at: "),
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
        fetched({"A\0": [bar(hour(0))]}),
        fetched({"AAPL": [bar(hour(0))]}, source="\0"),
        fetched({"AAPL": [bar(hour(0), "1." + "1" * 20_000)]}),
        fetched({"AAPL": [bar(hour(0))]}, at=datetime.now(UTC) + timedelta(hours=1)),
        fetched({"AAPL": [bar(hour(0))]}) | {"fetched_at": "9999-12-31T23:59:59Z"},
        fetched({"AAPL": [bar("9999-12-31T23:59:59-05:00")]}),
        fetched({"AAPL": [bar(hour(0))]}) | {"fetched_at": "0001-01-01T00:00:00+05:00"},
    ],
    ids=[
        "NUL in a ticker",
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


def test_a_dead_letter_of_bars_is_not_stored_by_the_way(store: Store) -> None:
    """What failed is for a person to look at and send again."""
    store.post(fetched({"AAPL": [bar(hour(0))]}), path="/dead-letters", knativeerrorcode="500")

    assert (store.closes(), store.query("SELECT count(*) FROM dead_letters")) == ([], [(1,)])


# When things break


def test_postgres_down_is_a_retry_and_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis_url: str
) -> None:
    """500 makes the broker send it again; once Postgres is back the same copy of the function goes on."""
    server = Postgres(tmp_path / "postgres", {"PATH": os.environ["PATH"]}, fast=True)
    server.start()
    try:
        migrate(server.url)
        with opened(monkeypatch, server.url, redis_url) as store:
            store.keep(fetched({"AAPL": [bar(hour(0))]}))
            server.stop()
            down = store.post(fetched({"AAPL": [bar(hour(1))]}), event_id="2")
            letter = store.post(b"{", event_id="3")
            server.start()
            wait_until(lambda: store.post(fetched({"AAPL": [bar(hour(1))]}), event_id="2").status_code == 200)

            assert (down.status_code, letter.status_code, store.closes()) == (500, 500, ["100", "100"])
            assert "Traceback" not in down.text
    finally:
        server.stop()


def test_an_error_between_commit_and_reply_is_healed_by_the_repetition(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bars are there, the broker does not know it and sends again: same table, and the reply goes out."""

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed here")

    event = fetched({"AAPL": [bar(hour(0)), bar(hour(1))]})
    with monkeypatch.context() as broken:
        broken.setattr(sys.modules["main"], "reply", fail)
        first = store.post(event).status_code
    before = store.tables()

    assert (first, store.closes()) == (500, ["100", "100"])
    assert (store.keep(event)["unchanged"], store.tables()) == (2, before)


@pytest.fixture
def serve(database_url: str, free_port: Callable[[], int]) -> Iterator[Callable[[str], tuple[subprocess.Popen, str]]]:
    """A function that starts the real server with a Redis of one's choice, and returns its process and address."""
    processes: list[subprocess.Popen] = []

    def start(redis_url: str) -> tuple[subprocess.Popen, str]:
        port = free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "K_SERVICE": "store",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
        }
        process = subprocess.Popen([sys.executable, "-m", "shared.serve"], cwd=ROOT, env=environment)
        processes.append(process)
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _listens(port), 20)
        return process, url

    yield start
    for process in processes:
        process.kill()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_killed_between_commit_and_reply_the_repetition_gives_the_same_table(
    database_url: str, redis_url: str, serve: Callable[[str], tuple[subprocess.Popen, str]]
) -> None:
    """kill -9 while it waits for a Redis that never answers: the rows are there, and the next copy adds none."""
    event = json.dumps(fetched({"AAPL": [bar(hour(0)), bar(hour(1))]}))
    reader = Store(httpx.AsyncClient(), None, database_url)  # pyright: ignore[reportArgumentType]
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process, url = serve(f"redis://127.0.0.1:{silent.getsockname()[1]}/0")
        with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1]))) as connection:
            lines = [f"{name}: {value}" for name, value in headers().items()]
            request = "\r\n".join(
                ["POST / HTTP/1.1", "host: store", f"content-length: {len(event)}", *lines, "", event]
            )
            connection.sendall(request.encode())
            wait_until(lambda: len(reader.closes()) == 2)
            process.send_signal(signal.SIGKILL)
            answered = connection.recv(1)
    before = reader.tables()
    _, url = serve(redis_url)

    again = httpx.post(url, content=event, headers=headers())

    assert answered == b""
    assert (again.status_code, again.json()["unchanged"], reader.tables()) == (200, 2, before)


def test_the_real_server_takes_events_and_refuses_the_rest(
    redis_url: str, serve: Callable[[str], tuple[subprocess.Popen, str]]
) -> None:
    """Over HTTP as Knative calls it."""
    _, url = serve(redis_url)

    answers = [
        httpx.post(url, content=example("tech.stocksalot.bars.fetched.v1"), headers=headers()),
        httpx.post(url, content=b"{", headers=headers()),
        httpx.post(f"{url}/dead-letters", content=b"x", headers=headers("any.type")),
        httpx.post(url, json={}),
        httpx.get(url),
    ]

    assert [answer.status_code for answer in answers] == [200, 204, 204, 400, 405]
    assert answers[0].headers["ce-type"] == "tech.stocksalot.bars.stored.v1"


def test_the_benchmark_still_runs(postgres_server: str, redis_url: str) -> None:
    """Whoever measures next finds it working; each case asserts that it does what its name says."""
    command = [
        sys.executable,
        "-m",
        "benchmarks.store",
        "--rounds",
        "2",
        "--url",
        postgres_server,
        "--redis",
        redis_url,
    ]

    printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert printed.count("store fresh") == 2
