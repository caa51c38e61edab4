"""Parameters of GET /insights, and the tickers that its insights are about."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlencode

from shared.auth.account_lists import AccountList
from shared.auth.names import MAX_NAME
from shared.http.query import QueryType
from shared.http.tickers import PATTERN, parse_ticker

STANDARD_HOURS = 7
"""The hours of one session."""
MAX_HOURS = 35
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CURSOR = re.compile(r"before-([0-9]{1,11})")
_SIGNIFICANCE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?")


def _date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise ValueError("should be a day at the exchange, such as 2026-11-20")


def _before(text: str) -> datetime:
    if not (match := _CURSOR.fullmatch(text)):
        raise ValueError("should be a next_cursor of a response, unchanged")
    return datetime.fromtimestamp(int(match[1]), UTC)


def _significance(text: str) -> Decimal:
    if not _SIGNIFICANCE.fullmatch(text):
        raise ValueError("should be a number from 0 on, such as 2.5")
    return Decimal(text)


SessionDate = Annotated[date, QueryType(_date, {"type": "string", "format": "date", "examples": ["2026-11-20"]})]
TickerSymbol = Annotated[
    str, QueryType(parse_ticker, {"type": "string", "pattern": f"^{PATTERN}$", "examples": ["AAPL"]})
]
Cursor = Annotated[datetime, QueryType(_before, {"type": "string", "pattern": "^before-[0-9]{1,11}$"})]
Significance = Annotated[Decimal, QueryType(_significance, {"type": "number", "minimum": 0, "examples": [2.5]})]


@dataclass(frozen=True, kw_only=True)
class InsightsQuery:
    """Parameters of /insights."""

    date: SessionDate | None = field(default=None, metadata={"description": "Only this session, a day in New York"})
    ticker: TickerSymbol | None = field(default=None, metadata={"description": "Only insights about this ticker"})
    list: str | None = field(
        default=None,
        metadata={
            "description": "Only insights about tickers of this list of your account, instead of ticker",
            "max_length": MAX_NAME,
        },
    )
    kind: Literal["market", "company", "industry", "wrap"] | None = field(
        default=None, metadata={"description": "Only insights of this kind"}
    )
    significance: Significance | None = field(
        default=None, metadata={"description": "Only insights of at least this significance; an ordinary day's is 1"}
    )
    limit: int = field(
        default=STANDARD_HOURS,
        metadata={"description": "Maximum number of hours; the newest come first", "ge": 1, "le": MAX_HOURS},
    )
    cursor: Cursor | None = field(default=None, metadata={"description": "next_cursor of the previous page"})

    def __post_init__(self) -> None:
        """Refuse parameters that exclude each other, with a ValueError whose first word is the parameter."""
        if self.list is not None and self.ticker:
            raise ValueError("list cannot be combined with ticker")

    def tickers(self, own_list: AccountList | None) -> tuple[str, ...] | None:
        """Return the tickers of *own_list*, or the one of the query; None for all."""
        return own_list.tickers if own_list else (self.ticker,) if self.ticker else None

    def after(self, start: datetime) -> str:
        """Return the query that goes on with the hours before *start*."""
        parts = {
            "date": self.date,
            "ticker": self.ticker,
            "list": self.list,
            "kind": self.kind,
            "significance": self.significance,
            "limit": self.limit if self.limit != STANDARD_HOURS else None,
        }
        given = {name: str(value) for name, value in parts.items() if value is not None}
        return urlencode({**given, "cursor": cursor_before(start)})


def cursor_before(start: datetime) -> str:
    """Return the cursor that goes on with the hours before *start*."""
    return f"before-{int(start.timestamp())}"
