"""Rules of an account: stated, shown in words, changed, paused and deleted; limits, and nothing of another account."""

from typing import Any
from uuid import uuid4

import pytest

from functions.alerts.response_models import Alert, AlertsResponse
from tests.alerts_harness import Alerts, Owner

SENTENCES: list[tuple[dict[str, Any], str]] = [
    (
        {"ticker": "nvda", "kind": "price", "direction": "below", "amount": 1150},
        "Tell me when NVDA is below $1,150.00 at the end of an hour, once.",
    ),
    (
        {"ticker": "NVDA", "kind": "change", "direction": "down", "basis": "previous_close", "amount": 3,
         "repeat": "session"},
        "Tell me when NVDA falls 3% or more below the previous close, once a session.",
    ),
    (
        {"ticker": "*", "kind": "change", "direction": "any", "basis": "session_open", "amount": 2.5,
         "repeat": "always"},
        "Tell me when any tracked stock moves 2.5% or more from the open, every time.",
    ),
    (
        {"ticker": "*", "kind": "volume", "amount": 3},
        "Tell me when any tracked stock has traded 3 times its usual volume or more in the session, "
        "once for each stock.",
    ),
    (
        {"ticker": "KO", "kind": "extreme", "direction": "high", "span": "52_weeks", "repeat": "session"},
        "Tell me when KO reaches a new 52-week high, once a session.",
    ),
    (
        {"ticker": "KO", "kind": "insight", "amount": 2, "repeat": "always"},
        "Tell me when there is an insight of significance 2 or more about KO, every time.",
    ),
    (
        {"ticker": "*", "kind": "missing", "repeat": "session"},
        "Tell me when a bar of any tracked stock is missing, once a session for each stock.",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("asked", "sentence"), SENTENCES)
def test_a_rule_has_its_sentence(owner: Owner, asked: dict[str, Any], sentence: str) -> None:
    """The server makes the words from the parts, and the list has the rule as the creation showed it."""
    made = owner.ask("POST", "/alerts", 201, json=asked).json()
    listed = AlertsResponse.model_validate(owner.ask("GET", "/alerts").json())

    assert made["sentence"] == sentence
    assert listed.items == [Alert.model_validate(made)]
    assert (made["state"], made["fired"], made["last_fired_at"]) == ("active", 0, None)


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"kind": "price", "direction": "up", "amount": 1}, "direction"),
        ({"kind": "price", "direction": "above"}, "amount"),
        ({"kind": "price", "direction": "above", "amount": 0}, "amount"),
        ({"kind": "price", "direction": "above", "amount": "1e400"}, "amount"),
        ({"kind": "price", "direction": "above", "amount": "NaN"}, "amount"),
        ({"kind": "price", "direction": "above", "amount": 1.00001}, "amount"),
        ({"kind": "price", "direction": "above", "amount": True}, "amount"),
        ({"kind": "price", "direction": "above", "amount": 1, "span": "52_weeks"}, "span"),
        ({"kind": "change", "direction": "down", "amount": 1}, "basis"),
        ({"kind": "change", "direction": "sideways", "basis": "session_open", "amount": 1}, "direction"),
        ({"kind": "missing", "amount": 1}, "amount"),
        ({"kind": "rumour"}, "kind"),
        ({"kind": "missing", "repeat": "daily"}, "repeat"),
        ({"kind": "missing", "name": "x"}, "name"),
        ({"kind": "missing", "channels": ["x"]}, "channels"),
        ({"kind": "missing", "channels": [str(uuid4())]}, "channels"),
        ({"kind": "missing", "channels": [str(uuid4()) for _ in range(11)]}, "channels"),
        ({"kind": "missing", "ticker": "A B"}, "ticker"),
        ({"kind": "missing", "ticker": "AAPL\x00"}, "ticker"),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(owner: Owner, asked: dict[str, Any], field: str) -> None:
    """A 400 with the field and what to change; nothing is stored."""
    problem = owner.refusal("POST", "/alerts", 400, json={"ticker": "AAPL", **asked})

    assert [one["parameter"] for one in problem["errors"]] == [field]
    assert owner.ask("GET", "/alerts").json()["count"] == 0


@pytest.mark.parametrize(
    ("amount", "found"), [("1_0", "text"), ("10", "text"), (True, "true or false"), ([1], "a list")]
)
def test_an_amount_is_a_number(owner: Owner, amount: object, found: str) -> None:
    """Text is none, whatever it looks like; in a new rule and in a changed one, in words of the API."""
    path = f"/alerts/{owner.alert(amount=7.0001)['id']}"
    asked = {"ticker": "AAPL", "kind": "price", "direction": "above", "amount": amount}
    refused = [
        owner.refusal("POST", "/alerts", 400, json=asked),
        owner.refusal("PATCH", path, 400, json={"amount": amount}),
    ]

    assert [one["errors"][0]["detail"] for one in refused] == [f"should be a number, not {found}"] * 2
    assert [rule["amount"] for rule in owner.ask("GET", "/alerts").json()["items"]] == [7.0001]


def test_an_unknown_ticker_gets_suggestions(owner: Owner) -> None:
    """As in every path of the API."""
    problem = owner.refusal("POST", "/alerts", 404, json={"ticker": "APPL", "kind": "missing"})

    assert "Did you mean AAPL" in problem["detail"]


def test_an_account_has_fifty_rules(owner: Owner) -> None:
    """The next one is refused with what to do."""
    for _ in range(50):
        owner.alert()

    problem = owner.refusal("POST", "/alerts", 409, json={"ticker": "AAPL", "kind": "missing"})

    assert problem["type"].endswith("/too-many-alerts")
    assert owner.ask("GET", "/alerts").json()["count"] == 50


def test_a_rule_is_changed_paused_and_deleted(owner: Owner) -> None:
    """Parts that are not given stay; one that does not fit the kind is refused."""
    made = owner.alert("AAPL", repeat="always")
    path = f"/alerts/{made['id']}"

    changed = owner.ask("PATCH", path, json={"amount": 12.5, "ticker": "msft", "state": "paused"}).json()
    owner.refusal("PATCH", path, 400, json={"span": "52_weeks"})
    owner.refusal("PATCH", path, 404, json={"ticker": "NONE"})

    assert changed["sentence"] == "Tell me when MSFT is above $12.50 at the end of an hour, every time."
    assert changed["state"] == "paused"
    assert owner.ask("GET", path).json() == changed
    owner.ask("DELETE", path, 204)
    owner.refusal("GET", path, 404)
    owner.refusal("DELETE", path, 404)


def test_accounts_do_not_see_each_other(alerts: Alerts, owner: Owner) -> None:
    """Rules, channels and firings of one account do not exist for another."""
    stranger = alerts.owner("stranger")
    rule = owner.alert()
    channel = owner.ask(
        "POST", "/alerts/channels", 201, json={"kind": "webhook", "name": "x", "url": "http://127.0.0.1:1/"}
    ).json()

    for method, path, body in (
        ("GET", f"/alerts/{rule['id']}", None),
        ("PATCH", f"/alerts/{rule['id']}", {"amount": 1}),
        ("DELETE", f"/alerts/{rule['id']}", None),
        ("GET", f"/alerts/{rule['id']}/firings", None),
        ("GET", f"/alerts/channels/{channel['id']}", None),
        ("PATCH", f"/alerts/channels/{channel['id']}", {"name": "y"}),
        ("DELETE", f"/alerts/channels/{channel['id']}", None),
        ("POST", f"/alerts/channels/{channel['id']}/test", None),
        ("POST", f"/alerts/channels/{channel['id']}/secret", None),
    ):
        stranger.refusal(method, path, 404, json=body)
    stranger.refusal("POST", "/alerts", 400, json={"ticker": "KO", "kind": "missing", "channels": [channel["id"]]})
    assert [stranger.ask("GET", f"/alerts{part}").json()["count"] for part in ("", "/firings", "/channels")] == [0] * 3


def test_a_token_needs_the_scope(alerts: Alerts) -> None:
    """401 without a token, 403 without the scope."""
    reader = alerts.owner("reader", scopes=["read"])

    assert alerts.client.get("/alerts").status_code == 401
    assert reader.refusal("GET", "/alerts", 403)["detail"].endswith("requires a token with the scope alerts.")
    assert reader.refusal("POST", "/alerts/channels", 403)["type"].endswith("insufficient-scope")


def test_a_deleted_account_leaves_nothing(alerts: Alerts) -> None:
    """Its rules, channels, firings and deliveries go with it."""
    person = alerts.owner("leaver", scopes=["alerts", "account"])
    person.alert()
    person.ask("POST", "/alerts/channels", 201, json={"kind": "webhook", "name": "x", "url": "http://127.0.0.1:1/"})
    before = alerts.query("SELECT count(*) FROM alert_rules JOIN users USING (user_id) WHERE username = 'leaver'")

    alerts.query("DELETE FROM users WHERE username = 'leaver'")

    assert before == [(1,)]
    orphans = "SELECT count(*) FROM {} WHERE user_id NOT IN (SELECT user_id FROM users)"
    for table in ("alert_rules", "alert_channels", "alert_firings", "alert_deliveries"):
        assert alerts.query(orphans.format(table)) == [(0,)]


def test_wrong_paths_queries_and_methods_are_refused(owner: Owner) -> None:
    """Paths with other text, with a query, and by other methods."""
    assert owner.refusal("GET", "/alerts/x", 404)["type"].endswith("unknown-alert")
    assert owner.refusal("GET", "/alerts/channels/x", 404)["type"].endswith("unknown-channel")
    owner.refusal("GET", "/alerts?x=1", 400)
    owner.refusal("PUT", "/alerts", 405)
    owner.refusal("GET", "/alerts/firings?limit=0", 400)
    owner.refusal("GET", "/alerts/firings?cursor=before-1-x", 400)
    assert owner.ask("GET", f"/alerts/firings?cursor=before-{10**16}-{'0' * 32}").json()["items"] == []
