"""Delivery: committed before it is sent, retried under the same id, and no channel waits for another."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import psycopg
import pytest

from functions.alerts.delivery.queries import claim_due
from tests.alerts_harness import Alerts, Market, Owner, Receiver, serving_alerts, set_clock
from tests.reading import Bar, at
from tests.waiting import wait_until

FIRST = "2026-11-20 14:30"
NOW = "2026-11-20T16:32:00+00:00"


@pytest.fixture
def owner(market: Market) -> Owner:
    """An account."""
    return market.alerts.owner("owner")


def fire(market: Market) -> Any:
    """Store a bar above 100 dollars and return the answer to what it led to."""
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), send=False)
    return market.publish(Bar("AAPL", at(FIRST)))


def make_due(alerts: Alerts) -> None:
    """End the pauses of all messages."""
    alerts.query("UPDATE alert_deliveries SET next_at = now() - interval '1 second' WHERE state = 'pending'")


def test_a_message_says_all_of_the_firing(market: Market, owner: Owner, receiver: Receiver) -> None:
    """Signed, with the rule in words, the bar and its revision, and figures with their digits; delivered once."""
    rule = owner.alert(amount=100)
    owner.webhook(receiver)
    answer = fire(market)
    market.alerts.tick()

    (message,) = receiver.requests
    data = message["body"]["data"]
    assert answer.status_code == 204
    assert message["body"]["type"] == "alert.fired"
    assert datetime.fromisoformat(message["body"]["timestamp"]) == datetime.fromisoformat(NOW)
    assert data["alert"] == {"id": rule["id"], "sentence": rule["sentence"]}
    assert (data["ticker"], data["price"], data["bound"], data["corrects"]) == ("AAPL", 100.5, 100, None)
    assert data["bar"]["revision"] == 0
    (firing,) = owner.firings()
    assert (firing["deliveries"][0]["state"], firing["deliveries"][0]["attempts"]) == ("delivered", 1)


def test_a_rule_uses_the_channels_that_it_names(market: Market, owner: Owner, receiver: Receiver) -> None:
    """Null is all of the account; none of another account's."""
    other = market.alerts.owner("other")
    other.webhook(receiver, "/other")
    first, _ = owner.webhook(receiver, "/1"), owner.webhook(receiver, "/2")
    owner.alert(amount=100)
    owner.alert(amount=90, channels=[first["id"]])
    owner.alert(amount=80, channels=[])
    fire(market)

    assert sorted(one["path"] for one in receiver.requests) == ["/1", "/1", "/2"]


def test_a_channel_that_is_turned_off_gets_nothing_more(market: Market, owner: Owner, receiver: Receiver) -> None:
    """Neither what waits for it nor what fires from then on; each message says why it failed. It can be on again."""
    receiver.answer = lambda *_: 503
    owner.alert(amount=100)
    path = f"/alerts/channels/{owner.webhook(receiver)['id']}"
    fire(market)
    off = owner.ask("PATCH", path, json={"state": "disabled"}).json()
    make_due(market.alerts)
    market.alerts.tick()

    assert (off["state"], off["pending"], off["last_error"], len(receiver.requests)) == ("disabled", 0, None, 1)
    assert owner.firings()[0]["deliveries"][0]["error"] == "the channel was disabled"
    assert owner.ask("PATCH", path, json={"state": "active"}).json()["state"] == "active"


def test_what_fails_is_retried_under_the_same_id(market: Market, owner: Owner, receiver: Receiver) -> None:
    """The event answers 503, so that the broker brings it again; the message is the same to the byte."""
    owner.alert(amount=100)
    owner.webhook(receiver)
    receiver.answer = lambda *_: 503 if len(receiver.requests) < 2 else 200
    assert fire(market).status_code == 503
    assert market.publish(Bar("AAPL", at(FIRST))).status_code == 204, "nothing is due: no second event"
    for status in (503, 204):
        make_due(market.alerts)
        assert market.publish(Bar("AAPL", at(FIRST))).status_code == status

    assert len(set(receiver.ids())) == 1
    assert receiver.requests[0]["body"] == receiver.requests[2]["body"]
    assert owner.firings()[0]["deliveries"][0]["state"] == "delivered"
    assert owner.ask("GET", "/alerts/channels").json()["items"][0]["failures"] == 0


def test_a_dead_channel_is_left_to_ticks_then_disabled(market: Market, owner: Owner, receiver: Receiver) -> None:
    """The event is done after a few attempts, no dead letter; after three days the channel is disabled."""
    owner.alert(amount=100)
    channel = owner.webhook(receiver)
    receiver.answer = lambda *_: 500
    statuses = [fire(market).status_code]
    waits: list[float] = []
    while owner.firings()[0]["deliveries"][0]["state"] == "pending":
        waits += [
            float(one)
            for (one,) in market.alerts.query(
                "SELECT extract(epoch FROM next_at - clock_timestamp()) FROM alert_deliveries"
            )
        ]
        make_due(market.alerts)
        statuses.append(market.alerts.tick().status_code)

    shown = owner.ask("GET", f"/alerts/channels/{channel['id']}").json()
    assert statuses == [503] * 4 + [204] * 8
    assert 3 * 86_400 < sum(waits) < 4 * 86_400
    assert len(set(receiver.ids())) == 1
    assert (shown["state"], shown["last_error"], shown["pending"]) == ("disabled", "the receiver answered 500", 0)
    market.store(Bar("AAPL", at("2026-11-20 15:30"), "100"))
    owner.alert("MSFT", amount=100)
    owner.ask("PATCH", f"/alerts/channels/{channel['id']}", json={"state": "active"})
    assert owner.ask("GET", f"/alerts/channels/{channel['id']}").json()["state"] == "active"


def test_a_disabled_channel_gets_nothing(market: Market, owner: Owner, receiver: Receiver) -> None:
    """410 disables at once; what fires later is listed without a delivery."""
    owner.alert(amount=100, repeat="always")
    owner.webhook(receiver)
    receiver.answer = lambda *_: 410
    fire(market)
    market.store(Bar("AAPL", at("2026-11-20 15:30"), "100"))

    assert len(receiver.requests) == 1
    assert sorted(len(one["deliveries"]) for one in owner.firings()) == [0, 1]


def test_a_410_disables_the_channel_despite_a_concurrent_success(
    market: Market, owner: Owner, receiver: Receiver
) -> None:
    """Two messages go out at once; one of them is accepted, the other answered by 410."""
    answers = iter([200, 410])

    def answer(*_: object) -> int:
        status = next(answers)
        time.sleep(0.5 if status == 410 else 0)  # the success is noted first
        return status

    channel = owner.webhook(receiver)
    for amount in (99, 100):
        owner.alert(amount=amount)
    receiver.answer = answer
    fire(market)

    assert owner.ask("GET", f"/alerts/channels/{channel['id']}").json()["state"] == "disabled"


def test_a_dead_webhook_does_not_delay_other_accounts(
    market: Market, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of twenty accounts one has a receiver that never answers, with many messages: the others have theirs at once."""
    monkeypatch.setattr("functions.alerts.delivery.checked_request._TOTAL_SECONDS", 2)
    owners = [market.alerts.owner(f"owner{number}") for number in range(20)]
    for number, one in enumerate(owners):
        one.webhook(receiver, f"/{number}")
        one.alert("*", amount=100)
    arrived: list[float] = []

    def answer(path: str, _: str) -> int:
        if path == "/0":
            time.sleep(4)
        else:
            arrived.append(time.monotonic())
        return 204

    receiver.answer = answer
    set_clock(NOW)
    tickers = [one for (one,) in market.alerts.query("SELECT ticker FROM tickers WHERE active LIMIT 10")]
    begun = time.monotonic()
    market.store(*[Bar(ticker, at(FIRST), "100") for ticker in tickers])

    assert len(arrived) == 19 * len(tickers)
    dead = market.alerts.query(
        "SELECT sum(attempts), count(*) FROM alert_deliveries JOIN alert_channels USING (channel_id)"
        " WHERE target LIKE '%%/0' AND alert_deliveries.state = 'pending'"
    )
    assert dead == [(8, 10)], "one round of parallel attempts, the others wait"
    assert max(arrived) < begun + 4, "before the dead one has answered"


def test_a_process_that_dies_leaves_the_message_to_another(
    market: Market, owner: Owner, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the row and the sending, and between the sending and the note: it is sent, again under the same id."""
    owner.alert(amount=100)
    owner.webhook(receiver)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), send=False)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.sending.Sender._attempt", die)
        assert market.publish(Bar("AAPL", at(FIRST))).status_code == 500
    assert receiver.requests == []
    assert market.publish(Bar("AAPL", at(FIRST))).status_code == 204, "the lease runs"
    make_due(market.alerts)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.queries.update_delivered", die)
        assert market.publish(Bar("AAPL", at(FIRST))).status_code == 500
    make_due(market.alerts)
    assert market.publish(Bar("AAPL", at(FIRST))).status_code == 204

    assert len(receiver.ids()) == 2
    assert len(set(receiver.ids())) == 1


async def die(*_: object, **__: object) -> None:
    raise RuntimeError("killed")


def test_a_message_that_waits_for_its_turn_stays_claimed(
    market: Market, owner: Owner, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long that is, such as for one of the few connections to the mail server."""
    owner.alert(amount=100)
    owner.webhook(receiver)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), send=False)
    monkeypatch.setattr("functions.alerts.delivery.sending.LEASE_SECONDS", 2)
    sending, done = threading.Event(), threading.Event()

    def answer(_: str, __: str) -> int:
        sending.set()
        done.wait(20)
        return 204

    receiver.answer = answer
    age = "SELECT next_at - created_at > interval '5 seconds' FROM alert_deliveries"
    with ThreadPoolExecutor(1) as thread:
        stored = thread.submit(market.publish, Bar("AAPL", at(FIRST)))
        try:
            assert sending.wait(20)
            wait_until(lambda: market.alerts.query(age) == [(True,)], 7)
            again = market.alerts.tick().status_code
        finally:
            done.set()
        stored.result()

    assert again == 204, "nothing is due"
    assert len(receiver.ids()) == 1


def test_two_processes_do_not_send_the_same_message(
    market: Market, owner: Owner, receiver: Receiver, database_url: str, redis_url: str
) -> None:
    """Both take the same event at once: each message is claimed by one of them."""
    for number in range(30):
        owner.alert(amount=50 + number)
    owner.webhook(receiver)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), send=False)
    with serving_alerts(database_url, redis_url, NOW) as second, ThreadPoolExecutor(4) as pool:
        both = [market, Market(second)] * 2
        answers = list(pool.map(lambda one: one.publish(Bar("AAPL", at(FIRST))).status_code, both))

    assert set(answers) <= {204, 503}
    assert len(receiver.ids()) == len(set(receiver.ids())) == 30


def test_a_claim_that_waited_for_another_gets_nothing(
    market: Market, owner: Owner, receiver: Receiver, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two claims at once the second sees, when the first is committed, that nothing is due any more."""
    owner.alert(amount=100)
    owner.webhook(receiver)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "100"), send=False)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.sending.Sender.send_due", _pass)
        market.publish(Bar("AAPL", at(FIRST)))

    async def claim_twice() -> tuple[int, int]:
        connect = psycopg.AsyncConnection.connect
        async with await connect(database_url) as first, await connect(database_url) as second:
            claimed = await claim_due(first, 60, 10)
            waiting = asyncio.create_task(claim_due(second, 60, 10))
            blocked = "SELECT pid FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
            await asyncio.to_thread(wait_until, lambda: market.alerts.query(blocked, second.info.backend_pid))
            await first.commit()
            return len(claimed), len(await waiting)

    assert asyncio.run(claim_twice()) == (1, 0)


async def _pass(*_: object) -> None:
    """Send nothing."""
