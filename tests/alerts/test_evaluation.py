"""Rules against bars: what fires, once however often an event comes, with the bar and its revision."""

import psycopg
import pytest

from tests.alerts_harness import Market, Owner, set_clock
from tests.reading import Bar, at, hours, put, sessions

EARLIER, LATER = "2026-11-20 14:30", "2026-11-20 15:30"
THURSDAY = "2026-11-19 20:30"
"""The last bar of the session before."""
NOW = "2026-11-20T16:32:00+00:00"
"""Two bars of the session are final."""


@pytest.fixture
def owner(market: Market) -> Owner:
    """An account."""
    return market.alerts.owner("owner")


def bar(start: str, price: str, ticker: str = "AAPL", volume: int | None = 1000) -> Bar:
    """A bar that closes half a dollar above *price*."""
    return Bar(ticker, at(start), price, volume)


def test_a_price_fires_with_its_bar_and_revision(market: Market, owner: Owner) -> None:
    """The text names the price, the bar, its revision and its source; the link leads to the bar."""
    owner.alert(amount=100)
    set_clock(NOW)
    market.store(bar(EARLIER, "100"))

    (firing,) = owner.firings()

    assert firing["text"] == (
        "AAPL is at $100.50, above $100.00. Bar of 2026-11-20 09:30-10:30 New York, revision 0, source simulated."
    )
    assert firing["bar"]["link"] == "/ohlc/AAPL?start=2026-11-20T14:30:00Z&end=2026-11-20T15:30:00Z"
    assert (firing["kind"], firing["price"], firing["bound"], firing["fired_at"]) == (
        "fired", 100.5, 100, "2026-11-20T16:32:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parts", "closes"),
    [
        ({"direction": "above", "amount": 101.5}, 0),
        ({"direction": "above", "amount": 101.4999}, 1),
        ({"direction": "below", "amount": 100.5}, 0),
        ({"direction": "below", "amount": 100.5001}, 1),
        ({"kind": "change", "basis": "previous_close", "direction": "up", "amount": 1.5}, 1),
        ({"kind": "change", "basis": "previous_close", "direction": "up", "amount": 1.51}, 0),
        ({"kind": "change", "basis": "previous_close", "direction": "down", "amount": 0.01}, 0),
        ({"kind": "change", "basis": "session_open", "direction": "any", "amount": 0.5}, 2),
        ({"kind": "change", "basis": "session_open", "direction": "up", "amount": 1}, 1),
    ],
)
def test_a_condition_holds_at_its_bound(market: Market, owner: Owner, parts: dict[str, object], closes: int) -> None:
    """Above and below are strict; a change counts from its amount on."""
    owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "kind": "price", "repeat": "always", **parts})
    set_clock(NOW)
    market.store(bar(THURSDAY, "99.5"), bar(EARLIER, "100"), bar(LATER, "101"))

    assert len(owner.firings()) == closes


def test_the_same_event_twice_fires_once(market: Market, owner: Owner) -> None:
    """Unique by rule and bar: also together with other bars, and at a tick."""
    owner.alert(repeat="always")
    set_clock(NOW)
    market.store(bar(EARLIER, "100"), times=3)
    market.store(bar(LATER, "100"), times=2)
    market.publish(bar(EARLIER, "100"), bar(LATER, "100"))
    market.alerts.tick()

    assert owner.fired() == [
        ("fired", "AAPL", "2026-11-20T14:30:00Z"),
        ("fired", "AAPL", "2026-11-20T15:30:00Z"),
    ]


@pytest.mark.parametrize(("repeat", "count"), [("once", 1), ("session", 2), ("always", 4)])
def test_a_rule_fires_as_often_as_it_says(market: Market, owner: Owner, repeat: str, count: int) -> None:
    """Once, once a session, or for each bar; of several bars at once the first counts."""
    rule = owner.alert(repeat=repeat)
    set_clock(NOW)
    market.store(bar(EARLIER, "100"), bar(LATER, "100"))
    set_clock("2026-11-23T17:00:00+00:00")
    market.store(bar("2026-11-23 14:30", "100"), bar("2026-11-23 15:30", "100"))

    assert len(owner.firings()) == count
    assert owner.fired()[0][2] == "2026-11-20T14:30:00Z"
    assert owner.ask("GET", f"/alerts/{rule['id']}").json()["state"] == ("done" if repeat == "once" else "active")


def test_a_rule_of_every_ticker_counts_each(market: Market, owner: Owner) -> None:
    """Once means once for each stock; one that is not above does not fire."""
    owner.alert("*", amount=100)
    set_clock(NOW)
    market.store(bar(EARLIER, "100"), bar(EARLIER, "200", "MSFT"), bar(EARLIER, "50", "KO"))
    market.store(bar(LATER, "100"), bar(LATER, "200", "MSFT"))

    assert sorted(one[1] for one in owner.fired()) == ["AAPL", "MSFT"]


def test_bars_from_before_the_rule_are_not_evaluated(market: Market, owner: Owner) -> None:
    """Neither bars stored before nor later ones; a resumed rule fires for no bar that ended while it was paused."""
    set_clock(NOW)
    owner.alert(repeat="always")
    market.store(bar(EARLIER, "100"), bar(LATER, "100"))
    assert owner.fired() == []
    paused = owner.alert(repeat="always")
    owner.ask("PATCH", f"/alerts/{paused['id']}", json={"state": "paused"})
    set_clock("2026-11-20T17:32:00+00:00")
    market.store(bar("2026-11-20 16:30", "100"))
    owner.ask("PATCH", f"/alerts/{paused['id']}", json={"state": "active"})
    market.publish(bar(EARLIER, "100"))

    assert len(owner.fired()) == 1


def test_only_final_bars_are_evaluated(market: Market, owner: Owner) -> None:
    """A bar that ended less than the grace time ago waits for the next event or tick."""
    owner.alert(repeat="always")
    set_clock("2026-11-20T16:30:59+00:00")
    market.store(bar(LATER, "100"))
    assert owner.fired() == []
    set_clock("2026-11-20T16:31:00+00:00")
    market.alerts.tick()

    assert len(owner.fired()) == 1


def test_a_late_bar_fires_for_days(market: Market, owner: Owner) -> None:
    """It fires although newer bars were evaluated before; after a week nobody waits for it any more."""
    owner.alert(repeat="always")
    set_clock("2026-11-23T17:00:00+00:00")
    market.store(bar("2026-11-23 14:30", "100"))
    market.store(bar(EARLIER, "100"))
    set_clock("2026-11-30T17:00:00+00:00")
    market.store(bar(LATER, "100"))

    assert [start for _, _, start in owner.fired()] == ["2026-11-20T14:30:00Z", "2026-11-23T14:30:00Z"]


def test_the_close_before_a_half_day_and_of_it(market: Market, owner: Owner) -> None:
    """Friday after Thanksgiving ends at one: its last bar is half an hour, and is the close that Monday has."""
    owner.ask("POST", "/alerts", 201, json={
        "ticker": "AAPL", "kind": "change", "basis": "previous_close", "direction": "up", "amount": 5,
        "repeat": "always",
    })  # fmt: skip
    set_clock("2026-11-27T18:05:00+00:00")
    market.store(bar("2026-11-25 20:30", "99.5"), bar("2026-11-27 17:30", "110"))
    set_clock("2026-11-30T15:32:00+00:00")
    market.store(bar("2026-11-30 14:30", "115"))
    market.store(bar("2026-11-30 14:30", "117", "MSFT"))

    firings = owner.firings()
    assert [one["bar"]["end"] for one in firings] == ["2026-11-27T18:00:00Z"]
    assert "10.50% above the previous close of $100.00" in firings[0]["text"]


def test_a_stock_without_its_basis_does_not_fire(market: Market, owner: Owner) -> None:
    """Without the close before, without enough sessions, of another source: there is no figure, so nothing is said."""
    for parts in (
        {"kind": "change", "basis": "previous_close", "direction": "any", "amount": 0.01},
        {"kind": "volume", "amount": 0.1},
        {"kind": "extreme", "direction": "high", "span": "20_sessions"},
        {"kind": "extreme", "direction": "low", "span": "52_weeks"},
    ):
        owner.ask("POST", "/alerts", 201, json={"ticker": "*", "repeat": "always", **parts})
    set_clock(NOW)
    market.store(Bar("AAPL", at(THURSDAY), "50", source="other"), bar(EARLIER, "100"), bar(EARLIER, "100", "KO"))

    assert owner.fired() == []


def test_volume_and_extreme_rules_fire_at_their_thresholds(market: Market, owner: Owner) -> None:
    """The ratio is that of movers; a high counts against every bar of the span before, in order of the bars."""
    calendar = sessions(market.alerts.database_url, "2025-11-01", "2026-11-20")
    put(market.alerts.database_url, [Bar("AAPL", start, "100") for start in hours(calendar)])
    for parts in (
        {"kind": "volume", "amount": 3},
        {"kind": "extreme", "direction": "high", "span": "20_sessions"},
        {"kind": "extreme", "direction": "high", "span": "52_weeks"},
        {"kind": "extreme", "direction": "low", "span": "52_weeks"},
    ):
        owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "repeat": "always", **parts})
    put(market.alerts.database_url, [bar("2026-01-20 15:30", "120", "MSFT")])
    market.alerts.query("UPDATE bars SET high = 105 WHERE ticker = 'AAPL' AND start = '2026-06-01 14:30Z'")
    set_clock(NOW)
    market.store(bar(EARLIER, "102", volume=4000))
    market.store(bar(LATER, "110", volume=1000))

    found = {(one["bar"]["start"][11:16], one["text"].partition(". Bar")[0]) for one in owner.firings()}
    assert found == {
        ("14:30", "AAPL has traded 4 times its usual volume in the session so far"),
        ("14:30", "AAPL reached a new 20-session high of $103.00; the highest before was $101.00"),
        ("15:30", "AAPL reached a new 20-session high of $111.00; the highest before was $103.00"),
        ("15:30", "AAPL reached a new 52-week high of $111.00; the highest before was $105.00"),
    }
    with psycopg.connect(market.alerts.database_url) as connection:
        moved = connection.execute(
            "SELECT volume_ratio FROM mover_figures WHERE ticker = 'AAPL' AND basis = 'previous_close'"
        ).fetchone()
    assert moved == (2.5,)
