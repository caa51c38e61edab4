"""Rows of market data as Postgres rendered them, and what every answer made of such rows says of itself."""

from dataclasses import dataclass
from datetime import datetime

from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.response_data import rfc3339, source_of


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as Postgres rendered them: *text* is one JSON object a line, with a comma at the end of all but the last.

    Numbers are the digits that are stored. *newest_end* is the end of the newest bar that went into them.
    """

    text: str
    count: int
    newest_end: datetime | None
    sources: tuple[str, ...]


NO_ROWS = Rows("", 0, None, ())


def market_members(rows: Rows) -> dict[str, object]:
    """Return the members that every market answer carries, in front of its own.

    `source` is the one source of the bars, `mixed` for several (`sources` lists them), null for no bars.
    """
    return {
        "count": rows.count,
        "as_of": rows.newest_end and rfc3339(rows.newest_end),
        "source": source_of(rows.sources),
        "sources": rows.sources,
        "stale": False,
        "exchange_tz": EXCHANGE_ZONE.key,
    }
