"""Names that an account gives to its tokens, links, lists and channels: their normal form."""

import unicodedata

from shared.http.problem import bad_parameters

MAX_NAME = 100


def normalize_name(text: str) -> str:
    """Return *text* in NFC without surrounding white space; ValueError for an invalid name."""
    name = unicodedata.normalize("NFC", text).strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise ValueError(f"should have 1 to {MAX_NAME} characters, none of them a control character")
    return name


def parse_name(text: str) -> str:
    """Return the field `name` of a request in its normal form; Problem 400 for an invalid one."""
    try:
        return normalize_name(text)
    except ValueError as error:
        raise bad_parameters([("name", str(error))]) from None
