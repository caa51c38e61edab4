"""Parsers of query parameters: instants and lists of tickers."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated

from functions.api.indicator_requests import PATTERN as INDICATOR
from functions.api.indicator_requests import parse_indicators
from functions.api.tables import LATEST
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.query import QueryType
from shared.http.tickers import MAX_TICKERS, PATTERN, parse_ticker

_UNIX = re.compile(r"[0-9]{9,12}")
"""Fewer digits are a date cut short (2026, 202611): as Unix seconds they lie before March 1973."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{8}")
_MAX_CHARACTERS = 40
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _latest_fields(text: str) -> tuple[str, ...]:
    """Parse a list of members of an item of /latest."""
    names = dict.fromkeys(part.strip() for part in text.split(","))
    if not text.strip():
        raise ValueError(f"is empty. Fields: {', '.join(LATEST)}")
    if unknown := [name[:50] for name in names if name not in LATEST]:
        raise ValueError(f"has no {', '.join(unknown)}. Fields: {', '.join(LATEST)}")
    return tuple(names)


def _instant(text: str) -> datetime:
    """Parse an instant: RFC 3339 with an offset, Unix seconds, or a date, which begins at midnight in New York."""
    try:
        if len(text) > _MAX_CHARACTERS:
            raise ValueError("too long")
        if _DATE.fullmatch(text):
            instant = datetime.combine(date.fromisoformat(text), time(), EXCHANGE_ZONE)
        elif _UNIX.fullmatch(text):
            instant = datetime.fromtimestamp(int(text), UTC)
        else:
            # In a query a plus sign means a space: the offset of a time that was not escaped arrives so.
            instant = datetime.fromisoformat(text.replace(" ", "+"))
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            "should be a date (2026-11-20, a day at the exchange), an instant (2026-11-20T14:30:00Z) or Unix seconds "
            "of at least 9 digits"
        ) from None
    if instant.tzinfo is None:
        raise ValueError("needs an offset from UTC, such as Z")
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("should lie between 1970 and 2199")
    return instant.astimezone(UTC)


def _tickers(text: str) -> tuple[str, ...]:
    """Parse a list of tickers; order, case and repeats do not matter."""
    try:
        names = {parse_ticker(part.strip()) for part in text.split(",") if part.strip()}
    except ValueError:
        raise ValueError("should be tickers such as AAPL or BRK.A") from None
    if not names:
        raise ValueError("should list tickers: AAPL,MSFT")
    if len(names) > MAX_TICKERS:
        raise ValueError(f"should list at most {MAX_TICKERS} tickers")
    return tuple(sorted(names))


_INSTANTS = {
    "type": "string",
    "pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2}))?|[0-9]{8,10})$",
    "examples": ["2026-11-20", "2026-11-20T14:30:00Z", "1795185000"],
}
_LISTS = {
    "type": "string",
    "pattern": rf"^{PATTERN}(,{PATTERN})*$",
    "examples": ["AAPL,MSFT"],
}

_TICKERS = {"type": "string", "pattern": rf"^{PATTERN}$", "examples": ["AAPL"]}

Ticker = Annotated[str, QueryType(parse_ticker, _TICKERS)]
Instant = Annotated[datetime, QueryType(_instant, _INSTANTS)]
End = Annotated[
    datetime, QueryType(_instant, {**_INSTANTS, "examples": ["2026-11-21", "2026-11-20T21:00:00Z", "1795208400"]})
]
"""End of a window; its examples lie after those of the start."""
Tickers = Annotated[tuple[str, ...], QueryType(_tickers, _LISTS)]
LatestFields = Annotated[
    tuple[str, ...],
    QueryType(_latest_fields, {"type": "string", "pattern": r"^[a-z_]+(,[a-z_]+)*$", "examples": ["ticker,close"]}),
]
IndicatorList = Annotated[
    tuple[str, ...],
    QueryType(
        parse_indicators,
        {
            "type": "string",
            "pattern": rf"^{INDICATOR}(,{INDICATOR}){{0,9}}$",
            "examples": ["sma:50,rsi,bollinger:20:2.5"],
        },
    ),
]
