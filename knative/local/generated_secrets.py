"""Secrets generated for settings that the user leaves empty, stored with the data that depends on them."""

import base64
import hmac
from collections.abc import Mapping
from pathlib import Path

from knative.local.files import stored_secret

TOKEN_SECRET = "API_TOKEN_SECRET"  # noqa: S105  its name
_PUSH_KEY, _PUSH_CONTACT = "ALERTS_VAPID_PRIVATE_KEY", "ALERTS_VAPID_CONTACT"


def secret_file(folder: Path) -> Path:
    """Return the file of the token secret."""
    return folder / "api-token-secret"


def generate_secrets(folder: Path, settings: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets that *settings* lacks.

    The token secret is stored in *folder* so that API tokens outlive a restart. The key of web push is derived from it:
    browsers stay subscribed over a backup, which has no other secret.
    """
    token_secret = settings.get(TOKEN_SECRET) or stored_secret(secret_file(folder))
    push_key = hmac.digest(token_secret.encode(), b"private key of web push", "sha256")
    generated = {
        TOKEN_SECRET: token_secret,
        _PUSH_KEY: base64.urlsafe_b64encode(push_key).rstrip(b"=").decode(),
        _PUSH_CONTACT: "mailto:operator@localhost",
    }
    return {name: value for name, value in generated.items() if not settings.get(name)}
