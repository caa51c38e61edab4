"""Webhooks as Standard Webhooks specifies them: the secret, the signature, and one request."""

import base64
import hmac

from functions.alerts.delivery.checked_request import send_request
from functions.alerts.delivery.outcome import Outcome

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
) -> Outcome:
    """Send *body* to *url* and return what became of it: any 2xx is a delivery, 410 the end of the channel.

    A redirect is an answer like any other and is not followed.
    """
    headers: dict[bytes | str, bytes | str] = {
        "content-type": "application/json",
        "user-agent": "StocksALot",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, message_id, timestamp, body),
    }
    answer = await send_request(url, headers, body, private=private)
    if isinstance(answer, Outcome):
        return answer
    if 200 <= answer.status < 300:
        return Outcome(delivered=True)
    return Outcome(delivered=False, error=f"the receiver answered {answer.status}", gone=answer.status == _GONE)
