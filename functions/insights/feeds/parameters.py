"""Parameters of the feeds of insights."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import urlencode

from functions.insights.reading.parameters import (
    MAX_HOURS,
    Cursor,
    InsightsQuery,
    Significance,
    TickerSymbol,
    cursor_before,
)
from shared.auth.names import MAX_NAME

STANDARD_HOURS = 14
"""The hours of two sessions."""


@dataclass(frozen=True, kw_only=True)
class FeedQuery:
    """Parameters of /insights/feed.atom and /insights/feed.json."""

    ticker: TickerSymbol | None = field(default=None, metadata={"description": "Only insights about this ticker"})
    list: str | None = field(
        default=None,
        metadata={
            "description": "Only insights about tickers of this list of your account, instead of ticker",
            "max_length": MAX_NAME,
        },
    )
    kind: Literal["market", "company", "industry", "wrap"] | None = field(
        default=None, metadata={"description": "Only insights of this kind; wrap is the session's summary at its close"}
    )
    significance: Significance | None = field(
        default=None, metadata={"description": "Only insights of at least this significance; an ordinary day's is 1"}
    )
    limit: int = field(
        default=STANDARD_HOURS,
        metadata={"description": "Maximum number of hours; the newest come first", "ge": 1, "le": MAX_HOURS},
    )
    cursor: Cursor | None = field(default=None, metadata={"description": "From the link to the next page"})

    def __post_init__(self) -> None:
        """Refuse the parameters that GET /insights refuses."""
        self.hours()

    def hours(self) -> InsightsQuery:
        """Return the query of the hours that the feed is made of."""
        return InsightsQuery(
            ticker=self.ticker,
            list=self.list,
            kind=self.kind,
            significance=self.significance,
            limit=self.limit,
            cursor=self.cursor,
        )

    def view(self) -> str:
        """Return the filters as a query string: entries of two views are different ones."""
        parts = {"ticker": self.ticker, "list": self.list, "kind": self.kind, "significance": self.significance}
        return urlencode({name: str(value) for name, value in parts.items() if value is not None})

    def page(self, before: datetime | None) -> str:
        """Return the query string of the page with the hours before *before*, of the first page for None."""
        parts = {
            "limit": self.limit if self.limit != STANDARD_HOURS else None,
            "cursor": cursor_before(before) if before else None,
        }
        given = urlencode({name: str(value) for name, value in parts.items() if value is not None})
        return "&".join(part for part in (self.view(), given) if part)
