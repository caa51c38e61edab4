"""Revisions that undo a firing, splits, bars that are missing, and insights: each causes the right message."""

import json

import pytest

from tests.alerts_harness import Alerts, Market, Owner, Receiver, set_clock
from tests.reading import Bar, at, hours, put, sessions

FIRST, SECOND = "2026-11-20 14:30", "2026-11-20 15:30"
NOW = "2026-11-20T16:32:00+00:00"
WRITTEN = "tech.stocksalot.insights.written.v1"


@pytest.fixture
def owner(market: Market, receiver: Receiver) -> Owner:
    """An account with a webhook."""
    owner = market.alerts.owner("owner")
    owner.webhook(receiver)
    return owner


def test_a_revision_that_undoes_a_firing_is_sent_as_a_correction(
    market: Market, owner: Owner, receiver: Receiver
) -> None:
    """Once however often the event comes; it names the new revision, and the message that it takes back."""
    owner.alert(amount=100)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"))
    for _ in range(2):
        market.revise("AAPL", FIRST, "99.5") if len(receiver.requests) == 1 else market.publish(Bar("AAPL", at(FIRST)))

    fired, corrected = receiver.bodies()
    assert [fired["type"], corrected["type"]] == ["alert.fired", "alert.corrected"]
    assert corrected["data"]["corrects"] == fired["data"]["firing"]
    assert corrected["data"]["text"] == (
        "Correction: bars of AAPL were revised, and the alert does not hold any more. "
        "It is at $99.50, not above $100.00. Bar of 2026-11-20 09:30-10:30 New York, revision 1, source simulated."
    )
    assert sorted(one["corrected"] for one in owner.firings()) == [False, True]


def test_a_corrected_rule_waits_again(market: Market, owner: Owner) -> None:
    """A rule of once has not fired after all: the next bar counts, and the same bar when it is revised back."""
    rule = owner.alert(amount=100)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"))
    market.revise("AAPL", FIRST, "99")
    assert owner.ask("GET", f"/alerts/{rule['id']}").json()["state"] == "active"
    market.revise("AAPL", FIRST, "101")
    market.revise("AAPL", FIRST, "98")
    market.store(Bar("AAPL", at(SECOND), "100"))
    market.publish(Bar("AAPL", at(FIRST)))

    assert sorted(owner.kinds()) == ["corrected"] * 2 + ["fired"] * 3
    assert owner.fired()[-1] == ("fired", "AAPL", "2026-11-20T15:30:00Z")


def test_a_correction_moves_a_firing_of_the_session(market: Market, owner: Owner) -> None:
    """The next bar that meets the condition fires, in the same step as the correction of the first."""
    owner.alert(amount=100, repeat="session")
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), Bar("AAPL", at(SECOND), "100"))
    market.revise("AAPL", FIRST, "99")

    assert sorted(owner.fired()) == [
        ("corrected", "AAPL", "2026-11-20T14:30:00Z"),
        ("fired", "AAPL", "2026-11-20T14:30:00Z"),
        ("fired", "AAPL", "2026-11-20T15:30:00Z"),
    ]


def test_a_revised_basis_undoes_what_was_measured_from_it(market: Market, owner: Owner) -> None:
    """The close before is revised, the bar itself is not: the event of that close is enough."""
    owner.ask("POST", "/alerts", 201, json={
        "ticker": "AAPL", "kind": "change", "basis": "previous_close", "direction": "up", "amount": 5,
    })  # fmt: skip
    set_clock(NOW)
    market.store(Bar("AAPL", at("2026-11-19 20:30"), "89.5"), Bar("AAPL", at(FIRST), "100"))
    assert owner.kinds() == ["fired"]
    market.revise("AAPL", "2026-11-19 20:30", "99")

    assert sorted(owner.kinds()) == ["corrected", "fired"]


def test_a_withdrawn_bar_takes_its_firing_back(market: Market, owner: Owner) -> None:
    """Without the bar nothing holds; a tick finds it, too."""
    owner.alert(amount=100)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"))
    market.alerts.query("DELETE FROM bars WHERE ticker = 'AAPL'")
    market.alerts.tick()

    assert sorted(owner.kinds()) == ["corrected", "fired"]
    assert "was withdrawn" in next(one["text"] for one in owner.firings() if one["kind"] == "corrected")


def test_another_condition_makes_earlier_firings_final(market: Market, owner: Owner) -> None:
    """A rule with a new condition corrects no earlier firing, and is evaluated for bars that end from then on."""
    rule = owner.alert(amount=100)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"))
    owner.ask("PATCH", f"/alerts/{rule['id']}", json={"amount": 200})
    market.publish(Bar("AAPL", at(FIRST)))
    set_clock("2026-11-20T17:32:00+00:00")
    market.store(Bar("AAPL", at("2026-11-20 16:30"), "200"))

    assert [(one[0], one[2][11:16]) for one in owner.fired()] == [("fired", "14:30"), ("fired", "16:30")]


def test_a_split_scales_the_price_that_was_asked_for(market: Market, owner: Owner) -> None:
    """While the history is on two scales nothing is evaluated; then 100 dollars of before are 10 of now."""
    owner.alert(amount=100, repeat="always")
    owner.ask("POST", "/alerts", 201, json={
        "ticker": "AAPL", "kind": "change", "basis": "previous_close", "direction": "down", "amount": 50,
    })  # fmt: skip
    owner.alert(amount=9.9, direction="below", repeat="always")
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "101"))
    assert owner.kinds() == ["fired"]
    market.alerts.query(
        """
        INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, refetch_from,
                            found_at, changed_at)
             VALUES ('AAPL', '2026-11-23', '2026-11-23 14:30Z', 10, 1, 'pending', 'overlap', 'simulated', '',
                     '2026-01-01', now(), now())
        """
    )
    set_clock("2026-11-23T15:32:00+00:00")
    market.store(Bar("AAPL", at("2026-11-23 14:30"), "10.2"))
    assert owner.kinds() == ["fired"]
    market.alerts.query("UPDATE splits SET state = 'applied'")
    market.alerts.query(
        "UPDATE bars SET open = open / 10, high = high / 10, low = low / 10, close = close / 10, revision = 1,"
        " served_at = '2026-11-23 15:32Z'"
        " WHERE start < '2026-11-23'"
    )
    market.publish(Bar("AAPL", at(FIRST)), Bar("AAPL", at("2026-11-23 14:30")))

    assert sorted(one["text"].partition(". Bar")[0] for one in owner.firings()) == [
        "AAPL is at $10.70, above $10.00 ($100.00 before the split)",
        "AAPL is at $101.50, above $100.00",
    ]


def test_a_missing_bar_fires_and_its_arrival_corrects(market: Market, owner: Owner) -> None:
    """Half an hour after its end, once; a bar that comes then is the correction."""
    owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "kind": "missing", "repeat": "always"})
    set_clock("2026-11-20T15:59:00+00:00")
    market.alerts.tick()
    assert owner.kinds() == []
    set_clock("2026-11-20T16:00:00+00:00")
    market.alerts.tick()
    market.alerts.tick()
    assert [one["text"] for one in owner.firings()] == [
        "The bar of AAPL of 2026-11-20 09:30-10:30 New York is missing."
    ]
    market.store(Bar("AAPL", at(FIRST)), times=2)

    assert sorted(owner.kinds()) == ["corrected", "fired"]


def test_a_half_day_lacks_no_bar_after_its_close(market: Market, owner: Owner) -> None:
    """The sessions say which bars there are: after one o'clock, at night and on holidays none is missing."""
    owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "kind": "missing", "repeat": "always"})
    calendar = sessions(market.alerts.database_url, "2026-11-20", "2026-11-28")
    put(market.alerts.database_url, [Bar("AAPL", start) for start in hours(calendar)])
    set_clock("2026-11-29T15:00:00+00:00")
    market.alerts.tick()

    assert owner.kinds() == []


def insight_hour(alerts: Alerts, revision: int, insights: dict[str, str]) -> None:
    """Store an hour of insights: sentences by ticker."""
    alerts.query(
        """
        INSERT INTO insight_hours (start, revision, "end", session, complete, missing, generator, verdicts, sources,
                                   written_at)
             VALUES ('2026-11-20 14:30Z', %s, '2026-11-20 15:30Z', '2026-11-20', true, '{}', 'rules', '[]',
                     '{simulated}', now())
        """,
        revision,
    )
    for place, (ticker, text) in enumerate(insights.items(), 1):
        alerts.query(
            """
            INSERT INTO insights (start, revision, place, template, insight, sentiment, tickers, generator,
                                  significance)
                 VALUES ('2026-11-20 14:30Z', %s, %s, '', %s, 'neutral', %s, 'rules', 2.5)
            """,
            revision, place, text, [ticker],
        )  # fmt: skip


def test_an_insight_fires_with_its_own_text(market: Market, owner: Owner) -> None:
    """Once for an hour, by its newest revision; when that has none about the stock any more, it is taken back."""
    owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "kind": "insight", "amount": 2, "repeat": "always"})
    owner.ask("POST", "/alerts", 201, json={"ticker": "AAPL", "kind": "insight", "amount": 3, "repeat": "always"})
    set_clock(NOW)
    written = {"as_of": "2026-11-20T15:30:00Z", "generator": "rules", "count": 2}
    insight_hour(market.alerts, 0, {"AAPL": "Apple rose 3%.", "KO": "Coca-Cola fell 1%."})
    for _ in range(2):
        market.alerts.follow(market.alerts.event(WRITTEN, "1", **written))
    insight_hour(market.alerts, 1, {"AAPL": "Apple climbed 3%."})
    market.alerts.follow(market.alerts.event(WRITTEN, "2", **written))
    assert [one["text"] for one in owner.firings()] == ["Apple rose 3%."]
    insight_hour(market.alerts, 2, {"KO": "Coca-Cola fell 1%."})
    market.alerts.follow(market.alerts.event(WRITTEN, "3", **written))

    assert sorted(owner.kinds()) == ["corrected", "fired"]


def test_unusable_events_are_acknowledged(market: Market, owner: Owner) -> None:
    """204 for an event that can never be evaluated; a request of a person is no event."""
    for kind, data in (
        ("tech.stocksalot.unknown.v1", {}),
        ("tech.stocksalot.bars.stored.v1", {"interval": "1h"}),
        (WRITTEN, {}),
        ("tech.stocksalot.alerts.fired.v1", {"before": "noon"}),
    ):
        assert market.alerts.event(kind, "1", **data).status_code == 204, kind
    assert market.alerts.client.get("/events").status_code == 405
    nothing = {"interval": "1h", "tickers": [], "first": None, "last": None}
    counts = dict.fromkeys(("inserted", "revised", "unchanged", "rejected"), 0)
    assert market.alerts.event(event_id="2", **json.loads(json.dumps(nothing | counts))).status_code == 204
