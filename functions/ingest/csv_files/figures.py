"""Figures of a CSV file: decimal point or comma, and separators of thousands."""

import re
from collections.abc import Iterable
from decimal import Decimal, InvalidOperation
from functools import lru_cache

NAN = Decimal("NaN")
_LONGEST = 60
_MAGNITUDE = 20
"""Powers of ten of a figure: larger ones are no price and no volume, and sums of them overflow."""

_BLANKS = str.maketrans("", "", " \u00a0\u202f'_$")
_SURE = {
    ",": re.compile(r"[-+]?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(\.\d{3}){2,}|0,\d+)"),
    ".": re.compile(r"[-+]?(\d+\.(\d{1,2}|\d{4,})|\d{1,3}(,\d{3})+\.\d+|\d{1,3}(,\d{3}){2,}|0\.\d+)"),
}
"""Patterns of unambiguous figures, by decimal mark."""
_GROUPED = {
    ",": re.compile(r"[-+]?\d{1,3}(\.\d{3})+(,\d+)?"),
    ".": re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?"),
}


def find_decimal_mark(cells: Iterable[str]) -> str | None:
    """Return the decimal mark of a file's figures, None when it is ambiguous, as in `1,234`."""
    votes = dict.fromkeys(_SURE, 0)
    has_comma = False
    for cell in cells:
        if "," not in cell and cell.count(".") < 2:
            votes["."] += "." in cell and len(cell) - cell.rindex(".") != 4
            continue
        text = cell.translate(_BLANKS)
        has_comma = has_comma or "," in text
        for mark, sure in _SURE.items():
            votes[mark] += sure.fullmatch(text) is not None
    if votes[","] == votes["."] == 0:
        return None if has_comma else "."
    return max(votes, key=lambda mark: votes[mark])


@lru_cache(maxsize=2**16)
def parse_figure(cell: str, mark: str) -> Decimal | None:
    """Return the figure in *cell*; None when it is empty, NaN when it cannot be read with the decimal *mark*."""
    if len(cell) <= _MAGNITUDE and (cell.isdecimal() or (mark == "." and cell.replace(".", "", 1).isdecimal())):
        return Decimal(cell)
    text = cell.translate(_BLANKS)
    if not text:
        return None
    if len(text) > _LONGEST:
        return NAN
    if "," in text or (mark == "," and "." in text):
        if _GROUPED[mark].fullmatch(text):
            text = text.replace("." if mark == "," else ",", "")
        elif mark == "." or "." in text:
            return NAN
        text = text.replace(",", ".")
    try:
        figure = Decimal(text)
    except InvalidOperation:
        return NAN
    return figure if figure.is_finite() and abs(figure.adjusted()) <= _MAGNITUDE else NAN
