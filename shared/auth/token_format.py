"""API tokens as text and as what is kept of them: recognised without asking anybody, useless when a database leaks."""

import hmac
import re
import secrets
import zlib

PREFIX = "sal_"
"""Lets scanners of source code recognise one that was published by mistake."""
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 32
_CHECK_LENGTH = 6
_SHAPE = re.compile(rb"sal_[0-9A-Za-z]{36,64}")


def new_token() -> str:
    """Return a new token: the prefix, 32 random base62 digits (190 bits), and 6 that are the CRC-32 of all before."""
    start = PREFIX + "".join(secrets.choice(_DIGITS) for _ in range(_RANDOM_LENGTH))
    return start + _check(start.encode()).decode()


def is_whole(token: bytes) -> bool:
    """Tell whether *token* is written as tokens are and its checksum fits: only then is it worth looking up."""
    return _SHAPE.fullmatch(token) is not None and token[-_CHECK_LENGTH:] == _check(token[:-_CHECK_LENGTH])


def keyed_hash(secret: str, token: bytes) -> str:
    """Return what is kept of *token*: 64 hex digits that say nothing without *secret* (HMAC-SHA-256)."""
    return hmac.digest(secret.encode(), token, "sha256").hex()


def _check(text: bytes) -> bytes:
    number, digits = zlib.crc32(text), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, 62)
        digits = _DIGITS[digit] + digits
    return digits.encode()
