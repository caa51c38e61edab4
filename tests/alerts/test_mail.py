"""Mail: only to an address that its reader has confirmed, recognisable when it comes twice, ended by one click."""

import re
from typing import Any

import pytest

from functions.alerts.channel_models import Channel
from functions.alerts.delivery.mail import MailContent, make_mail
from shared.runtime import clock
from tests.alerts.test_delivery import FIRST, die, fire, make_due
from tests.alerts_harness import Market, Owner, serving_alerts
from tests.alerts_world import PAGE, World, add_mail
from tests.reading import Bar, at

CODE = re.compile(r"\b[2-9A-Z]{4}-[2-9A-Z]{4}\b")


@pytest.fixture
def owner(connected: Market) -> Owner:
    """An account."""
    return connected.alerts.owner("owner")


def confirmed(owner: Owner, world: World, address: str = "me@example.com") -> dict[str, Any]:
    """A channel of *owner* whose reader has given the code back; the mailbox is empty again."""
    channel = add_mail(owner, address)
    code = CODE.findall(world.mailbox.mails[-1]["text"])[0]
    channel = owner.ask("POST", f"/alerts/channels/{channel['id']}/confirm", json={"code": code}).json()
    world.mailbox.mails.clear()
    return channel


def unsubscribe_path(mail: dict[str, Any]) -> str:
    """The path of the function in the header List-Unsubscribe of *mail*."""
    return mail["headers"]["list-unsubscribe"].strip("<>").removeprefix(f"{PAGE}/api")


def test_an_address_gets_alerts_once_its_reader_has_confirmed_it(connected: Market, owner: Owner, world: World) -> None:
    """Before that it gets one mail, with a code and a link that holds it; the database has neither."""
    channel = add_mail(owner, " Me@Example.com ")
    owner.alert(amount=100)
    fire(connected)
    (mail,) = world.mailbox.mails
    code = CODE.findall(mail["text"])[0]
    stored = connected.alerts.query("SELECT to_jsonb(c) FROM alert_confirmations c")
    shown = owner.ask("POST", f"/alerts/channels/{channel['id']}/confirm", json={"code": code.lower()}).json()

    assert (channel["state"], channel["target"], mail["to"]) == ("unconfirmed", "me@example.com", ["me@example.com"])
    assert f"{PAGE}/account/alerts#confirm={code}" in mail["text"]
    assert code not in str(stored)
    assert Channel.model_validate(shown).state == "active"
    assert owner.ask("POST", f"/alerts/channels/{channel['id']}/test").json()["delivered"] is True


def test_a_mail_says_why_in_text_and_html(connected: Market, owner: Owner, world: World) -> None:
    """With links to the page and the bar; the correction too; each once although events come twice."""
    confirmed(owner, world)
    owner.alert(amount=100, repeat="session")
    fire(connected)
    connected.publish(Bar("AAPL", at(FIRST)))
    connected.alerts.tick()
    connected.revise("AAPL", FIRST, "99")

    fired, corrected = world.mailbox.mails
    assert (fired["headers"]["subject"], corrected["headers"]["subject"]) == ("AAPL: alert", "AAPL: correction")
    assert fired["headers"]["from"] == "StocksALot <alerts@example.com>"
    assert fired["text"].startswith("AAPL is at $100.50, above $100.00.")
    assert f"{PAGE}/stocks/AAPL" in fired["text"]
    assert f'<a href="{PAGE}/api/ohlc/AAPL?start=' in fired["html"]
    assert fired["headers"]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert fired["headers"]["auto-submitted"] == "auto-generated"


def test_one_click_ends_it_without_a_login(connected: Market, owner: Owner, world: World) -> None:
    """POST to the signed address, as RFC 8058 has it, once or twice; a GET asks, another signature is a 404."""
    channel = confirmed(owner, world)
    path = f"/alerts/channels/{channel['id']}"
    owner.ask("POST", f"{path}/test")
    link, client = unsubscribe_path(world.mailbox.mails[-1]), connected.alerts.client
    asked = client.get(link)
    state_then = owner.ask("GET", path).json()["state"]
    form = {"List-Unsubscribe": "One-Click"}
    answers = [client.post(link, data=form).status_code for _ in range(2)]
    owner.alert(amount=100)
    fire(connected)

    assert (asked.status_code, "<form" in asked.text, state_then) == (200, True, "active")
    assert answers == [200, 200]
    assert client.post(link[:-1] + ("0" if link[-1] != "0" else "1")).status_code == 404
    shown = owner.ask("GET", path).json()
    assert (shown["state"], shown["last_error"]) == ("disabled", "the recipient has unsubscribed")
    tested = owner.ask("POST", f"{path}/test").json()
    assert (tested["delivered"], "has unsubscribed" in tested["error"]) == (False, True)
    assert len(world.mailbox.mails) == 1
    assert owner.ask("PATCH", path, json={"state": "active"}).json()["state"] == "unconfirmed", "only the reader may"


def test_codes_are_tried_ten_times(owner: Owner, world: World) -> None:
    """Then the right one is refused too, until another is requested; the earlier one is no longer valid."""
    channel = add_mail(owner, "me@example.com")
    path, code = f"/alerts/channels/{channel['id']}", CODE.findall(world.mailbox.mails[0]["text"])[0]
    for _ in range(10):
        assert "is not the code" in owner.refusal("POST", f"{path}/confirm", 400, json={"code": "X"})["detail"]

    assert "too many times" in owner.refusal("POST", f"{path}/confirm", 400, json={"code": code})["detail"]
    owner.ask("POST", f"{path}/test")
    another = CODE.findall(world.mailbox.mails[1]["text"])[0]
    assert owner.refusal("POST", f"{path}/confirm", 400, json={"code": code})
    assert owner.ask("POST", f"{path}/confirm", json={"code": another}).json()["state"] == "active"


def test_a_code_expires(connected: Market, owner: Owner, world: World) -> None:
    """After an hour it confirms nothing, and a mail that still waits is not sent."""
    channel = add_mail(owner, "me@example.com")
    code = CODE.findall(world.mailbox.mails[0]["text"])[0]
    connected.alerts.query("UPDATE alert_confirmations SET expires_at = now()")
    problem = owner.refusal("POST", f"/alerts/channels/{channel['id']}/confirm", 400, json={"code": code})
    connected.alerts.query("UPDATE alert_deliveries SET state = 'pending', next_at = now()")
    connected.alerts.tick()

    assert "has expired" in problem["detail"]
    assert len(world.mailbox.mails) == 1


def test_nobody_can_flood_an_address(connected: Market, world: World) -> None:
    """It gets three codes a day whoever asks, an account sends five an hour; a refused request makes no channel."""
    owners = [connected.alerts.owner(f"owner{number}") for number in range(4)]
    for one in owners[:3]:
        add_mail(one, "victim@example.com")
    add_mail(owners[3], "victim@example.com", 429)
    spammer = connected.alerts.owner("spammer")
    made = [add_mail(spammer, f"me{number}@example.com") for number in range(5)]
    add_mail(spammer, "me5@example.com", 429)
    spammer.ask("POST", f"/alerts/channels/{made[0]['id']}/test", 429)

    assert [mail["to"] for mail in world.mailbox.mails].count(["victim@example.com"]) == 3
    assert owners[3].ask("GET", "/alerts/channels").json()["count"] == 0
    assert len(world.mailbox.mails) == 8


def test_the_same_address_is_the_same_channel(connected: Market, owner: Owner, world: World) -> None:
    """200 and no second mail; another account's channel is unknown."""
    channel = add_mail(owner, "me@example.com")
    again = add_mail(owner, "ME@example.com", 200)
    stranger = connected.alerts.owner("stranger")

    assert again["id"] == channel["id"]
    assert len(world.mailbox.mails) == 1
    stranger.ask("POST", f"/alerts/channels/{channel['id']}/confirm", 404, json={"code": "x"})
    stranger.ask("POST", f"/alerts/channels/{channel['id']}/test", 404)


@pytest.mark.parametrize(
    "address",
    ["me", "me@", "@example.com", "me@localhost", "a b@example.com", "mé@example.com", "me@example.com,you@example.com",
     "=?utf-8?q?you=40example.com=2C_me?=@example.com", "=?utf-8?q?=0D=0ABcc=3A_you?=@example.com",
     "me@example.com\r\nBcc: you@example.com", '"me\r\n"@example.com', "<me@example.com>", "x" * 65 + "@example.com"],
)  # fmt: skip
def test_what_is_no_address_is_refused(owner: Owner, world: World, address: str) -> None:
    """A 400 that names the field: several addresses and line breaks get nowhere near a header."""
    asked = {"kind": "email", "name": "x", "email": address}

    assert [one["parameter"] for one in owner.refusal("POST", "/alerts/channels", 400, json=asked)["errors"]] == [
        "email"
    ]
    assert not world.mailbox.mails


@pytest.mark.parametrize("subject", ["a\r\nBcc: you@example.com", "a\nb"])
def test_no_text_becomes_a_header(subject: str) -> None:
    """The library refuses a line break, whoever let it through before; in the body it is text, in HTML escaped."""
    content = MailContent("msg_1", "me@example.com", subject, "<b>&", (), clock.now(), f"{PAGE}/u")

    with pytest.raises(ValueError, match="linefeed"):
        make_mail(content, "alerts@example.com")
    mail = make_mail(
        MailContent("msg_1", "me@example.com", "ok", "<b>&", (), clock.now(), f"{PAGE}/u"), "alerts@example.com"
    )
    assert "<p>&lt;b&gt;&amp;</p>" in mail.as_string()


@pytest.mark.parametrize(
    ("address", "error", "state", "pending"),
    [
        ("450@example.com", "the mail server refused the address: 450", "active", 1),
        ("550@example.com", "the mail server refused the address: 550", "disabled", 0),
    ],
)
def test_smtp_codes_decide_between_retry_and_disabling(
    connected: Market, owner: Owner, address: str, error: str, state: str, pending: int
) -> None:
    """A 4xx is tried again, a 5xx about the address ends the channel."""
    channel = add_mail(owner, address)
    connected.alerts.query("UPDATE alert_channels SET state = 'active', confirmed_at = now()")
    connected.alerts.query("UPDATE alert_deliveries SET state = 'failed'")
    owner.alert(amount=100)
    fire(connected)

    shown = owner.ask("GET", f"/alerts/channels/{channel['id']}").json()

    assert (shown["last_error"], shown["state"], shown["pending"]) == (error, state, pending)


@pytest.mark.parametrize(("status", "pending"), [("451 later", 1), ("554 spam", 0)])
def test_a_message_that_is_refused_ends_no_channel(
    connected: Market, owner: Owner, world: World, status: str, pending: int
) -> None:
    """4xx is tried again under the same Message-ID, 5xx is given up; the next message may fare better."""
    channel = confirmed(owner, world)
    world.mailbox.data_status = status
    owner.alert(amount=100)
    fire(connected)
    shown = owner.ask("GET", f"/alerts/channels/{channel['id']}").json()
    world.mailbox.data_status = "250 OK"
    make_due(connected.alerts)
    connected.alerts.tick()

    assert (shown["state"], shown["pending"]) == ("active", pending)
    assert shown["last_error"] == f"the mail server refused the message: {status[:3]}"
    assert len(world.mailbox.mails) == pending


def test_a_process_that_dies_around_the_sending_repeats_the_message_under_its_id(
    connected: Market, owner: Owner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it: sent later, once. After it: sent again, with the same Message-ID."""
    confirmed(owner, world)
    owner.alert(amount=100)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.sending.Sender._attempt", die)
        assert fire(connected).status_code == 500
    sent_by_then = len(world.mailbox.mails)
    make_due(connected.alerts)
    with monkeypatch.context() as patch:
        patch.setattr("functions.alerts.delivery.queries.update_delivered", die)
        connected.alerts.tick()
    make_due(connected.alerts)
    connected.alerts.tick()

    ids = [mail["headers"]["message-id"] for mail in world.mailbox.mails]
    assert (sent_by_then, len(ids), len(set(ids))) == (0, 2, 1)
    assert re.fullmatch(r"<msg_[0-9a-f]{32}@example\.com>", ids[0])


def test_a_mail_server_that_is_away_costs_one_attempt_a_round(database_url: str, redis_url: str, world: World) -> None:
    """The other messages do not wait for the same timeout; all are tried again."""
    settings = {**world.settings, "SMTP_PORT": "1"}
    with serving_alerts(database_url, redis_url, **settings) as alerts:
        channel = add_mail(alerts.owner("owner"), "me@example.com")

    assert (channel["state"], channel["last_error"]) == ("unconfirmed", "the mail server cannot be reached")
    assert channel["pending"] == 1, "the code is sent once the server is back"
