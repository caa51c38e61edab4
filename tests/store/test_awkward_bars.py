"""Bars as sources really give them: each is stored, revised or rejected with a reason that somebody can act on."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pytest

from functions.store.jumps import ClosePair, find_jumps
from functions.store.migrate import migrate
from tests.store_harness import Store, bar, fetched, hour

Row = dict[str, str]


# The rules for one bar

CHRISTMAS_EVE = datetime(2026, 12, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"close": None}, "price-missing"),
        ({"low": "NaN"}, "price-not-a-number"),
        ({"high": "Infinity"}, "price-absurd"),
        ({"open": "-100", "low": "-100"}, "price-not-positive"),
        ({"low": "0"}, "price-not-positive"),
        ({"high": "100000000"}, "price-absurd"),
        ({"low": "1E-400"}, "price-absurd"),
        ({"low": "100.01"}, "low-not-lowest"),
        ({"high": "99.99", "low": "99"}, "high-not-highest"),
        ({"open": "101"}, "high-not-highest"),
        ({"open": "99"}, "low-not-lowest"),
        ({"start": "2026-11-16T14:00:00Z"}, "outside-session"),  # before the opening
        ({"start": "2026-11-16T21:00:00Z"}, "outside-session"),  # the closing auction as a bar of its own
        ({"start": "2026-11-14T15:30:00Z"}, "outside-session"),  # a Saturday
        ({"start": "1971-01-01T15:30:00Z"}, "outside-session"),
        ({"start": "0001-01-01T00:00:00Z"}, "outside-session"),
        ({"start": "2026-11-16T15:00:00Z"}, "off-grid"),
        ({"start": "2026-11-16T14:30:00.000001Z"}, "off-grid"),
        ({"start": "2026-11-20T14:30:00Z"}, "unfinished"),  # fetched while it was in progress
        ({"start": "2026-11-20T15:30:00Z"}, "unfinished"),
        ({"start": "9999-12-31T23:59:59Z"}, "unfinished"),
    ],
)
def test_a_bar_that_cannot_be_true_is_rejected(store: Store, figures: dict[str, Any], reason: str) -> None:
    """It is kept as it came with its reason, and its neighbours are stored."""
    bad = bar(hour(1)) | figures

    came = store.keep(fetched({"AAPL": [bar(hour(0)), bad, bar(hour(2))]}, at=hour(0, day=4) + timedelta(minutes=30)))

    assert came == {"inserted": 2, "revised": 0, "unchanged": 0, "rejected": 1}
    assert store.faults() == [("AAPL", reason)]
    ((kept, detail),) = store.query("SELECT bar, detail FROM rejected_bars")
    assert {
        name: (value and Decimal(value).is_nan()) or value == bad[name] for name, value in kept.items()
    } == dict.fromkeys(("open", "high", "low", "close", "volume"), True)
    assert detail.endswith(".")


@pytest.mark.parametrize(
    ("figures", "reason"),
    [
        ({"volume": "-1"}, "volume-out-of-range"),
        ({"volume": "9223372036854775808"}, "volume-out-of-range"),
        ({"volume": "1000.5"}, "volume-not-whole"),
        ({"volume": "NaN"}, "volume-not-a-number"),
        ({"volume": "0", "high": "101"}, "volume-zero"),
    ],
)
def test_a_wrong_volume_is_rejected_alone(store: Store, figures: dict[str, Any], reason: str) -> None:
    """The prices are stored with the volume unknown, and the bar is in the ledger as it came."""
    bad = bar(hour(1)) | figures

    came = store.keep(fetched({"AAPL": [bar(hour(0)), bad]}))

    assert came == {"inserted": 2, "revised": 0, "unchanged": 0, "rejected": 1}
    assert store.faults() == [("AAPL", reason)]
    assert store.query("SELECT volume FROM bars ORDER BY start") == [(1000,), (None,)]
    assert store.query("SELECT bar ->> 'volume' FROM rejected_bars") == [(bad["volume"],)]


@pytest.mark.parametrize(
    ("start", "at", "reason"),
    [
        (CHRISTMAS_EVE.replace(hour=17, minute=30), CHRISTMAS_EVE.replace(hour=18), None),  # the half day's last
        (CHRISTMAS_EVE.replace(hour=18, minute=30), CHRISTMAS_EVE.replace(hour=21), "outside-session"),
        (datetime(2026, 11, 20, 20, 30, tzinfo=UTC), datetime(2026, 11, 20, 21, tzinfo=UTC), None),  # half an hour long
        (datetime(2026, 11, 20, 20, 30, tzinfo=UTC), datetime(2026, 11, 20, 20, 59, tzinfo=UTC), "unfinished"),
        (datetime(2026, 7, 2, 13, 30, tzinfo=UTC), datetime(2026, 7, 2, 15, tzinfo=UTC), None),  # summer
        (datetime(2026, 11, 20, 13, 30, tzinfo=UTC), datetime(2026, 11, 20, 15, tzinfo=UTC), "outside-session"),
    ],
)
def test_bars_follow_the_exchange_calendar(
    store: Store, monkeypatch: pytest.MonkeyPatch, start: datetime, at: datetime, reason: str | None
) -> None:
    """The exchange's calendar decides, not a list of hours."""
    monkeypatch.setattr("shared.runtime.clock._REPLAY", (at, at, 0.0))

    store.keep(fetched({"AAPL": [bar(start)]}, at=at))

    assert [fault for _, fault in store.faults()] == ([reason] if reason else [])
    assert len(store.closes()) == (not reason)


@pytest.mark.parametrize(
    ("ticker", "interval", "reason"),
    [
        ("NONE", "1h", "ticker-unknown"),
        ("aapl", "1h", "ticker-unknown"),
        ("MSFT", "1h", "ticker-inactive"),
        ("AAPL", "1d", "interval-derived"),
        ("AAPL", "2h", "interval-unknown"),
        ("AAPL", "", "interval-unknown"),
    ],
)
def test_what_is_not_tracked_is_rejected(store: Store, ticker: str, interval: str, reason: str) -> None:
    """Nobody would ever read it, or it could contradict what is derived."""
    migrate(store.database_url, tickers=("AAPL",))

    came = store.keep(fetched({ticker: [bar(hour(0))]}, interval=interval))

    assert (came["rejected"], store.faults(), store.query("SELECT * FROM bars")) == (1, [(ticker, reason)], [])


def test_an_unknown_interval_is_explained_in_plain_words(store: Store) -> None:
    """The detail lists the intervals of stored bars."""
    store.keep(fetched({"AAPL": [bar(hour(0))]}, interval="2h"))

    assert store.query("SELECT detail FROM rejected_bars") == [
        ("The interval should be one of 1min, 5min, 15min, 30min, 1h.",)
    ]


def test_a_bar_given_twice_is_one_bar(store: Store) -> None:
    """A double download is no fault."""
    assert store.keep(fetched({"AAPL": [bar(hour(0)), bar(hour(0), "100.00"), bar(hour(1))]})) == {
        "inserted": 2,
        "revised": 0,
        "unchanged": 0,
        "rejected": 0,
    }


def test_of_two_bars_that_contradict_each_other_the_last_is_stored(store: Store) -> None:
    """The other is kept with that reason; one that breaks a rule contradicts nobody."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100"), bar(hour(0), "101"), bar(hour(0), "102", low="103")]}))

    assert (store.closes(), store.faults()) == (
        ["101"],
        [("AAPL", "contradicted"), ("AAPL", "low-not-lowest")],
    )


# The rule for jumps: pure cases


class Case(NamedTuple):
    """Closes by hour as they are stored (s) and fetched (f), and the hours whose fetched close is rejected."""

    what: str
    stored: dict[int, int]
    fetched: dict[int, int]
    faults: dict[int, str]
    confirmed: bool = False


CASES = [
    Case("nothing happens", {0: 100}, {1: 101, 2: 99}, {}),
    Case("a split: the level persists", {0: 400}, {1: 100, 2: 101, 3: 99}, {}),
    Case("a reverse split", {0: 4}, {1: 40, 2: 41}, {}),
    Case("news: up by six tenths, to stay", {0: 100}, {1: 160, 2: 155}, {}),
    Case("just under the factor", {0: 100}, {1: 149}, {}),
    Case("just at the factor", {0: 100}, {1: 150}, {1: "jump-unconfirmed"}),
    Case("down just at the factor", {0: 150}, {1: 100}, {1: "jump-unconfirmed"}),
    Case("a single spike", {0: 100}, {1: 6500, 2: 100, 3: 101}, {1: "jump-refuted"}),
    Case("a single drop", {0: 100}, {1: 1, 2: 100}, {1: "jump-refuted"}),
    Case("two spikes of their own", {0: 100}, {1: 6500, 2: 3, 3: 100, 4: 101}, {1: "jump-refuted", 2: "jump-refuted"}),
    Case(
        "two bars at another level and back",
        {0: 100},
        {1: 200, 2: 201, 3: 100, 4: 101},
        {1: "jump-refuted", 2: "jump-refuted"},
    ),
    Case(
        "a session at another scale and back",
        {0: 100},
        dict.fromkeys(range(1, 8), 10000) | {8: 101, 9: 100},
        dict.fromkeys(range(1, 8), "jump-refuted"),
    ),
    Case(
        "two sessions at another level and back",
        {0: 100},
        dict.fromkeys(range(1, 15), 200) | {15: 101, 16: 100},
        {},
    ),
    Case(
        "a hundredfold that nobody leaves yet",
        {0: 100},
        {1: 10_000, 2: 10_001},
        {1: "jump-unconfirmed", 2: "jump-unconfirmed"},
    ),
    Case("a hundredfold for a whole session", {0: 100}, dict.fromkeys(range(1, 8), 10000), {}),
    Case(
        "an answer that starts at another scale",
        {},
        {0: 10_000, 1: 10_001} | dict.fromkeys(range(2, 9), 100),
        {0: "jump-refuted", 1: "jump-refuted"},
    ),
    Case("an answer that starts before a split", {}, {0: 1000, 1: 1001} | dict.fromkeys(range(2, 9), 100), {}),
    Case("a spike, then a split", {0: 400}, {1: 9000, 2: 100, 3: 101}, {1: "jump-refuted"}),
    Case("the newest, nobody follows", {0: 100}, {1: 101, 2: 220}, {2: "jump-unconfirmed"}),
    Case("the newest, a second source agrees", {0: 100}, {1: 101, 2: 220}, {}, confirmed=True),
    Case(
        "a second source says nothing of the others", {}, {0: 100, 1: 900, 2: 100}, {1: "jump-refuted"}, confirmed=True
    ),
    Case("the batch starts with a spike", {0: 100}, {1: 900, 2: 100, 3: 101}, {1: "jump-refuted"}),
    Case("the very first bar is the odd one", {}, {1: 900, 2: 100, 3: 101}, {1: "jump-refuted"}),
    Case("the very first bar, only one follows", {}, {1: 900, 2: 100}, {2: "jump-unconfirmed"}),
    Case("a lone bar", {}, {1: 900}, {}),
    Case("a hole of three weeks: any level may be true", {0: 100}, {500: 900}, {}),
    Case("a hole, and a spike after it", {0: 100}, {500: 900, 501: 200, 502: 201}, {500: "jump-refuted"}),
    Case("a follower beyond a hole confirms nothing", {0: 100}, {1: 220, 500: 221}, {1: "jump-unconfirmed"}),
    Case("the next stored bar confirms", {0: 100, 2: 210}, {1: 200}, {}),
    Case("the next stored bar refutes", {0: 100, 2: 101}, {1: 200}, {1: "jump-refuted"}),
    Case("bars stored at that level were accepted already", {0: 100, 1: 200}, {1: 201}, {}),
    Case("a stored spike is corrected", {0: 100, 1: 9000}, {1: 101}, {}),
    Case("after a refuted bar the stored one is the level", {0: 100, 1: 102}, {1: 900, 2: 103}, {1: "jump-refuted"}),
    Case("a split re-read over unadjusted bars", {0: 400, 1: 401, 2: 402}, {1: 100, 2: 101, 3: 99}, {}),
]


@pytest.mark.parametrize("case", CASES, ids=[case.what for case in CASES])
def test_a_jump_is_accepted_only_with_evidence(case: Case) -> None:
    """By the bars around it, stored or fetched, or by a second source."""
    at = {index: hour(0) + timedelta(hours=index) for index in case.stored.keys() | case.fetched.keys()}
    chain = [
        ClosePair(
            at[index],
            *(None if close is None else Decimal(close) for close in (case.stored.get(index), case.fetched.get(index))),
        )
        for index in sorted(at)
    ]

    faults = find_jumps(chain, confirmed=case.confirmed)

    assert {index: faults[at[index]].reason for index in at if at[index] in faults} == case.faults


def test_a_jump_is_judged_by_the_bars_stored_before(store: Store) -> None:
    """The newest bar waits until the next one says the same, and is stored with it."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100")]}))

    alone = store.keep(fetched({"AAPL": [bar(hour(1), "250")]}), "2")
    together = store.keep(fetched({"AAPL": [bar(hour(1), "250"), bar(hour(2), "251")]}), "3")

    assert (alone["rejected"], together["inserted"]) == (1, 2)
    assert (store.closes(), store.faults()) == (["100", "250", "251"], [("AAPL", "jump-unconfirmed")])


def test_a_second_source_confirms_the_newest_bar(store: Store) -> None:
    """`confirmed_by` on the series."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100")]}))

    came = store.keep(fetched({"AAPL": [bar(hour(1), "250")]}, confirmed_by="finnhub"), "2")

    assert (came["inserted"], store.closes()) == (1, ["100", "250"])


def test_a_bar_between_stored_ones_is_judged_by_both(store: Store) -> None:
    """A late bar that both neighbours refute is a bad tick."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100"), bar(hour(2), "101")]}))

    store.keep(fetched({"AAPL": [bar(hour(1), "250")]}), "2")

    assert (store.closes(), store.faults()) == (["100", "101"], [("AAPL", "jump-refuted")])


def test_a_simulated_bar_in_between_does_not_hide_the_real_one_before(store: Store) -> None:
    """A real bar is judged by the next real one, whatever was simulated since."""
    store.keep(fetched({"AAPL": [bar(hour(0), "100")]}))
    store.keep(fetched({"AAPL": [bar(hour(1), "100")]}, source="simulated"), "2")

    store.keep(fetched({"AAPL": [bar(hour(2), "250")]}), "3")

    assert (store.closes(), store.faults()) == (["100", "100"], [("AAPL", "jump-unconfirmed")])
