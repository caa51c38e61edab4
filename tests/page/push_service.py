"""A push service on this machine, and a browser whose subscriptions lead to it."""

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.serving import QuietHandler, serving

STUB = """
    const subscription = %s;
    let subscribed = null;
    const made = { endpoint: subscription.endpoint, toJSON: () => subscription,
        unsubscribe: async () => { subscribed = null; return true; } };
    PushManager.prototype.getSubscription = async () => subscribed;
    PushManager.prototype.subscribe = async (options) => {
        window.subscribedWith = options;
        return (subscribed = made);
    };
    window.asked = 0;
    const ask = Notification.requestPermission.bind(Notification);
    Notification.requestPermission = () => { window.asked += 1; return ask(); };
"""
"""A browser whose push service is the test's: no other is within reach."""


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class PushService:
    """A push service of one browser, which decrypts what it takes as that browser would."""

    url: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    messages: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    times: list[float] = field(default_factory=list[float])
    secret: bytes = b"sixteen bytes..."

    def subscription(self) -> str:
        """The subscription that the browser gives, as JSON."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": encode(point), "auth": encode(self.secret)}
        return json.dumps({"endpoint": f"{self.url}/push/1", "expirationTime": None, "keys": keys})

    def take(self, body: bytes) -> None:
        """Decrypt a message."""
        self.times.append(time.monotonic())
        text = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        self.messages.append(json.loads(text))


@contextmanager
def push_service() -> Iterator[PushService]:
    """Run a push service on a port of its own."""
    service = PushService()

    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            service.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(201)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Handler) as service.url:
        yield service
