"""Normal forms of email addresses, user names and passwords: what is stored and compared."""

import re
import unicodedata
from collections.abc import Callable

MAX_EMAIL = 254
MAX_USERNAME = 64
MIN_PASSWORD = 8
"""Characters, after NFKC."""
MAX_PASSWORD = 1024
"""Bytes in UTF-8."""
RESERVED_USERNAMES = frozenset({"internal"})
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalize_email(text: str) -> str:
    """Return *text* in lower case with its domain in ASCII; ValueError for no address. No mail is sent to check it."""
    local, at, domain = _fold(text, str.lower).rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    well_dotted = not (local.startswith(".") or local.endswith(".") or ".." in local)
    valid = at and well_dotted and _LOCAL_PART.fullmatch(local) and local.isprintable()
    if not valid or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError("should be an address such as me@example.com")
    if len(f"{local}@{domain}") > MAX_EMAIL:
        raise ValueError(f"should have at most {MAX_EMAIL} characters")
    return f"{local}@{domain}"


def username_key(text: str) -> str:
    """Return the form in which user names are compared; ValueError for an invalid one."""
    key = _fold(text)
    if not 1 <= len(key) <= MAX_USERNAME or len(text.strip()) > MAX_USERNAME:
        raise ValueError(f"should have 1 to {MAX_USERNAME} characters")
    if "@" in key or not key.isprintable():
        raise ValueError("should have no @ and no control characters")
    return key


def account_key(text: str) -> tuple[str, str]:
    """Return the email address or the user name key that *text*, given at a login, stands for; the other is empty."""
    try:
        return (normalize_email(text), "") if "@" in _fold(text) else ("", username_key(text))
    except ValueError:
        return "", ""


def normalize_password(text: str) -> str:
    """Return *text* in NFKC, whichever way a keyboard composes accents; ValueError when it is too short or long."""
    if len(text.encode()) > MAX_PASSWORD:
        raise ValueError(f"should have at most {MAX_PASSWORD} bytes")
    text = unicodedata.normalize("NFKC", text)
    if len(text) < MIN_PASSWORD:
        raise ValueError(f"should have at least {MIN_PASSWORD} characters")
    return text


def _fold(text: str, lower: Callable[[str], str] = str.casefold) -> str:
    """Return *text* without compatibility forms (full width, ligatures) and case; folding it again changes nothing."""
    for _ in range(3):  # lower case can be text that NFKC changes, and the other way round
        text = lower(unicodedata.normalize("NFKC", text).strip())
    return unicodedata.normalize("NFKC", text).strip()
