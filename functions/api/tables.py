"""Rows as CSV and NDJSON, with the digits of the JSON."""

import csv
import io
import json

CSV = "text/csv; charset=utf-8; header=present"
NDJSON = "application/x-ndjson"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HOURLY = ("ticker", "interval", "datetime", "timestamp", "end", "open", "high", "low", "close", "volume", "source")
HEADS = {
    "1h": (*_HOURLY, "revision"),
    **dict.fromkeys(
        ("1d", "1w", "1mo"),
        ("ticker", "interval", "date", *_HOURLY[2:], "sessions", "bars", "bars_expected", "complete"),
    ),
}
"""The columns of a table, by interval: always all of them, in the order of the JSON members."""


def csv_body(text: str, interval: str) -> bytes:
    """Return *text* (JSON objects, one a line, comma between) as RFC 4180; an unknown value is an empty field."""
    sheet = io.StringIO()
    table = csv.DictWriter(sheet, HEADS[interval])
    table.writeheader()
    for row in json.loads(f"[{text}]", parse_float=str, parse_int=str):
        row["source"] = _inert(row["source"])
        table.writerow({name: str(value).lower() if isinstance(value, bool) else value for name, value in row.items()})
    return sheet.getvalue().encode()


def _inert(source: str) -> str:
    """Return *source* so that no spreadsheet computes it: the only column with text from outside."""
    return f"'{source}" if source.startswith(_FORMULA) else source


def ndjson_body(text: str) -> bytes:
    """Return *text* (JSON objects, one a line, comma between) without the commas."""
    return text.replace(",\n", "\n").encode() + (b"\n" if text else b"")
