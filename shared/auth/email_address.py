"""Email addresses: their normal form, which is stored and compared."""

import re
import unicodedata
from collections.abc import Callable

MAX_EMAIL = 254
_LOCAL_PART = re.compile(r"[^\s@\"(),:;<>\[\\\]]{1,64}")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def normalize_email(text: str) -> str:
    """Return *text* in lower case with its domain in ASCII; ValueError for no address. No mail is sent to check it."""
    local, at, domain = fold(text, str.lower).rpartition("@")
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


def fold(text: str, lower: Callable[[str], str] = str.casefold) -> str:
    """Return *text* without compatibility forms (full width, ligatures) and case; folding it again changes nothing."""
    for _ in range(3):  # lower case can be text that NFKC changes, and the other way round
        text = lower(unicodedata.normalize("NFKC", text).strip())
    return unicodedata.normalize("NFKC", text).strip()
