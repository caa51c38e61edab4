"""Webhooks as specified by Standard Webhooks: secret, signature and request."""

import base64
import hmac

from functions.alerts.delivery.checked_request import send_request
from functions.alerts.delivery.result import DeliveryResult

_PREFIX = "whsec_"
_GONE = 410


def make_secret(key: str, salt: str) -> str:
    """Return the secret of a webhook, derived from API_TOKEN_SECRET and the channel's *salt*."""
    digest = hmac.digest(key.encode(), f"secret of a webhook {salt}".encode(), "sha256")
    return _PREFIX + base64.b64encode(digest).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the header webhook-signature: HMAC-SHA-256 of id, timestamp and body, in base64."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    content = f"{message_id}.{timestamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, content, 'sha256')).decode()}"


async def post_webhook(
    url: str, secret: str, message_id: str, timestamp: int, body: bytes, *, private: bool
) -> DeliveryResult:
    """Send *body* to *url* and return the result: any 2xx is a delivery, 410 disables the channel.

    A redirect counts as a failure and is not followed.
    """
    headers: dict[bytes | str, bytes | str] = {
        "content-type": "application/json",
        "user-agent": "StocksALot",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
    response = await send_request(url, headers, body, private=private)
    if isinstance(response, DeliveryResult):
        return response
    if 200 <= response.status < 300:
        return DeliveryResult(delivered=True)
    error = f"the receiver answered {response.status}"
    return DeliveryResult(delivered=False, error=error, gone=response.status == _GONE)
