"""Operators state splits and withdraw bars: at once, with a trace, and with clear refusals."""

import asyncio
import json
from argparse import Namespace
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from knative.stocksalot import corrections
from shared.runtime import clock
from tests.store_harness import Store, bar, fetched, hour

RAW = [
    *(bar(hour(index), "1200", volume="7000") for index in range(7)),
    *(bar(hour(index, day=1), "120", volume="70000") for index in range(7)),
]


def request(store: Store, path: str, **data: Any) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the response to an operator's request."""
    answer = store.run(store.client.post(path, json=data))
    return answer.status_code, answer.json()


def known(store: Store, at: datetime) -> list[Decimal]:
    """The closes as they were known at an instant."""
    return [
        row[0] for row in store.query("SELECT close FROM bars_known_at(%s) WHERE ticker = 'AAPL' ORDER BY start", at)
    ]


@pytest.fixture
def raw(store: Store) -> Store:
    """Two sessions of raw prices with a 10:1 split between them."""
    store.keep(fetched({"AAPL": RAW}, source="replay"))
    store.query("DELETE FROM splits")
    return store


def test_a_stated_split_converts_the_bars_before_it(raw: Store) -> None:
    """Prices are divided, volumes multiplied, and as_of reads what was sent; the second time changes nothing."""
    before = clock.now()
    status, result = request(raw, "/splits", ticker="aapl", date="2026-11-17", ratio="10:1")
    again = request(raw, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")[1]

    assert (status, result["bars"], result["state"], again["changed"]) == (200, 7, "applied", False)
    assert set(raw.closes()) == {"120"}
    assert raw.query("SELECT DISTINCT volume FROM bars") == [(70000,)]
    assert known(raw, before) == [1200] * 7 + [120] * 7


def test_raw_bars_that_come_later_are_converted_on_arrival(raw: Store) -> None:
    """The file is read again, and an older part of it for the first time."""
    request(raw, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")

    same = raw.keep(fetched({"AAPL": RAW}, source="replay", at=hour(3, day=4)), "2")

    assert same == {"inserted": 0, "revised": 0, "unchanged": 14, "rejected": 0}
    assert set(raw.closes()) == {"120"}


def test_a_split_that_never_was_is_taken_back(raw: Store) -> None:
    """The bars are what they were."""
    request(raw, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")
    result = request(raw, "/splits", ticker="AAPL", date="2026-11-17", ratio="none")[1]

    assert (result["state"], result["bars"]) == ("refuted", 7)
    assert raw.closes() == ["1200"] * 7 + ["120"] * 7


@pytest.mark.parametrize(("ratio", "new"), [("3:1", "33.33"), ("1:20", "2000"), ("7:1", "14.29")])
def test_a_split_taken_back_leaves_the_exact_figures(store: Store, ratio: str, new: str) -> None:
    """Ratios that no decimal divides evenly, and a volume that a reverse split rounds."""
    before = [bar(hour(index), "100", volume="12345") for index in range(3)]
    store.keep(fetched({"AAPL": [*before, bar(hour(0, day=1), new)]}, source="replay"))
    store.query("DELETE FROM splits")
    figures = "SELECT open, high, low, close, volume FROM bars ORDER BY start LIMIT 3"
    stored = store.query(figures)

    request(store, "/splits", ticker="AAPL", date="2026-11-17", ratio=ratio)
    converted = store.query(figures)
    request(store, "/splits", ticker="AAPL", date="2026-11-17", ratio="none")

    assert converted != stored
    assert store.query(figures) == stored


@pytest.mark.parametrize("first", ["2026-11-17", "2026-11-18"])
def test_two_splits_are_taken_back_in_any_order(store: Store, first: str) -> None:
    """The bars before both are on the scale of the first day again."""
    bars = [*RAW, *(bar(hour(index, day=2), "60", volume="140000") for index in range(7))]
    store.keep(fetched({"AAPL": bars}, source="replay"))
    store.query("DELETE FROM splits")
    request(store, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")
    request(store, "/splits", ticker="AAPL", date="2026-11-18", ratio="2:1")
    converted = store.closes()

    for day in sorted(("2026-11-17", "2026-11-18"), reverse=first == "2026-11-18"):
        request(store, "/splits", ticker="AAPL", date=day, ratio="none")

    assert (set(converted), store.closes()) == ({"60"}, ["1200"] * 7 + ["120"] * 7 + ["60"] * 7)


def test_the_same_statement_twice_at_once_is_one_statement(raw: Store) -> None:
    """Of two requests at the same time one converts the bars, for a split and for its withdrawal."""

    async def together(ratio: str) -> list[bool]:
        body = json.dumps({"ticker": "AAPL", "date": "2026-11-17", "ratio": ratio})
        answers = await asyncio.gather(*(raw.client.post("/splits", content=body) for _ in range(2)))
        return sorted(answer.json()["changed"] for answer in answers)

    assert (raw.run(together("10:1")), set(raw.closes())) == ([False, True], {"120"})
    assert (raw.run(together("none")), raw.closes()) == ([False, True], ["1200"] * 7 + ["120"] * 7)


def test_a_statement_waits_for_bars_on_their_way(raw: Store) -> None:
    """Old bars that an event stores while the split is stated are converted too."""
    body = json.dumps({"ticker": "AAPL", "date": "2026-11-17", "ratio": "10:1"})
    raw.query("DELETE FROM bars WHERE start < %s", hour(3))
    late = fetched({"AAPL": RAW[:3]}, source="replay", at=hour(1, day=4))

    async def together() -> list[int]:
        async with await psycopg.AsyncConnection.connect(raw.database_url) as blocker:
            await blocker.execute("LOCK TABLE asked_windows IN ACCESS EXCLUSIVE MODE")
            event = asyncio.create_task(raw.send(late, event_id="late"))
            await asyncio.wait([event], timeout=0.3)
            statement = asyncio.create_task(raw.client.post("/splits", content=body))
            await asyncio.wait([statement], timeout=0.3)
            await blocker.rollback()
        return [(await one).status_code for one in (event, statement)]

    assert raw.run(together()) == [200, 200]
    assert set(raw.closes()) == {"120"}


def test_bars_on_the_new_scale_are_left_alone(store: Store) -> None:
    """A split stated for an adjusted history is recorded alone."""
    store.keep(fetched({"AAPL": [bar(hour(0), "120"), bar(hour(0, day=1), "121")]}))

    result = request(store, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")[1]

    assert (result["bars"], store.closes()) == (0, ["120", "121"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ratio": "ten"}, "10:1"),
        ({"ratio": "3:3"}, "change the number"),
        ({"ratio": "none"}, "has none on 2026-11-17"),
        ({"date": "2026-11-15"}, "closed on 2026-11-15"),
        ({"date": "2030-01-02"}, "closed|opened"),
        ({"ticker": "NOSUCH"}, "NOSUCH is not"),
        ({"shares": 3}, "unknown field"),
    ],
)
def test_a_wrong_statement_is_refused(raw: Store, changes: dict[str, Any], text: str) -> None:
    """The refusal says how to correct it, and nothing is changed."""
    before = raw.closes()
    status, problem = request(raw, "/splits", **{"ticker": "AAPL", "date": "2026-11-17", "ratio": "10:1"} | changes)

    assert status == 400
    assert any(part in problem["detail"] for part in text.split("|")), problem["detail"]
    assert (raw.closes(), raw.query("SELECT count(*) FROM splits")) == (before, [(0,)])


@pytest.mark.parametrize(
    ("path", "data", "text"),
    [
        ("/withdrawals", {"source": "x", "reason": "r", "end": "9999-12-31"}, "end should be from 1970-01-01"),
        ("/withdrawals", {"source": "x", "reason": "r", "start": "0001-01-01"}, "start should be from 1970-01-01"),
        ("/withdrawals", {"source": "x\0", "reason": "r"}, "source should not contain NUL"),
        ("/withdrawals", {"source": "x", "reason": "r\0"}, "reason should not contain NUL"),
        ("/withdrawals", {"source": "x", "reason": "r", "tickers": ["AAPL", "A\0"]}, "tickers should not contain NUL"),
        ("/splits", {"ticker": "A\0", "date": "2026-11-17", "ratio": "2:1"}, "ticker should not contain NUL"),
        ("/closings", {"date": "2026-11-17", "closes": "13:00\0"}, "closes should not contain NUL"),
    ],
)
def test_what_postgres_cannot_store_is_refused(store: Store, path: str, data: dict[str, Any], text: str) -> None:
    """400 names the field and says how to correct it."""
    status, problem = request(store, path, **data)

    assert (status, problem["detail"].startswith(text)) == (400, True), problem


def test_a_request_is_read_up_to_its_limit(store: Store) -> None:
    """413 after the part that is too much; the rest is not read."""
    read: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        for number in range(1000):
            read.append(number)
            yield b" " * 1000

    status = store.run(store.client.post("/splits", content=endless())).status_code

    assert (status, len(read)) == (413, 11)


def test_a_withdrawn_source_leaves_the_series_and_not_the_past(store: Store) -> None:
    """The other source's version stands again, other bars are gone, as_of reads all, and they can come again."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100"), bar(hour(1), "101")]}, source="other"))
    first = clock.now()
    mine = fetched({"AAPL": [bar(hour(1), "111"), bar(hour(2), "112")]}, source="mine", at=hour(1, day=4))
    store.keep(mine, "2")
    second = clock.now()

    preview = request(store, "/withdrawals", source="mine", reason="wrong file", preview=True)[1]
    result = request(store, "/withdrawals", source="mine", reason="wrong file", end="2026-11-16")[1]
    again = request(store, "/withdrawals", source="mine", reason="wrong file")[1]

    assert (preview["bars"], preview["changed"]) == (2, False)
    assert (result["bars"], result["replaced"], again["bars"]) == (2, 1, 0)
    assert store.closes() == ["100", "101"]
    assert known(store, first) == [100, 101]
    assert sorted(known(store, second)) == [100, 111, 112]
    assert store.query("SELECT reason FROM withdrawals") == [("wrong file",)]
    assert store.keep(mine, "3") == {"inserted": 1, "revised": 1, "unchanged": 0, "rejected": 0}


def test_a_withdrawal_keeps_to_its_window_and_tickers(store: Store) -> None:
    """Days are in New York, the last is included."""
    bars = [bar(hour(index, day=day), "100") for day in range(4) for index in range(2)]
    store.keep(fetched({"AAPL": bars, "MSFT": bars}, source="mine"))

    request(store, "/withdrawals", source="mine", reason="r", tickers=["aapl"], start="2026-11-17", end="2026-11-18")

    assert (len(store.closes("AAPL")), len(store.closes("MSFT"))) == (4, 8)


@pytest.mark.parametrize(
    ("stated", "left"),
    [("AAPL, msft", {"AAPL": 0, "MSFT": 0}), ("MSFT", {"AAPL": 1, "MSFT": 0}), (None, {"AAPL": 0, "MSFT": 0})],
)
def test_the_verb_withdraws_the_tickers_that_are_stated(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stated: str | None, left: dict[str, int]
) -> None:
    """Blanks around commas are no part of a name; without --tickers all are meant."""
    store.keep(fetched({"AAPL": [bar(hour(0), "1")], "MSFT": [bar(hour(0), "1")]}, source="mine"))

    withdraw_by_verb(store, monkeypatch, tmp_path, stated)

    assert {ticker: len(store.closes(ticker)) for ticker in left} == left


@pytest.mark.parametrize("stated", ["", "AAPL,", "AAPL,NOSUCH"])
def test_the_verb_withdraws_nothing_where_a_ticker_is_unknown(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stated: str
) -> None:
    """An empty name is none, and never all."""
    store.keep(fetched({"AAPL": [bar(hour(0), "1")], "MSFT": [bar(hour(0), "1")]}, source="mine"))

    with pytest.raises(AssertionError, match="should be tracked tickers"):
        withdraw_by_verb(store, monkeypatch, tmp_path, stated)

    assert (store.closes("AAPL"), store.closes("MSFT")) == (["1"], ["1"])


def test_an_empty_list_of_tickers_is_not_all(store: Store) -> None:
    """An empty list is refused: without a list all are meant."""
    status, problem = request(store, "/withdrawals", source="mine", reason="r", tickers=[])

    assert status == 400
    assert "leave it out" in problem["detail"]


def withdraw_by_verb(store: Store, monkeypatch: pytest.MonkeyPatch, folder: Path, tickers: str | None) -> None:
    """Run the verb `withdraw` against the store in this process."""

    class Client:
        """A runner whose store is in this process."""

        async def post_function(self, _: str, data: dict[str, Any]) -> dict[str, Any]:
            """The response, which has to be a success."""
            answer = await store.client.post("/withdrawals", json=data)
            assert answer.is_success, answer.text
            return answer.json()

        async def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(corrections, "find", lambda _: Client())
    stated = {"source": "mine", "reason": "r", "tickers": tickers, "start": None, "end": None, "yes": True}
    store.run(corrections.request_withdrawal(Namespace(**stated), folder))
