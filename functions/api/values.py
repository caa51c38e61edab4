"""How the text of a parameter becomes an instant or tickers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Annotated, Any

from shared.calendar.trading import EXCHANGE_ZONE

TICKER = re.compile(r"[A-Z][A-Z0-9.-]{0,14}")
MAX_TICKERS = 100
_UNIX = re.compile(r"-?[0-9]{1,12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# In a query a plus sign means a space: the offset of a time that was not escaped arrives so.
_UNESCAPED_OFFSET = re.compile(r"(.+T.+) ([0-9]{2}:?[0-9]{2})")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, eq=False)
class Reads:
    """Tells pydantic by which function a text is read, and what OpenAPI says of such texts.

    pydantic's own marks for this would have it imported by whoever names the type.
    """

    read: Callable[[object], object]
    schema: dict[str, Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        """Return how pydantic makes such a value."""
        from pydantic import PlainValidator

        return PlainValidator(self.read).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        """Return what such a text looks like."""
        return self.schema


def as_ticker(text: str) -> str:
    """Return *text* as a ticker is written; ValueError when no ticker looks so."""
    name = text.upper() if text.isascii() else text
    if not TICKER.fullmatch(name):
        raise ValueError("should be tickers such as AAPL or BRK.A")
    return name


def _instant(text: object) -> datetime:
    """Read an instant: RFC 3339 with an offset, whole Unix seconds, or a date, which begins at midnight in New York."""
    text = str(text)
    try:
        if _UNIX.fullmatch(text):
            instant = datetime.fromtimestamp(int(text), UTC)
        elif _DATE.fullmatch(text):
            instant = datetime.combine(date.fromisoformat(text), time(), EXCHANGE_ZONE).astimezone(UTC)
        else:
            instant = datetime.fromisoformat(_UNESCAPED_OFFSET.sub(r"\1+\2", text))
            if instant.tzinfo is None:
                raise ValueError("needs an offset from UTC, such as Z")
            instant = instant.astimezone(UTC)
    except (ValueError, OverflowError, OSError) as error:
        if "offset from UTC" in str(error):
            raise
        raise ValueError(
            "should be a date (2026-11-20, a day at the exchange), an instant (2026-11-20T14:30:00Z) or Unix seconds"
        ) from None
    if not _EARLIEST <= instant < _LATEST:
        raise ValueError("should lie between 1970 and 2199")
    return instant


def _tickers(text: object) -> tuple[str, ...]:
    """Read a list of tickers; in any order, each as often as one likes, in capitals or not."""
    names = {as_ticker(part.strip()) for part in str(text).split(",") if part.strip()}
    if not names:
        raise ValueError("should list tickers: AAPL,MSFT")
    if len(names) > MAX_TICKERS:
        raise ValueError(f"may list {MAX_TICKERS} tickers")
    return tuple(sorted(names))


_INSTANTS = {
    "type": "string",
    "pattern": r"^([0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2}))?|[0-9]{1,10})$",
    "examples": ["2026-11-20", "2026-11-20T14:30:00Z", "1795185000"],
}
_LISTS = {
    "type": "string",
    "pattern": r"^[A-Za-z][A-Za-z0-9.-]{0,14}(,[A-Za-z][A-Za-z0-9.-]{0,14})*$",
    "examples": ["AAPL,MSFT"],
}

Instant = Annotated[datetime, Reads(_instant, _INSTANTS)]
Tickers = Annotated[tuple[str, ...], Reads(_tickers, _LISTS)]
