"""Codes that confirm an email address, and signatures of links that unsubscribe it.

Both are derived from API_TOKEN_SECRET, so that a copy of the database has neither, and a message that is sent again is
the same.
"""

import hmac
from urllib.parse import quote

_DIGITS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without digits and letters that look alike."""
_LENGTH, _GROUP = 8, 4


def make_code(key: str, salt: str) -> str:
    """Return the code of a confirmation: XXXX-XXXX, 39 bits."""
    number = int.from_bytes(hmac.digest(key.encode(), f"code of an address {salt}".encode(), "sha256"))
    digits = ""
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits += _DIGITS[digit]
    return f"{digits[:_GROUP]}-{digits[_GROUP:]}"


def matches_code(given: str, code: str) -> bool:
    """Return whether *given* is *code*, ignoring case, hyphens and spaces."""
    digits = given.strip().upper().replace("-", "").replace(" ", "")
    return hmac.compare_digest(digits.encode(), code.replace("-", "").encode())


def unsubscribe_path(key: str, channel_id: str, salt: str) -> str:
    """Return the path, below the root of the API, that unsubscribes a channel without a login."""
    return f"/alerts/unsubscribe/{channel_id}/{sign_unsubscription(key, channel_id, salt)}"


def sign_unsubscription(key: str, channel_id: str, salt: str) -> str:
    """Return the signature in the path of `unsubscribe_path`."""
    return hmac.digest(key.encode(), f"unsubscribe {channel_id} {salt}".encode(), "sha256").hex()[:40]


def confirmation_link(public_url: str, code: str) -> str:
    """Return the URL of the page that confirms the address with *code*."""
    return f"{public_url.rstrip('/')}/account/alerts#confirm={quote(code)}"
