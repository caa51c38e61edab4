"""TICKERS: which tickers are tracked, as a whole list or as changes of the catalogue. Pure: values to values."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from difflib import get_close_matches

MAX_TICKERS = 1000
"""As many as are tested."""
_TICKER = re.compile(r"[A-Z][A-Z0-9.-]{0,14}")


def find_list_faults(entries: Sequence[str], catalogue: Collection[str]) -> list[str]:
    """Return a sentence for each mistake in *entries*; [] when they name a list."""
    changes = [entry for entry in entries if entry[0] in "+-"]
    if changes and len(changes) < len(entries):
        return [
            "TICKERS mixes a list with changes: write AAPL,MSFT,... for exactly these, or +SHOP,-NKE to change the "
            "catalogue."
        ]
    faults: list[str] = []
    names = [entry.lstrip("+-").strip() for entry in entries]
    for name in names:
        if not _TICKER.fullmatch(name):
            hint = f"write {name.upper()}" if _TICKER.fullmatch(name.upper()) else "write one like AAPL or BRK.B"
            faults.append(f"TICKERS: {name[:30]} must be in capitals and without spaces: {hint}.")
    faults += [f"TICKERS names {name} {count} times." for name, count in Counter(names).items() if count > 1]
    for entry, name in zip(entries, names, strict=True):
        if entry[0] == "-" and name not in catalogue:
            close = get_close_matches(name, catalogue, 1)
            faults.append(f"TICKERS: -{name} is not in the catalogue{f': -{close[0]}?' if close else '.'}")
    if not faults:
        if not (listed := resolve_list(entries, catalogue)):
            faults.append("TICKERS removes every ticker: leave one at least.")
        if len(listed) > MAX_TICKERS:
            faults.append(f"TICKERS makes {len(listed):,} tickers: {MAX_TICKERS:,} are supported.")
    return faults


def resolve_list(entries: Sequence[str], catalogue: Collection[str]) -> list[str]:
    """Return the tickers to track: *entries*, or *catalogue* with the changes +TICKER and -TICKER."""
    names = {entry: entry[1:].strip() for entry in entries if entry[0] in "+-"}
    if entries and not names:
        return list(entries)
    removed = {name for entry, name in names.items() if entry[0] == "-"}
    added = [name for entry, name in names.items() if entry[0] == "+"]
    return list(dict.fromkeys([*(ticker for ticker in catalogue if ticker not in removed), *added]))


def find_doubts(entries: Sequence[str], catalogue: Collection[str]) -> list[str]:
    """Return doubtful entries of a valid list: names similar to known ones, and dropped tickers."""
    listed = resolve_list(entries, catalogue)
    doubts = [
        f"TICKERS: {name} is not in the catalogue; is {close[0]} meant?"
        for name in listed
        if name not in catalogue and (close := get_close_matches(name, catalogue, 1, 0.75))
    ]
    dropped = [ticker for ticker in catalogue if ticker not in listed]
    if dropped and entries and entries[0][0] not in "+-":
        doubts.append(
            f"TICKERS lists exactly what is tracked, without {len(dropped)} of the catalogue's {len(catalogue)}; "
            "write +SHOP to add one to it."
        )
    return doubts
