"""Push service and browser in one: it makes subscriptions, takes what is sent to them, and shows it decrypted."""

import base64
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Blueprint, Response, jsonify, request
from py_vapid import Vapid02

_MOST = 1000
_MAX_BODY = 4096
_HEADERS = ("content-encoding", "ttl", "urgency", "topic")


@dataclass
class Browser:
    """A subscription with the keys that a browser keeps to itself; *answer* is what the service says to messages."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    auth: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    answer: int = 201

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """Return the subscription as PushSubscription.toJSON() gives it."""
        point = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        keys = {"p256dh": _encode(point), "auth": _encode(self.auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def decrypt(self, body: bytes) -> Any:
        """Return the message in *body*, as the service worker reads it."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.auth, version="aes128gcm")
        return json.loads(plain)


class PushService:
    """Subscriptions by their names, and the newest thousand messages."""

    def __init__(self) -> None:
        self.browsers: dict[str, Browser] = {}
        self.messages: deque[dict[str, Any]] = deque(maxlen=_MOST)

    def receive(self, name: str) -> tuple[str, int]:
        """Take the message in the request for *name*."""
        browser, body = self.browsers.get(name), request.get_data()
        if browser is None:
            return "", 404
        if len(body) > _MAX_BODY:
            return "", 413
        if not Vapid02.verify(request.headers.get("Authorization", "")):
            return "", 403
        headers = {header: request.headers.get(header) for header in _HEADERS}
        shown = {"subscription": name, "status": browser.answer, **headers, "vapid": _claims()}
        encrypted = base64.b64encode(body).decode()
        self.messages.append({**shown, "encrypted": encrypted, "message": browser.decrypt(body)})
        return "", browser.answer

    def blueprint(self) -> Blueprint:
        """Return the paths below /push.

        `POST /push` makes a subscription, `POST /push/NAME` is its endpoint, `PUT /push/NAME` sets what the endpoint
        answers ({"answer": 410}). `GET /push` lists what came, decrypted too; `DELETE` forgets it.
        """
        blueprint = Blueprint("push", __name__)
        blueprint.post("/push/<name>")(self.receive)

        @blueprint.post("/push")
        def subscribe() -> tuple[Response, int]:
            name = secrets.token_urlsafe(16)
            self.browsers[name] = Browser()
            return jsonify(self.browsers[name].subscription(f"{request.url_root}push/{name}")), 201

        @blueprint.put("/push/<name>")
        def set_answer(name: str) -> tuple[str, int]:
            self.browsers[name].answer = int(request.get_json()["answer"])
            return "", 204

        @blueprint.get("/push")
        def shown() -> Response:
            return jsonify(count=len(self.messages), items=list(self.messages))

        @blueprint.delete("/push")
        def forget() -> tuple[str, int]:
            self.messages.clear()
            return "", 204

        return blueprint


def _claims() -> Any:
    """Return what the signed token of the request says."""
    token = request.headers["Authorization"].partition("t=")[2].partition(",")[0]
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
