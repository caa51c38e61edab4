"""Services that Apprise sends to: a few of its plugins, by our own checked requests, without a secret in sight."""

import logging

import pytest

from functions.alerts.channel_models import Channel, NewChannelResponse
from functions.alerts.delivery.apprise_service import ServiceError, parse_service
from tests.alerts.test_delivery import FIRST, fire, make_due
from tests.alerts_harness import Market, Owner
from tests.alerts_world import World, add_service

_SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"


@pytest.fixture
def owner(connected: Market) -> Owner:
    """An account."""
    return connected.alerts.owner("owner")


def test_a_service_gets_an_alert_and_its_correction(connected: Market, owner: Owner, world: World) -> None:
    """With the title, the text and a link to the bar; each once although every event comes twice."""
    channel = add_service(owner, world.ntfy_url())
    owner.alert(amount=100, repeat="session")
    fire(connected)
    connected.alerts.tick()
    connected.revise("AAPL", FIRST, "99")

    fired, corrected = world.ntfy()
    assert NewChannelResponse.model_validate(channel).secret is None
    assert (fired["topic"], fired["title"]) == ("stocks", "AAPL: alert")
    assert fired["message"].startswith("AAPL is at $100.50, above $100.00.")
    assert "https://stocks.example.com/api/ohlc/AAPL" in fired["message"]
    assert corrected["message"].startswith("Correction: ")


@pytest.mark.parametrize(
    ("topic", "state", "pending"),
    [("404", "disabled", 0), ("410", "disabled", 0), ("429", "active", 1), ("500", "active", 1)],
)
def test_status_codes_decide_between_retry_and_disabling(
    connected: Market, owner: Owner, world: World, topic: str, state: str, pending: int
) -> None:
    """A target that is gone disables the channel; any other failure is tried again."""
    channel = add_service(owner, world.ntfy_url(topic))
    owner.alert(amount=100)
    fire(connected)

    shown = Channel.model_validate(owner.ask("GET", f"/alerts/channels/{channel['id']}").json())

    assert (shown.last_error, shown.state, shown.pending) == (f"the service answered {topic}", state, pending)


def test_a_dead_service_is_tried_again(connected: Market, owner: Owner, world: World) -> None:
    """A service without a connection is a failed delivery like any other."""
    channel = add_service(owner, "ntfy://127.0.0.1:1/topic")
    tested = owner.ask("POST", f"/alerts/channels/{channel['id']}/test").json()
    owner.alert(amount=100)
    fire(connected)
    make_due(connected.alerts)
    connected.alerts.tick()

    assert tested == {"delivered": False, "error": "no connection: ConnectError"}
    assert owner.ask("GET", f"/alerts/channels/{channel['id']}").json()["pending"] == 1


def test_nothing_shows_the_address(
    connected: Market, owner: Owner, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds the tokens of a room: no response, no log line and no copy of the database has it."""
    caplog.set_level(logging.DEBUG)
    made = add_service(owner, world.ntfy_url("a-secret-topic").replace("ntfy://", "ntfy://me:pa55word@"))
    tested = owner.ask("POST", f"/alerts/channels/{made['id']}/test").json()
    broken = add_service(owner, "ntfy://me:pa55word@127.0.0.1:1/a-secret-topic")
    owner.ask("POST", f"/alerts/channels/{broken['id']}/test")

    listed = owner.ask("GET", "/alerts/channels").json()
    stored = connected.alerts.query("SELECT to_jsonb(alert_channels) FROM alert_channels")
    assert tested["delivered"] is True
    assert world.ntfy()[0]["login"] is True
    assert made["target"].startswith("ntfy, 127.0.0.1:")
    ours = [one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "werkzeug", "psycopg"))]
    for secret in ("a-secret-topic", "pa55word"):
        assert secret not in f"{made}{listed}{stored}{tested}"
        assert not [line for line in ours if secret in line]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (_SLACK, "Slack"),
        ("discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js", "Discord"),
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", "Telegram"),
        ("ntfy://topic", "ntfy, ntfy.sh"),
        ("ntfys://ntfy.example.org/topic?priority=high", "ntfy, ntfy.example.org"),
        ("gotifys://gotify.example.org:8443/AtE5.xxxxxx", "Gotify, gotify.example.org:8443"),
        ("pover://usersusersusersusersusersusers@tokentokentokentokentokentoken", "Pushover"),
    ],
)
def test_a_service_is_shown_without_its_secrets(url: str, shown: str) -> None:
    """By its name, and the host where anybody may run one."""
    assert parse_service(url, private=False).shown == shown


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "syslog://localhost",
        "dbus://",
        "json://169.254.169.254/",
        "exec://rm",
        "https://example.com/",
        "",
        "slack://",
        f"{_SLACK}?template=/etc/passwd",
        f"{_SLACK}/#general?attach=/etc/passwd",
        "ntfys://ntfy.example.org/topic?attach=http://127.0.0.1/",
        "ntfys://ntfy.example.org/topic?verify=no",
        "ntfys://ntfy.example.org/topic?priority=1;attach=file:///etc/passwd",
        "ntfys://ntfy.example.org/topic?priority=1;mode=cloud",
        "ntfys://ntfy%2Eexample%2Eorg/topic",
        "ntfys://",
        "ntfys://ntfy.example.org/topic?email=you@example.com",
        "ntfys://ntfy.example.org/topic?+X-Header=1",
        "ntfys://ntfy.example.org/topic1/topic2",
        "ntfy://ntfy.example.org/topic",
        "ntfys://127.0.0.1/topic",
        "ntfys://10.0.0.1:8443/topic",
        "ntfys://[::1]/topic",
        "ntfys://ntfy.example.org:22/topic",
        "gotify://10.0.0.1/token",
        "tgram://123456789:abcdefg_hijklmnop/",
        "tgram://123456789:abcdefg_hijklmnop/1/2/3",
        "ntfys://ntfy.example.org/" + "x" * 1000,
        "ntfys://ntfy.example.org/to pic",
        "ntfys://ntfy.example.org/\r\nX: y",
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """Plugins that run programs or open files, parameters that do, several recipients, private hosts."""
    with pytest.raises(ServiceError) as refused:
        parse_service(url, private=False)

    assert "passwd" not in str(refused.value)
