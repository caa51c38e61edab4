"""Codes that confirm an address of mail, and the signatures of links that unsubscribe it.

Both are derived from API_TOKEN_SECRET: a copy of the database has neither, and a message that is sent again says the
same.
"""

import hmac
from urllib.parse import quote

_DIGITS = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without those that are mistaken for others."""
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
    """Return whether *given* is *code*, in capitals or not, with or without the hyphen."""
    plain = given.strip().upper().replace("-", "").replace(" ", "")
    return hmac.compare_digest(plain.encode(), code.replace("-", "").encode())


def unsubscribe_path(key: str, channel_id: str, salt: str) -> str:
    """Return the path, below the root of the API, that ends the messages to a channel without a login."""
    return f"/alerts/unsubscribe/{channel_id}/{sign_unsubscription(key, channel_id, salt)}"


def sign_unsubscription(key: str, channel_id: str, salt: str) -> str:
    """Return the signature in the path of `unsubscribe_path`."""
    return hmac.digest(key.encode(), f"unsubscribe {channel_id} {salt}".encode(), "sha256").hex()[:40]


def confirmation_link(public_url: str, code: str) -> str:
    """Return the address of the page that confirms by *code*."""
    return f"{public_url.rstrip('/')}/account/alerts#confirm={quote(code)}"
