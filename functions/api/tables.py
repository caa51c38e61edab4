"""Rows as CSV and NDJSON, with the digits of the JSON; and the columns of every table."""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

CSV = "text/csv; charset=utf-8; header=present"
NDJSON = "application/x-ndjson"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HOURLY = ("ticker", "interval", "datetime", "timestamp", "end", "open", "high", "low", "close", "volume", "source")
BARS = {
    "1h": (*_HOURLY, "revision"),
    **dict.fromkeys(
        ("1d", "1w", "1mo"),
        ("ticker", "interval", "date", *_HOURLY[2:], "sessions", "bars", "bars_expected", "complete"),
    ),
}
"""The columns of /ohlc by interval. Of each table: always all of them, in the order of the JSON members."""
INDICATED = ("ticker", "interval", "datetime", "timestamp", "end", "close", "source", "complete")
"""Of /indicators, before the columns of the values that a query asks for."""
LATEST = (
    "datetime", "timestamp", "ticker", "name", "open", "high", "low", "close", "volume", "source",
    "stored_company_name", "interval", "end", "session", "revision", "received_at", "is_final", "is_newest",
    "previous_close", "previous_close_at", "change", "change_percent",
)  # fmt: skip
TICKERS = ("ticker", "name", "exchange", "industry")
_PROFILE = (
    *TICKERS, "country", "currency", "ipo", "website", "logo", "phone", "market_cap_millions", "shares_millions",
    "market_cap", "num_shares", "source", "fetched_at", "active",
)  # fmt: skip
_PRICES = ("open", "high", "low", "close", "volume")
_WINDOW = (
    "start", "end", "bars", "bars_expected", "high", "low", "volume", "range_percent", "usual_volume",
    "usual_sessions", "volume_ratio",
)  # fmt: skip
MOVERS = (
    "rank", "is_newest", *(f"profile.{name}" for name in _PROFILE),
    *(f"current_metrics.{name}" for name in (*_PRICES, "datetime", "timestamp", "end", "source")),
    *(f"metric_deltas.{name}" for name in _PRICES),
    "change", "change_percent", "basis", "basis_price", "basis_datetime", "basis_at",
    *(f"window.{name}" for name in _WINDOW),
)  # fmt: skip
SESSIONS = ("date", "opens", "closes", "half_day", "bars")
COVERAGE = (
    "date", "datetime", "end", "half_day", "expected", "present", "none_at_provider", "not_fetched", "rejected",
)  # fmt: skip


class _Figure(str):
    """A number with its digits as they were sent."""

    __slots__ = ()


def csv_body(text: str, columns: Sequence[str]) -> bytes:
    """Return *text* (JSON objects, one a line, comma between) as RFC 4180; an unknown value is an empty field.

    The column `a.b` is the member b of the object a. Members without a column are left out.
    """
    sheet = io.StringIO()
    table = csv.DictWriter(sheet, columns, extrasaction="ignore")
    table.writeheader()
    for row in json.loads(f"[{text}]", parse_float=_Figure, parse_int=_Figure):
        table.writerow({name: _field(value) for name, value in _flat(row)})
    return sheet.getvalue().encode()


def _flat(row: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in row.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{inner}", one) for inner, one in value.items())
        else:
            yield name, value


def _field(value: object) -> object:
    """Return *value* as CSV has it, texts so that no spreadsheet computes them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and not isinstance(value, _Figure) and value.startswith(_FORMULA):
        return f"'{value}"
    return value


def ndjson_body(text: str) -> bytes:
    """Return *text* (JSON objects, one a line, comma between) without the commas."""
    return text.replace(",\n", "\n").encode() + (b"\n" if text else b"")
