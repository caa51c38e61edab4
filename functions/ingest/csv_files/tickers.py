"""Tickers in files: symbols as vendors write them, and file names."""

import re
from collections.abc import Collection
from pathlib import Path

from functions.ingest.csv_files.table import UnreadableFileError

_SUFFIX = re.compile(r"\.(US|N|O|NQ|NYSE|NASDAQ)$")
_PREFIX = re.compile(r"^[A-Z]+:")
_TICKER = re.compile(r"[A-Z][A-Z0-9]{0,5}(?:\.[A-Z])?")
_CLASS = re.compile(r"([A-Z]+)[-/]([A-Z])")
_LONGEST = 40
_EXCHANGES = {"NASDAQ", "NYSE", "BATS", "AMEX", "ARCA", "CBOE", "US"}


def find_ticker(path: Path, known: Collection[str]) -> str:
    """Return the ticker that the name of a file names: `aapl.us.txt`, `BRK-B.csv`, `NASDAQ_AAPL, 60.csv`."""
    stem = re.sub(r"(\.(CSV|TXT|TSV|GZ))+$", "", path.name.upper())
    words = [clean_ticker(word, known) for word in re.split(r"[\s,()_]+", stem) if word]
    for word in words:
        if word in known or (not known and word not in _EXCHANGES and _TICKER.fullmatch(word)):
            return word
    raise UnreadableFileError("no column and no word of the file's name is a tracked ticker: state it with --ticker")


def clean_ticker(text: str, known: Collection[str]) -> str:
    """Return a vendor's symbol as a ticker: `AAPL.US` and `NASDAQ:AAPL` are AAPL, `BRK-B` is BRK.B."""
    name = _PREFIX.sub("", text.strip()[:_LONGEST].upper())
    plain = _SUFFIX.sub("", name)
    spelled = _CLASS.sub(r"\1.\2", plain.replace(" ", "-")) if _CLASS.fullmatch(plain.replace(" ", "-")) else plain
    return next((one for one in (name, plain, spelled) if one in known), spelled)
