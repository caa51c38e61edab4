"""Answers about alerts for the page without functions: rules, firings, channels."""

from typing import Any

from tests.page.fake_api import FakeApi, stock_of

PRINCIPAL = "sessionStorage.principal = JSON.stringify({ token: 'sal_x', email: 'ada@example.com' })"
_IDS = "3f0c9a51-6f0e-4f0e-8a53-{:012d}"
KINDS: list[dict[str, Any]] = [
    {"kind": "webhook", "available": True, "reason": None},
    {"kind": "push", "available": True, "reason": None},
    {"kind": "email", "available": True, "reason": None},
    {"kind": "apprise", "available": False, "reason": "This installation lacks the package apprise."},
]
PUSH_KEY = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"


def alert(number: int, **parts: Any) -> dict[str, Any]:
    """An alert about NVDA, changed by *parts*."""
    return {
        "id": _IDS.format(number),
        "sentence": "Tell me when NVDA falls 3% or more below the previous close, once a session.",
        "ticker": "NVDA",
        "list": None,
        "kind": "change",
        "direction": "down",
        "basis": "previous_close",
        "span": None,
        "amount": 3,
        "repeat": "session",
        "channels": None,
        "state": "active",
        "created_at": "2026-11-20T14:30:00Z",
        "changed_at": "2026-11-20T14:30:00Z",
        "fired": 0,
        "last_fired_at": None,
        **parts,
    }


def channel(number: int, **parts: Any) -> dict[str, Any]:
    """A webhook, changed by *parts*."""
    return {
        "id": _IDS.format(100 + number),
        "kind": "webhook",
        "name": "My server",
        "target": "https://example.com/...",
        "state": "active",
        "secret_valid": True,
        "failures": 0,
        "failing_since": None,
        "last_error": None,
        "last_delivered_at": "2026-11-27T17:32:00Z",
        "pending": 0,
        "created_at": "2026-11-20T14:30:00Z",
        **parts,
    }


def delivery(number: int, **parts: Any) -> dict[str, Any]:
    """A message that was delivered to the channel *number*, changed by *parts*."""
    return {
        "channel": _IDS.format(100 + number),
        "state": "delivered",
        "attempts": 1,
        "next_attempt_at": None,
        "delivered_at": "2026-11-27T17:32:00Z",
        "error": None,
        **parts,
    }


def firing(number: int, **parts: Any) -> dict[str, Any]:
    """A firing of the first alert, changed by *parts*."""
    start = "2026-11-27T16:30:00Z"
    return {
        "id": _IDS.format(200 + number),
        "alert": _IDS.format(1),
        "sentence": "Tell me when NVDA falls 3% or more below the previous close, once a session.",
        "kind": "fired",
        "corrects": None,
        "corrected": False,
        "text": "NVDA is at $135.20, 3.42% below the previous close of $139.99. "
        "Bar of 2026-11-27 11:30-12:30 New York, revision 0, source simulated.",
        "ticker": "NVDA",
        "bar": {
            "start": start,
            "end": "2026-11-27T17:30:00Z",
            "interval": "1h",
            "session": "2026-11-27",
            "revision": 0,
            "source": "simulated",
            "link": f"/ohlc/NVDA?start={start}&end=2026-11-27T17:30:00Z",
        },
        "price": 135.2,
        "value": -3.4217,
        "bound": 139.99,
        "fired_at": "2026-11-27T17:31:04Z",
        "deliveries": [delivery(1)],
        **parts,
    }


def listed(items: list[dict[str, Any]], **members: Any) -> dict[str, Any]:
    """The answer that lists *items*."""
    return {"count": len(items), **members, "items": items}


def channels(*items: dict[str, Any], kinds: list[dict[str, Any]] = KINDS) -> dict[str, Any]:
    """The answer that lists these channels."""
    return listed([*items], limit=10, kinds=kinds, push_key=PUSH_KEY)


def answers() -> dict[str, Any]:
    """Three alerts, of which one has fired, was corrected, and failed at one of three channels."""
    mine = [
        channel(1),
        channel(
            2,
            name="Old server",
            target="https://old.example.com/...",
            state="disabled",
            last_error="the receiver answered 503",
            last_delivered_at=None,
            failures=12,
        ),
        channel(3, kind="email", name="Mail", target="a...@example.com", state="unconfirmed", last_delivered_at=None),
    ]
    rules = [
        alert(1, fired=2, last_fired_at="2026-11-27T17:31:04Z"),
        alert(
            2,
            ticker="AAPL",
            kind="extreme",
            direction="high",
            basis=None,
            span="52_weeks",
            amount=None,
            state="paused",
            channels=[mine[0]["id"]],
            sentence="Tell me when AAPL reaches a new 52-week high, once a session.",
        ),
        alert(
            3,
            ticker="*",
            kind="missing",
            direction=None,
            basis=None,
            amount=None,
            repeat="once",
            state="done",
            fired=1,
            last_fired_at="2026-11-24T21:31:00Z",
            sentence="Tell me when a bar of any tracked stock is missing, once for each stock.",
        ),
    ]
    failed = delivery(2, state="failed", attempts=12, delivered_at=None, error="the receiver answered 503")
    waiting = delivery(
        1, state="pending", attempts=3, delivered_at=None, next_attempt_at="2026-11-27T18:05:00Z",
        error="no answer within 12 seconds",
    )  # fmt: skip
    correction = firing(
        2,
        kind="corrected",
        corrects=firing(1)["id"],
        fired_at="2026-11-27T17:45:10Z",
        text="Correction: bars of NVDA were revised, and the alert does not hold any more. It is at $138.70, against "
        "$139.99 at the previous close. Bar of 2026-11-27 11:30-12:30 New York, revision 1, source simulated.",
        deliveries=[waiting],
    )
    first = firing(1, corrected=True, deliveries=[delivery(1), failed])
    earlier = firing(
        3,
        alert=rules[2]["id"],
        sentence=rules[2]["sentence"],
        ticker="CAT",
        text="The bar of CAT of 2026-11-24 15:30-16:00 New York is missing.",
        fired_at="2026-11-24T21:31:00Z",
        bar={**firing(1)["bar"], "start": "2026-11-24T20:30:00Z", "end": "2026-11-24T21:00:00Z"},
        deliveries=[],
    )
    return {
        "/alerts": listed(rules, limit=50),
        "/alerts/channels": channels(*mine),
        "/alerts/firings": listed([correction, first, earlier], next_cursor=None),
    }


def add_to(api: FakeApi) -> FakeApi:
    """Add the answers about alerts and about NVDA, which takes the place of the first stock; return *api*."""
    for path in ("/latest", "/tickers", "/overview"):
        api.answers[path]["items"][0]["ticker"] = "NVDA"
    api.answers |= {**answers(), **stock_of("NVDA"), "/lists": listed([])}
    return api
