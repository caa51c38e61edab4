"""Web push: a message encrypted for one browser (RFC 8291), signed for its push service (VAPID, RFC 8292).

The packages for encryption and signatures are loaded with the first message, so that no other request waits for them.
"""

import base64
import binascii
import json
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import msgspec

from functions.alerts.delivery.addresses import check_url
from functions.alerts.delivery.checked_request import ReceiverResponse, send_request
from functions.alerts.delivery.result import DeliveryResult

_POINT_BYTES, _AUTH_BYTES = 65, 16
_MAX_KEY = 200
"""Maximum length of a key in characters."""
_STEP, _MAX_BYTES = 1024, 3072
"""Payloads are padded to whole steps, which hides their length. Push services take 4096 bytes of ciphertext."""
_TTL_SECONDS = 86_400
_TOKEN_SECONDS = 12 * 3600
_GONE, _REFUSED, _TOO_LARGE = (404, 410), (401, 403), 413


class Subscription(NamedTuple):
    """A browser's subscription: the URL at its push service, its public key and its secret, in base64url."""

    endpoint: str
    p256dh: str
    auth: str

    @property
    def host(self) -> str:
        """Host of the push service."""
        return urlsplit(self.endpoint).hostname or ""

    def to_text(self) -> str:
        """Return the subscription as text."""
        return json.dumps(self)

    @classmethod
    def from_text(cls, text: str) -> "Subscription":
        """Return the subscription that `to_text` serialized."""
        return cls(*json.loads(text))


class Identity(NamedTuple):
    """Private key of this installation, 32 bytes in base64url, and the contact of the operator."""

    private_key: str
    contact: str


def find_subscription_faults(subscription: Subscription, *, private: bool) -> list[tuple[str, str]]:
    """Return the invalid members of *subscription*, each with the change to make."""
    faults: list[tuple[str, str]] = []
    if fault := check_url(subscription.endpoint, private=private):
        faults.append(("subscription.endpoint", fault))
    elif ":" in subscription.host:
        faults.append(("subscription.endpoint", "should name a host"))
    if not _is_point(subscription.p256dh):
        faults.append(("subscription.keys.p256dh", "should be a point of P-256, uncompressed, in base64url"))
    if len(_decode(subscription.auth)) != _AUTH_BYTES:
        faults.append(("subscription.keys.auth", f"should be {_AUTH_BYTES} bytes in base64url"))
    return faults


def public_key(private_key: str) -> str:
    """Return the public key of *private_key* as PushManager.subscribe expects it: the whole point in base64url."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from py_vapid import Vapid02

    point = Vapid02.from_raw(private_key.encode()).private_key.public_key()
    return _encode(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def make_payload(members: Mapping[str, Any]) -> bytes:
    """Return *members* as JSON, padded with spaces; its member body is truncated to fit."""
    whole = msgspec.json.encode(members)
    if (excess := len(whole) - _MAX_BYTES) > 0:
        body = str(members["body"]).encode()[: -excess - 3].decode(errors="ignore")
        whole = msgspec.json.encode({**members, "body": f"{body}…"})
    return whole.ljust(-(-len(whole) // _STEP) * _STEP)


async def post_push(
    subscription: Subscription, identity: Identity, payload: bytes, topic: str, *, urgent: bool, private: bool
) -> DeliveryResult:
    """Send *payload* to a browser; 404 and 410 end its subscription.

    A message that waits for the browser is replaced by the next one of the same *topic*, a UUID.
    """
    headers: dict[bytes | str, bytes | str] = {
        "authorization": _authorize(subscription, identity),
        "content-encoding": "aes128gcm",
        "content-type": "application/octet-stream",
        "ttl": f"{_TTL_SECONDS}",
        "topic": _encode(UUID(topic).bytes),
        "urgency": "high" if urgent else "normal",
        "user-agent": "StocksALot",
    }
    response = await send_request(subscription.endpoint, headers, _encrypt(subscription, payload), private=private)
    return response if isinstance(response, DeliveryResult) else _result(response)


def _result(response: ReceiverResponse) -> DeliveryResult:
    status = response.status
    if 200 <= status < 300:
        return DeliveryResult(delivered=True)
    if status in _GONE:
        return DeliveryResult(delivered=False, error="the browser has unsubscribed", gone=True)
    if status in _REFUSED:
        error = f"the push service answered {status}: subscribe again in the browser"
        return DeliveryResult(delivered=False, error=error)
    return DeliveryResult(delivered=False, error=f"the push service answered {status}", permanent=status == _TOO_LARGE)


def _encrypt(subscription: Subscription, payload: bytes) -> bytes:
    """Return *payload* as one record of aes128gcm for the keys of *subscription*."""
    import http_ece
    from cryptography.hazmat.primitives.asymmetric import ec

    return http_ece.encrypt(
        payload,
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=_decode(subscription.p256dh),
        auth_secret=_decode(subscription.auth),
        version="aes128gcm",
    )


def _authorize(subscription: Subscription, identity: Identity) -> str:
    """Return the header that identifies this installation; in real time, also when a replay sets the clock."""
    from py_vapid import Vapid02

    parts = urlsplit(subscription.endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(time.time()) + _TOKEN_SECONDS,
        "sub": identity.contact,
    }
    return Vapid02.from_raw(identity.private_key.encode()).sign(claims)["Authorization"]


def _is_point(text: str) -> bool:
    """Return whether *text* is a point on the curve."""
    from cryptography.hazmat.primitives.asymmetric import ec

    encoded = _decode(text)
    if len(encoded) != _POINT_BYTES or encoded[0] != 4:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), encoded)
    except ValueError:
        return False
    return True


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    """Return the bytes that *text* encodes in base64url, none if it is invalid."""
    text = text.rstrip("=")
    if len(text) > _MAX_KEY or not text.isascii():
        return b""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
