"""Web push: encrypted for one browser, signed for its service, ended by its word; hostile subscriptions are refused."""

import base64
import json

import pytest

from functions.alerts.channel_models import Channel, ChannelsResponse, NewChannelResponse
from functions.alerts.delivery.push import make_payload, public_key
from tests.alerts.test_delivery import FIRST, die, fire, make_due
from tests.alerts_harness import Market, Owner, serving_alerts
from tests.alerts_world import VAPID_KEY, World, add_push
from tests.reading import Bar, at


@pytest.fixture
def owner(connected: Market) -> Owner:
    """An account."""
    return connected.alerts.owner("owner")


def test_a_browser_gets_an_alert_and_its_correction(connected: Market, owner: Owner, world: World) -> None:
    """The service worker reads what it shows; the correction has the tag of the alert, and its place at the service."""
    channel = add_push(owner, world.subscribe())
    owner.alert(amount=100, repeat="session")
    fire(connected)
    connected.revise("AAPL", FIRST, "99")

    fired, corrected = world.push.messages
    assert NewChannelResponse.model_validate(channel).secret is None
    assert fired["message"]["kind"] == "alert.fired"
    assert fired["message"]["title"] == "AAPL: alert"
    assert fired["message"]["url"] == "/stocks/AAPL?range=1M&interval=1h&at=2026-11-20T14:30:00Z"
    assert fired["message"]["body"].startswith("AAPL is at $100.50, above $100.00.")
    assert [fired["message"]["tag"]] == [one["id"] for one in owner.firings() if one["kind"] == "fired"]
    assert (corrected["message"]["kind"], corrected["message"]["tag"]) == ("alert.corrected", fired["message"]["tag"])
    assert (fired["topic"], fired["urgency"], fired["ttl"]) == (corrected["topic"], "high", "86400")
    assert len(fired["topic"]) <= 32
    assert (fired["vapid"]["aud"], fired["vapid"]["sub"]) == (world.url, "mailto:me@example.com")
    assert "AAPL" not in base64.b64decode(fired["encrypted"]).decode(errors="ignore")
    assert owner.ask("GET", f"/alerts/channels/{channel['id']}").json()["last_delivered_at"]


def test_an_event_that_comes_twice_sends_one_message(connected: Market, owner: Owner, world: World) -> None:
    """The firing is unique by rule and bar, and so is its delivery by firing and channel."""
    add_push(owner, world.subscribe())
    owner.alert(amount=100)
    fire(connected)
    connected.publish(Bar("AAPL", at(FIRST)))
    connected.alerts.tick()

    assert len(world.push.messages) == 1


def test_the_page_gets_the_key_that_it_subscribes_with(owner: Owner) -> None:
    """The point of P-256 whose private key signs: 65 bytes in base64url, the same at every request."""
    shown = ChannelsResponse.model_validate(owner.ask("GET", "/alerts/channels").json())

    assert shown.push_key == public_key(VAPID_KEY)
    point = base64.urlsafe_b64decode(f"{shown.push_key}=")
    assert (len(point), point[0]) == (65, 4)
    assert all(kind.available for kind in shown.kinds)


def test_the_same_browser_is_the_same_channel(connected: Market, owner: Owner, world: World) -> None:
    """It answers 200 with the new keys in effect, also when it was disabled; another account has its own."""
    subscription = world.subscribe()
    channel = add_push(owner, subscription)
    world.answer(subscription, 410)
    owner.ask("POST", f"/alerts/channels/{channel['id']}/test")
    name = subscription["endpoint"].rpartition("/")[2]
    browser = world.push.browsers[name] = type(world.push.browsers[name])()

    again = add_push(owner, browser.subscription(subscription["endpoint"]), 200)
    tested = owner.ask("POST", f"/alerts/channels/{channel['id']}/test").json()

    assert (again["id"], again["state"], again["failures"]) == (channel["id"], "active", 0)
    assert tested == {"delivered": True, "error": None}
    assert world.push.messages[-1]["message"]["kind"] == "alert.test"
    other = add_push(connected.alerts.owner("other"), subscription)
    assert other["id"] != channel["id"]
    assert owner.ask("GET", f"/alerts/channels/{other['id']}", 404)


@pytest.mark.parametrize(
    ("status", "error", "state", "pending"),
    [
        (404, "the browser has unsubscribed", "disabled", 0),
        (410, "the browser has unsubscribed", "disabled", 0),
        (413, "the push service answered 413", "active", 0),
        (429, "the push service answered 429", "active", 1),
        (500, "the push service answered 500", "active", 1),
        (403, "the push service answered 403: subscribe again in the browser", "active", 1),
    ],
)
def test_status_codes_decide_between_retry_and_disabling(
    connected: Market, owner: Owner, world: World, status: int, error: str, state: str, pending: int
) -> None:
    """Gone is the end of the channel, too large that of the message; everything else is tried again."""
    subscription = world.subscribe()
    channel = add_push(owner, subscription)
    world.answer(subscription, status)
    owner.alert(amount=100)
    fire(connected)

    shown = Channel.model_validate(owner.ask("GET", f"/alerts/channels/{channel['id']}").json())

    assert (shown.last_error, shown.state, shown.pending) == (error, state, pending)


def test_a_message_that_failed_is_sent_again_under_its_id(connected: Market, owner: Owner, world: World) -> None:
    """As webhooks are: the service worker that keeps ids shows it once."""
    subscription = world.subscribe()
    add_push(owner, subscription)
    world.answer(subscription, 500)
    owner.alert(amount=100)
    fire(connected)
    world.answer(subscription, 201)
    make_due(connected.alerts)
    connected.alerts.tick()

    assert [one["status"] for one in world.push.messages] == [500, 201]
    assert len({one["message"]["id"] for one in world.push.messages}) == 1


def test_a_process_that_dies_before_sending_leaves_the_message_to_the_next(
    connected: Market, owner: Owner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is committed and claimed; after the lease another process sends it, once."""
    add_push(owner, world.subscribe())
    owner.alert(amount=100)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.sending.Sender._attempt", die)
        assert fire(connected).status_code == 500
    sent_by_then = len(world.push.messages)
    make_due(connected.alerts)
    connected.alerts.tick()

    assert (sent_by_then, len(world.push.messages)) == (0, 1)


_BAD_POINT = base64.urlsafe_b64encode(b"\x04" + b"\x01" * 64).decode()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"endpoint": "ftp://push.example.com/x"}, "subscription.endpoint"),
        ({"endpoint": "https://user:pass@push.example.com/x"}, "subscription.endpoint"),
        ({"endpoint": "https://push.example.com/" + "x" * 2000}, "subscription.endpoint"),
        ({"p256dh": "A" * 10_000}, "subscription.keys.p256dh"),
        ({"p256dh": _BAD_POINT}, "subscription.keys.p256dh"),
        ({"p256dh": ""}, "subscription.keys.p256dh"),
        ({"p256dh": "ключ"}, "subscription.keys.p256dh"),
        ({"auth": "AAAA"}, "subscription.keys.auth"),
        ({"auth": "A" * 10_000}, "subscription.keys.auth"),
    ],
)
def test_a_hostile_subscription_is_refused(owner: Owner, world: World, change: dict[str, str], field: str) -> None:
    """A 400 names the member and repeats nothing of it: other sizes, no point of the curve, other addresses."""
    subscription = world.subscribe()
    subscription["endpoint"] = change.get("endpoint", subscription["endpoint"])
    subscription["keys"] |= {name: value for name, value in change.items() if name != "endpoint"}
    asked = {"kind": "push", "name": "x", "subscription": subscription}

    problem = owner.refusal("POST", "/alerts/channels", 400, json=asked)

    assert [one["parameter"] for one in problem["errors"]] == [field]
    assert subscription["keys"]["auth"] not in json.dumps(problem)


@pytest.mark.parametrize("endpoint", ["http://push.example.com/x", "https://10.0.0.1/x", "https://[::1]/x"])
def test_a_subscription_leads_to_public_addresses(
    database_url: str, redis_url: str, world: World, endpoint: str
) -> None:
    """By TLS, unless the setting allows others: the rules of webhooks."""
    settings = {**world.settings, "ALERTS_PRIVATE_TARGETS": "refused"}
    with serving_alerts(database_url, redis_url, **settings) as alerts:
        asked = {"kind": "push", "name": "x", "subscription": {**world.subscribe(), "endpoint": endpoint}}
        problem = alerts.owner("owner").refusal("POST", "/alerts/channels", 400, json=asked)

    assert [one["parameter"] for one in problem["errors"]] == ["subscription.endpoint"]


def test_nothing_shows_the_keys_of_a_browser(
    connected: Market, owner: Owner, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither a response, nor the log, nor a copy of the database, where its endpoint is encrypted too."""
    caplog.set_level("DEBUG")
    subscription = world.subscribe()
    made = add_push(owner, subscription)
    world.answer(subscription, 500)
    owner.ask("POST", f"/alerts/channels/{made['id']}/test")

    shown = [made, owner.ask("GET", "/alerts/channels").json()]
    stored = connected.alerts.query("SELECT to_jsonb(alert_channels) FROM alert_channels")
    name = subscription["endpoint"].rpartition("/")[2]
    ours = [one.getMessage() for one in caplog.records if one.name.startswith(("functions", "shared"))]
    for secret in (name, subscription["keys"]["auth"], subscription["keys"]["p256dh"]):
        assert secret not in f"{shown}{stored}"
        assert not [line for line in ours if secret in line]
    assert made["target"] == "127.0.0.1"


def test_a_payload_is_padded_and_never_too_long() -> None:
    """Whole kilobytes say little of a text; a long one is cut, in whole characters, to what a service takes."""
    members = {"title": "T", "body": "short", "url": "/", "tag": "t", "timestamp": "now"}
    short, long = make_payload(members), make_payload({**members, "body": 'ü"\n' * 5000})

    assert (len(short), len(long) <= 3072, len(long) % 1024) == (1024, True, 0)
    assert json.loads(short) == members
    assert json.loads(long)["body"].endswith("…")
