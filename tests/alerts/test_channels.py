"""Channels of an account: stated, tested, disabled and deleted; secrets that are shown once; bounded responses."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from standardwebhooks import Webhook

from functions.alerts.channel_models import Channel, ChannelsResponse, NewChannelResponse
from functions.alerts.delivery.webhook import make_secret, post_webhook, sign
from tests.alerts_harness import Alerts, Owner, Receiver, serving_alerts
from tests.waiting import wait_until


def test_the_signature_is_that_of_standard_webhooks() -> None:
    """The package of the specification verifies what is signed here, and makes the same signature."""
    secret = make_secret("k" * 32, "salt")
    body = '{"text": "Ünïcode"}'
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": sign(secret, "msg_1", int(now.timestamp()), body.encode()),
    }

    assert Webhook(secret).verify(body, headers) == {"text": "Ünïcode"}
    assert Webhook(secret).sign("msg_1", now, body) == headers["webhook-signature"]


def test_a_channel_shows_its_secret_once(owner: Owner, receiver: Receiver) -> None:
    """The creation has it, no later response; a new one replaces it at once."""
    made = owner.webhook(receiver)
    path = f"/alerts/channels/{made['id']}"
    shown = owner.ask("GET", path).json()
    renewed = owner.ask("POST", f"{path}/secret").json()

    NewChannelResponse.model_validate(made)
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert renewed["secret"] != made["secret"]
    assert ChannelsResponse.model_validate(owner.ask("GET", "/alerts/channels").json()).items == [
        Channel.model_validate(shown)
    ]
    assert shown["target"] == f"{receiver.url}/..."


def test_the_database_has_no_secret(alerts: Alerts, owner: Owner, receiver: Receiver) -> None:
    """A copy of it signs nothing."""
    secret = owner.webhook(receiver)["secret"]

    assert secret[6:20] not in str(alerts.query("SELECT to_jsonb(alert_channels) FROM alert_channels"))


def test_a_test_arrives_signed(owner: Owner, receiver: Receiver) -> None:
    """The receiver checks the signature; the response says that it was delivered."""
    channel = owner.webhook(receiver)

    answer = owner.ask("POST", f"/alerts/channels/{channel['id']}/test").json()

    assert answer == {"delivered": True, "error": None}
    assert receiver.bodies()[0]["type"] == "alert.test"
    assert owner.ask("GET", f"/alerts/channels/{channel['id']}").json()["last_delivered_at"]


@pytest.mark.parametrize(("status", "state"), [(500, "active"), (400, "active"), (410, "disabled")])
def test_a_failed_test_says_why_and_is_not_repeated(owner: Owner, receiver: Receiver, status: int, state: str) -> None:
    """410 means that the receiver wants no message ever: the channel is disabled, and can be made active again."""
    receiver.answer = lambda *_: status
    channel = owner.webhook(receiver)
    path = f"/alerts/channels/{channel['id']}"

    answer = owner.ask("POST", f"{path}/test").json()
    shown = owner.ask("GET", path).json()

    assert answer == {"delivered": False, "error": f"the receiver answered {status}"}
    assert (shown["state"], shown["failures"], shown["pending"]) == (state, 1, 0)
    again = owner.ask("PATCH", path, json={"state": "active", "name": "again"}).json()
    if state == "disabled":
        assert (again["state"], again["name"], again["failures"]) == ("active", "again", 0)


def test_tests_are_limited(owner: Owner, receiver: Receiver) -> None:
    """Twenty an hour of an account, over all its channels, and over those that it deletes."""
    channel = owner.webhook(receiver)
    path = f"/alerts/channels/{channel['id']}/test"
    for _ in range(20):
        owner.ask("POST", path)

    assert owner.refusal("POST", path, 429)["type"].endswith("too-many-attempts")
    owner.ask("DELETE", path.removesuffix("/test"), 204)
    another = f"/alerts/channels/{owner.webhook(receiver)['id']}/test"
    assert owner.refusal("POST", another, 429)["type"].endswith("too-many-attempts")


def test_an_account_has_ten_channels(owner: Owner, receiver: Receiver) -> None:
    """The next one is refused; a deleted one makes room and leaves the rules that named it."""
    made = [owner.webhook(receiver, f"/{number}") for number in range(10)]
    rule = owner.alert(channels=[made[0]["id"], made[1]["id"]])
    asked = {"kind": "webhook", "name": "x", "url": f"{receiver.url}/"}

    assert owner.refusal("POST", "/alerts/channels", 409, json=asked)["type"].endswith("too-many-channels")
    owner.ask("DELETE", f"/alerts/channels/{made[0]['id']}", 204)
    assert owner.ask("GET", f"/alerts/{rule['id']}").json()["channels"] == [made[1]["id"]]
    owner.ask("POST", "/alerts/channels", 201, json=asked)


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "pigeon", "name": "x", "url": "https://example.com/"},
        {"kind": "webhook", "name": "", "url": "https://example.com/"},
        {"kind": "webhook", "name": "x" * 101, "url": "https://example.com/"},
        {"kind": "webhook", "name": "x\x07", "url": "https://example.com/"},
        {"kind": "webhook", "name": "x"},
        {"kind": "webhook", "name": "x", "url": "https://10.0.0.1/"},
        {"kind": "webhook", "name": "x", "url": "http://example.com/"},
    ],
)
def test_an_invalid_channel_is_refused(database: str, module_redis_url: str, asked: dict[str, str]) -> None:
    """A 400 that names the field; private addresses are refused unless the setting allows them."""
    with serving_alerts(database, module_redis_url, ALERTS_PRIVATE_TARGETS="refused") as alerts:
        problem = alerts.owner(f"u{abs(hash(str(asked)))}").refusal("POST", "/alerts/channels", 400, json=asked)

    assert len(problem["errors"]) == 1


def test_another_key_ends_the_secrets(
    database: str, module_redis_url: str, owner: Owner, receiver: Receiver, alerts: Alerts
) -> None:
    """With a new API_TOKEN_SECRET nothing is signed by a secret that the receiver does not know."""
    channel = owner.webhook(receiver)
    alerts.query("UPDATE alert_channels SET key_id = 'another' WHERE channel_id = %s", channel["id"])
    path = f"/alerts/channels/{channel['id']}"

    answer = owner.ask("POST", f"{path}/test").json()

    assert (answer["delivered"], receiver.requests) == (False, [])
    assert "request a new secret" in answer["error"]
    assert owner.ask("GET", path).json()["secret_valid"] is False
    receiver.secrets["/hook"] = owner.ask("POST", f"{path}/secret").json()["secret"]
    assert owner.ask("POST", f"{path}/test").json()["delivered"] is True


def test_an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a response a few kilobytes are read, and of one that drips a few seconds."""
    monkeypatch.setattr("functions.alerts.delivery.checked_request._TOTAL_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(endless: bool) -> None:
            peer, _ = server.accept()
            peer.recv(65536)
            peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n")
            try:
                while endless:
                    peer.sendall(b"x" * 65536)
            except OSError:
                return
            peer.recv(1)

        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        for endless, delivered in ((True, True), (False, False)):
            thread = threading.Thread(target=answer, args=(endless,))
            thread.start()
            result = asyncio.run(post_webhook(url, "whsec_AAAA", "msg_1", 1, b"{}", private=True))
            thread.join(20)
            assert result.delivered is delivered
            assert not thread.is_alive()


def test_a_channel_that_is_deleted_while_its_test_waits_is_unknown(
    owner: Owner, receiver: Receiver, database: str
) -> None:
    """The token is as good as before: the answer is the 404 of a channel that is gone."""
    made, url = owner.webhook(receiver), database
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    with psycopg.connect(url) as other, psycopg.connect(url, autocommit=True) as watcher, ThreadPoolExecutor() as pool:
        other.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(user_id::text, 5746805)) FROM alert_channels"
            " WHERE channel_id = %s",
            [made["id"]],
        )
        answer = pool.submit(owner.ask, "POST", f"/alerts/channels/{made['id']}/test", 404)
        wait_until(lambda: (watcher.execute(waiting).fetchone() or (0,))[0])
        other.execute("DELETE FROM alert_channels WHERE channel_id = %s", [made["id"]])
        other.commit()

        assert answer.result().json()["type"].endswith("/unknown-channel")


def test_each_kind_says_whether_it_is_there_and_what_the_operator_can_do(owner: Owner) -> None:
    """Without the settings of web push and mail a request for them is refused with what to set."""
    shown = ChannelsResponse.model_validate(owner.ask("GET", "/alerts/channels").json())
    asked = {"kind": "email", "name": "me", "email": "me@example.com"}

    problem = owner.refusal("POST", "/alerts/channels", 409, json=asked)

    assert {one.kind: one.available for one in shown.kinds} == {
        "webhook": True, "push": False, "email": False, "apprise": True,
    }  # fmt: skip
    assert shown.push_key is None
    assert problem["type"].endswith("channel-kind-unavailable")
    assert "SMTP_HOST, SMTP_FROM and PUBLIC_URL" in problem["detail"]
