"""Encryption of targets at rest, so that a copy of the database gives no access to browsers, rooms or phones.

AES-256-GCM under a key derived from API_TOKEN_SECRET and the channel's salt.
"""

import base64
import hmac
import secrets

_NONCE_BYTES = 12


def encrypt_target(key: str, salt: str, target: str) -> str:
    """Return *target* encrypted, in base64."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # late: webhooks and mail do not need it

    nonce = secrets.token_bytes(_NONCE_BYTES)
    sealed = AESGCM(_derive(key, salt)).encrypt(nonce, target.encode(), None)
    return base64.b64encode(nonce + sealed).decode()


def decrypt_target(key: str, salt: str, encrypted: str) -> str:
    """Return the target; ValueError for another key or salt."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = base64.b64decode(encrypted)
    try:
        return AESGCM(_derive(key, salt)).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None).decode()
    except InvalidTag:
        raise ValueError("the target was encrypted under another key") from None


def _derive(key: str, salt: str) -> bytes:
    return hmac.digest(key.encode(), f"target of a channel {salt}".encode(), "sha256")
