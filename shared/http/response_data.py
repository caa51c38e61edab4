"""Response data: a body, the instants that limit its use, and the JSON that all market data responses share."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.runtime import clock

EXCHANGE_TZ = "America/New_York"


@dataclass(frozen=True, slots=True)
class ResponseData:
    """Response to one query, for any caller and content coding."""

    body: bytes
    media_type: str = "application/json"
    valid_until: datetime | None = None
    """Time from which it is wrong even without new data."""
    next_update_at: datetime | None = None
    """Time from which new data may arrive at any moment."""
    max_age: int | None = None
    """Cache-Control max-age in seconds, where it does not depend on *next_update_at*."""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class JsonRows:
    """Rows that Postgres rendered: *text* is one JSON object a line, with a comma at the end of all but the last.

    Numbers have the stored digits. *newest_end* is the end of the newest bar behind them.
    """

    text: str
    count: int
    newest_end: datetime | None
    sources: tuple[str, ...]


Reason = dict[str, str | None]
"""Member of a response without items: the reason, and the time from which on a repeated request may find some."""

NO_ROWS = JsonRows("", 0, None, ())


def absence_reason(code: str, text: str, ask_again_at: datetime | None = None) -> Reason:
    """Return the reason for a response without items; *ask_again_at* is when there may be some, None for never."""
    return {"code": code, "text": text, "ask_again_at": ask_again_at and rfc3339(ask_again_at)}


def reason_until(reason: Reason | None) -> datetime | None:
    """Return the time until which *reason* holds: that from which there may be items, None when it has passed."""
    again = reason["ask_again_at"] if reason else None
    until = datetime.fromisoformat(again) if again else None
    return until if until and until > clock.now() else None


def envelope(rows: JsonRows, reason: Reason | None = None) -> dict[str, object]:
    """Return the members that every market data response begins with.

    `source` is the one source of the bars, `mixed` for several (`sources` lists them), null for no bars. *reason*
    explains the absence of items.
    """
    return {
        "count": rows.count,
        "as_of": rows.newest_end and rfc3339(rows.newest_end),
        "source": source_of(rows.sources),
        "sources": rows.sources,
        "stale": False,
        "exchange_tz": EXCHANGE_TZ,
        "reason": reason,
    }


def source_of(sources: Iterable[str]) -> str | None:
    """Return the one name among *sources*, "mixed" for several, None for none."""
    names = set(sources)
    return names.pop() if len(names) == 1 else "mixed" if names else None


def rfc3339(instant: datetime) -> str:
    """Return *instant* in UTC, in whole seconds with Z."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def json_body(members: Mapping[str, object], rows: str | None = None) -> bytes:
    """Return a JSON object of *members*, and of *rows* as its last member `items` where given."""
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    if rows is not None:
        text = f'{text[:-1]},"items":[{rows}]}}'
    return text.encode() + b"\n"
