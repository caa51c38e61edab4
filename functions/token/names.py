"""What people type, in the one form that is kept and compared: addresses, user names, passwords, names of tokens."""

import re
import unicodedata

MAX_EMAIL = 254
MAX_USERNAME = 64
MAX_TOKEN_NAME = 100
MIN_PASSWORD = 8
"""Characters, after NFKC."""
MAX_PASSWORD = 1024
"""Bytes in UTF-8."""
REFUSED_USERNAMES = frozenset({"internal"})
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normal_email(text: str) -> str:
    """Return *text* as an address is kept: in small letters, its domain in ASCII; ValueError when it can be none.

    Whether mail arrives there only a mail could tell: none is sent.
    """
    text = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, domain = text.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        domain = ""
    dotted = not (local.startswith(".") or local.endswith(".") or ".." in local)
    fits = at and dotted and _LOCAL_PART.fullmatch(local) and local.isprintable()
    if not fits or not all(_LABEL.fullmatch(label) for label in domain.split(".")):
        raise ValueError("should be an address such as me@example.com")
    if len(f"{local}@{domain}") > MAX_EMAIL:
        raise ValueError(f"should have at most {MAX_EMAIL} characters")
    return f"{local}@{domain}"


def username_key(text: str) -> str:
    """Return what two spellings of a user name have in common; ValueError when it can be none."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).strip().casefold())
    if not 1 <= len(key) <= MAX_USERNAME or len(text.strip()) > MAX_USERNAME:
        raise ValueError(f"should have 1 to {MAX_USERNAME} characters")
    if "@" in key or not key.isprintable():
        raise ValueError("should have no @ and no control characters")
    return key


def account_key(text: str) -> tuple[str, str]:
    """Return the address and the key of the user name that *text*, given at a login, may be; one of them is empty."""
    try:
        return (normal_email(text), "") if "@" in text else ("", username_key(text))
    except ValueError:
        return "", ""


def normal_password(text: str) -> str:
    """Return *text* as it is hashed: whichever way a keyboard composes its accents; ValueError when it may not be."""
    if len(text.encode()) > MAX_PASSWORD:
        raise ValueError(f"should have at most {MAX_PASSWORD} bytes")
    text = unicodedata.normalize("NFKC", text)
    if len(text) < MIN_PASSWORD:
        raise ValueError(f"should have at least {MIN_PASSWORD} characters")
    return text


def token_name(text: str) -> str:
    """Return the name of a token without blanks around it; ValueError when it can be none."""
    text = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(text) <= MAX_TOKEN_NAME or not text.isprintable():
        raise ValueError(f"should have 1 to {MAX_TOKEN_NAME} characters, none of them a control character")
    return text
