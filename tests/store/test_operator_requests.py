"""Operators state splits and withdraw bars: at once, with a trace, and with clear refusals."""

from decimal import Decimal
from typing import Any

import pytest

from tests.store_harness import Store, bar, fetched, hour

RAW = [
    *(bar(hour(index), "1200", volume="7000") for index in range(7)),
    *(bar(hour(index, day=1), "120", volume="70000") for index in range(7)),
]


def request(store: Store, path: str, **data: Any) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the response to an operator's request."""
    answer = store.run(store.client.post(path, json=data))
    return answer.status_code, answer.json()


def known(store: Store, at: str) -> list[Decimal]:
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
    status, result = request(raw, "/splits", ticker="aapl", date="2026-11-17", ratio="10:1")
    again = request(raw, "/splits", ticker="AAPL", date="2026-11-17", ratio="10:1")[1]

    assert (status, result["bars"], result["state"], again["changed"]) == (200, 7, "applied", False)
    assert set(raw.closes()) == {"120"}
    assert raw.query("SELECT DISTINCT volume FROM bars") == [(70000,)]
    assert known(raw, "2026-11-20T15:00Z") == [1200] * 7 + [120] * 7


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
    """The refusal says what to change, and nothing is changed."""
    before = raw.closes()
    status, problem = request(raw, "/splits", **{"ticker": "AAPL", "date": "2026-11-17", "ratio": "10:1"} | changes)

    assert status == 400
    assert any(part in problem["detail"] for part in text.split("|")), problem["detail"]
    assert (raw.closes(), raw.query("SELECT count(*) FROM splits")) == (before, [(0,)])


def test_a_withdrawn_source_leaves_the_series_and_not_the_past(store: Store) -> None:
    """The other source's version stands again, other bars are gone, as_of reads all, and they can come again."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100"), bar(hour(1), "101")]}, source="other"))
    mine = fetched({"AAPL": [bar(hour(1), "111"), bar(hour(2), "112")]}, source="mine", at=hour(1, day=4))
    store.keep(mine, "2")

    preview = request(store, "/withdrawals", source="mine", reason="wrong file", preview=True)[1]
    result = request(store, "/withdrawals", source="mine", reason="wrong file", end="2026-11-16")[1]
    again = request(store, "/withdrawals", source="mine", reason="wrong file")[1]

    assert (preview["bars"], preview["changed"]) == (2, False)
    assert (result["bars"], result["replaced"], again["bars"]) == (2, 1, 0)
    assert store.closes() == ["100", "101"]
    assert known(store, "2026-11-20T15:00Z") == [100, 101]
    assert sorted(known(store, "2026-11-20T16:00Z")) == [100, 111, 112]
    assert store.query("SELECT reason FROM withdrawals") == [("wrong file",)]
    assert store.keep(mine, "3") == {"inserted": 1, "revised": 1, "unchanged": 0, "rejected": 0}


def test_a_withdrawal_keeps_to_its_window_and_tickers(store: Store) -> None:
    """Days are in New York, the last is included."""
    bars = [bar(hour(index, day=day), "100") for day in range(4) for index in range(2)]
    store.keep(fetched({"AAPL": bars, "MSFT": bars}, source="mine"))

    request(store, "/withdrawals", source="mine", reason="r", tickers=["aapl"], start="2026-11-17", end="2026-11-18")

    assert (len(store.closes("AAPL")), len(store.closes("MSFT"))) == (4, 8)
