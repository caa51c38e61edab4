"""Harness of alerts: the function in the test's process, accounts with tokens, and a receiver of webhooks."""

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import psycopg
import pytest

from functions.alerts.app import AlertsApp
from functions.alerts.settings import Settings
from shared.runtime import clock
from shared.runtime.settings import read_settings
from tests.accounts import Person, serving_tokens
from tests.in_process import serving_handler
from tests.insights_harness import event_headers
from tests.reading import UNLIMITED, Bar, at, put
from tests.serving import QuietHandler, serving

BEFORE = "2026-11-20T14:00:00+00:00"
"""Before the session: rules that are created now are evaluated for all of it."""
NOON = "2026-11-20T17:00:00+00:00"
"""Friday, in the third hour of a full session."""
STORED = "tech.stocksalot.bars.stored.v1"
FIRED = "tech.stocksalot.alerts.fired.v1"


@dataclass
class Receiver:
    """Server that takes webhooks and checks their signatures; *answer* decides the status by the path and the id."""

    url: str = ""
    secrets: dict[str, str] = field(default_factory=dict[str, str])
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    answer: Callable[[str, str], int] = lambda path, message_id: 204
    delay: float = 0

    def ids(self, path: str = "") -> list[str]:
        """The ids of the messages that came to *path*, repeated ones too."""
        return [one["id"] for one in self.requests if one["path"].startswith(path)]

    def bodies(self) -> list[dict[str, Any]]:
        """The messages that were accepted, as JSON."""
        return [one["body"] for one in self.requests if one["status"] < 300]

    def texts(self) -> list[str]:
        """The texts of the messages that were accepted."""
        return [one["data"]["text"] for one in self.bodies()]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Run a receiver on a port of its own."""
    receiver = Receiver()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = self.rfile.read(int(self.headers["content-length"]))
            message_id, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
            secret = receiver.secrets.get(self.path)
            if secret:
                assert self.headers["webhook-signature"] == signature(secret, message_id, timestamp, body)
                assert abs(time.time() - int(timestamp)) < 300
            time.sleep(receiver.delay)
            status = receiver.answer(self.path, message_id)
            seen = {"path": self.path, "id": message_id, "status": status, "body": json.loads(body)}
            receiver.requests.append(seen | {"host": self.headers["host"]})
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as receiver.url:
        yield receiver


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """The signature that Standard Webhooks specifies, made here by its text."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, content, "sha256").digest()).decode()


@dataclass(frozen=True)
class Owner(Person):
    """An account as alerts sees it."""

    def alert(self, ticker: str = "AAPL", kind: str = "price", **parts: Any) -> dict[str, Any]:
        """A new alert of the account."""
        if kind == "price":
            parts = {"direction": "above", "amount": 100, **parts}
        return self.ask("POST", "/alerts", 201, json={"ticker": ticker, "kind": kind, **parts}).json()

    def webhook(self, receiver: Receiver, path: str = "/hook", **more: Any) -> dict[str, Any]:
        """A new channel of the account that leads to *receiver*, which checks its signatures."""
        asked = {"kind": "webhook", "name": "mine", "url": f"{receiver.url}{path}", **more}
        channel = self.ask("POST", "/alerts/channels", 201, json=asked).json()
        receiver.secrets[path] = channel["secret"]
        return channel

    def refusal(self, method: str, path: str, status: int, **more: Any) -> dict[str, Any]:
        """Return the problem that refuses a request."""
        return self.ask(method, path, status, **more).json()

    def firings(self, query: str = "") -> list[dict[str, Any]]:
        """Return the firings of the account, newest first."""
        return self.ask("GET", f"/alerts/firings{query}").json()["items"]

    def kinds(self) -> list[str]:
        """Return the kind of each firing of the account, oldest first."""
        return [one["kind"] for one in reversed(self.firings())]

    def fired(self) -> list[tuple[str, str, str]]:
        """Return kind, ticker and start of the bar of each firing, in the order of these bars."""
        found = self.firings("?limit=200")
        return sorted(((one["kind"], one["ticker"], one["bar"]["start"]) for one in found), key=lambda one: one[2])


@dataclass(frozen=True)
class Alerts:
    """The functions alerts and token on one database."""

    client: httpx.Client
    tokens: httpx.Client
    database_url: str

    def owner(self, name: str, **fields: Any) -> Owner:
        """A new account, with a token of the scopes that *fields* name (alerts)."""
        from tests.accounts import Tokens

        person = Tokens(self.tokens).person(name)
        token = person.make(**{"scopes": ["alerts"], **fields})["token"]
        return Owner(self.client, token)

    def event(self, kind: str = STORED, event_id: str = "1", **data: Any) -> httpx.Response:
        """The answer to an event, as a Trigger sends it; a reply is an event, too."""
        headers = event_headers(kind, event_id)
        return self.client.post("/events", headers=headers, content=json.dumps(data).encode())

    def tick(self) -> httpx.Response:
        """Send a tick, and the reply to it; return the last answer."""
        return self.follow(self.event("dev.knative.sources.ping", "tick"))

    def follow(self, answer: httpx.Response) -> httpx.Response:
        """Bring a reply back here, as its Trigger does; return the last answer."""
        if answer.status_code != 200:
            return answer
        assert (answer.headers["ce-type"], answer.headers["ce-delivery"]) == (FIRED, "wanted")
        headers = {name: value for name, value in answer.headers.items() if name.startswith("ce-")}
        headers["content-type"] = "application/json"
        return self.client.post("/events", headers=headers, content=answer.content)

    def query(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """The rows that *statement* gives."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), arguments)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def serving_alerts(
    database_url: str, redis_url: str, now: str | None = NOON, tokens_url: str = "", **settings: str
) -> Iterator[Alerts]:
    """Run alerts and token (at *tokens_url*) inside the test's process, the clock standing still at *now*."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        **UNLIMITED,
        "ALERTS_PRIVATE_TARGETS": "allowed",
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch, serving_tokens(tokens_url or database_url, redis_url) as tokens:
        patch.setattr(clock, "_REPLAY", clock.parse(f"{now} {now} 0" if now else None))
        app = AlertsApp(read_settings(Settings, environment))
        with serving_handler(app.respond) as client:
            yield Alerts(client, tokens.client, database_url)


def set_clock(now: str | None) -> None:
    """Let the clock stand still at *now*, None for the real time, until the context of `serving_alerts` ends.

    Not by the test's own patch: undone after that context, it would leave this time to all later tests.
    """
    clock._REPLAY = clock.parse(f"{now} {now} 0" if now else None)  # pyright: ignore[reportPrivateUsage]


@dataclass(frozen=True)
class Market:
    """Bars that a test stores, and the event that says so."""

    alerts: Alerts

    def store(self, *bars: Bar, send: bool = True, times: int = 1) -> None:
        """Store *bars* as the function store does, and send bars.stored, *times* the same one."""
        put(self.alerts.database_url, bars)
        for bar in bars:
            self.alerts.query(
                "UPDATE bars SET served_at = %s WHERE ticker = %s AND start = %s", clock.now(), bar.ticker, bar.start
            )
        if send:
            for _ in range(times):
                self.publish(*bars)

    def revise(self, ticker: str, start: str, close: str, *, send: bool = True) -> None:
        """Revise a bar: its close is another one, and its range reaches there."""
        self.alerts.query(
            """
            UPDATE bars
               SET close = %s::numeric, high = greatest(open, %s::numeric) + 1, low = least(open, %s::numeric) - 1,
                   revision = revision + 1, served_at = %s
             WHERE ticker = %s AND start = %s
            """,
            close, close, close, clock.now(), ticker, at(start),
        )  # fmt: skip
        if send:
            self.publish(Bar(ticker, at(start)))

    def publish(self, *bars: Bar) -> httpx.Response:
        """Send bars.stored about *bars* and then its reply, as the broker does, and return the last response."""
        data = {
            "interval": "1h",
            "tickers": sorted({bar.ticker for bar in bars}),
            "first": min(bar.start for bar in bars).isoformat(),
            "last": max(bar.start for bar in bars).isoformat(),
            "inserted": len(bars), "revised": 0, "unchanged": 0, "rejected": 0,
        }  # fmt: skip
        return self.alerts.follow(self.alerts.event(STORED, "1", **data))
