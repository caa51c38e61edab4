"""Normal forms of user names, passwords and login names, which are stored and compared."""

import unicodedata

from shared.auth.email_address import fold, normalize_email

MAX_USERNAME = 64
MIN_PASSWORD = 8
"""Characters, after NFKC."""
MAX_PASSWORD = 1024
"""Bytes in UTF-8."""
RESERVED_USERNAMES = frozenset({"internal"})


def username_key(text: str) -> str:
    """Return the normal form of a user name for comparison; ValueError for an invalid one."""
    key = fold(text)
    if not 1 <= len(key) <= MAX_USERNAME or len(text.strip()) > MAX_USERNAME:
        raise ValueError(f"should have 1 to {MAX_USERNAME} characters")
    if "@" in key or not key.isprintable():
        raise ValueError("should have no @ and no control characters")
    return key


def account_key(text: str) -> tuple[str, str]:
    """Return the email address and the user name key of the login name *text*; one of them is empty."""
    try:
        return (normalize_email(text), "") if "@" in fold(text) else ("", username_key(text))
    except ValueError:
        return "", ""


def normalize_password(text: str) -> str:
    """Return *text* in NFKC, so that accents compare equal; ValueError when it is too short or long."""
    if len(text.encode()) > MAX_PASSWORD:
        raise ValueError(f"should have at most {MAX_PASSWORD} bytes")
    text = unicodedata.normalize("NFKC", text)
    if len(text) < MIN_PASSWORD:
        raise ValueError(f"should have at least {MIN_PASSWORD} characters")
    return text
