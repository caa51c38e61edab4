"""The world that alerts send to: a push service with browsers, a mail server, and a server of ntfy."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from flask import Flask

from knative.local.services.ports import free_port
from tests.alerts_harness import Owner
from tests.fakes.market_data.mailbox import Mailbox, mail_server
from tests.fakes.market_data.ntfy import ntfy_blueprint
from tests.fakes.market_data.push_service import PushService
from tests.fakes.market_data.server import serving

PAGE = "https://stocks.example.com"
VAPID_KEY = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI"


@dataclass(frozen=True)
class World:
    """Receivers of what alerts send."""

    url: str
    mail_port: int
    mailbox: Mailbox
    push: PushService

    @property
    def settings(self) -> dict[str, str]:
        """Settings that lead alerts here."""
        return {
            "ALERTS_VAPID_PRIVATE_KEY": VAPID_KEY,
            "ALERTS_VAPID_CONTACT": "mailto:me@example.com",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.mail_port),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": "alerts@example.com",
            "PUBLIC_URL": PAGE,
        }

    def subscribe(self) -> dict[str, Any]:
        """A new browser's subscription."""
        return httpx.post(f"{self.url}/push").json()

    def answer(self, subscription: dict[str, Any], status: int) -> None:
        """Set the status that the push service answers to messages for a browser."""
        httpx.put(subscription["endpoint"], json={"answer": status})

    def ntfy(self) -> list[dict[str, Any]]:
        """Messages that the server of ntfy received."""
        return httpx.get(f"{self.url}/ntfy").json()["items"]

    def ntfy_url(self, topic: str = "stocks") -> str:
        """The address of a topic as Apprise writes it."""
        return f"{self.url.replace('http://', 'ntfy://')}/{topic}"


@contextmanager
def serving_world() -> Iterator[World]:
    """Run the receivers on ports of their own."""
    mailbox, push, app, port = Mailbox(), PushService(), Flask(__name__), free_port()
    app.config["NOW"] = lambda: datetime.now(UTC)
    for blueprint in (mailbox.blueprint(), push.blueprint(), ntfy_blueprint()):
        app.register_blueprint(blueprint)
    server = mail_server(mailbox, port)
    server.start()
    try:
        with serving(app) as url:
            yield World(url, port, mailbox, push)
    finally:
        server.stop()


def add_push(owner: Owner, subscription: dict[str, Any], status: int = 201) -> dict[str, Any]:
    """A channel of *owner* that leads to a browser."""
    asked = {"kind": "push", "name": "my phone", "subscription": subscription}
    return owner.ask("POST", "/alerts/channels", status, json=asked).json()


def add_mail(owner: Owner, address: str, status: int = 201) -> dict[str, Any]:
    """A channel of *owner* that leads to an address."""
    asked = {"kind": "email", "name": "my mail", "email": address}
    return owner.ask("POST", "/alerts/channels", status, json=asked).json()


def add_service(owner: Owner, url: str, status: int = 201) -> dict[str, Any]:
    """A channel of *owner* that leads to a service of Apprise."""
    asked = {"kind": "apprise", "name": "my room", "url": url}
    return owner.ask("POST", "/alerts/channels", status, json=asked).json()
