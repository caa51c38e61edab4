"""API token format: prefix, random digits, checksum; and the keyed hash that is stored instead of the token."""

import hmac
import re
import secrets
import zlib

PREFIX = "sal_"
"""Lets secret scanners recognise a published token."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 32
_CHECK_LENGTH = 6
_SHAPE = re.compile(rb"sal_[0-9A-Za-z]{36,64}")


def new_token() -> str:
    """Return a new token: the prefix, 32 random base62 digits (190 bits), and 6 digits of their CRC-32."""
    start = PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_LENGTH))
    return start + _check(start.encode()).decode()


def is_well_formed(token: bytes) -> bool:
    """Return whether *token* has the format and the right checksum, so that a look-up is worthwhile."""
    return _SHAPE.fullmatch(token) is not None and token[-_CHECK_LENGTH:] == _check(token[:-_CHECK_LENGTH])


def keyed_hash(secret: str, token: bytes) -> str:
    """Return the HMAC-SHA-256 of *token* under *secret*: 64 hex digits."""
    return hmac.digest(secret.encode(), token, "sha256").hex()


def key_id(secret: str) -> str:
    """Return the generation of the key: an id of *secret* that does not reveal it."""
    return keyed_hash(secret, b"generation of the key")[:16]


def _check(text: bytes) -> bytes:
    number, digits = zlib.crc32(text), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits.encode()
