"""Parameters of a request to Twelve Data, read and checked as the vendor does."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import request

from shared.calendar.trading import EXCHANGE_ZONE, LENGTHS
from shared.runtime import clock
from tests.fakes.market_data.request_log import RequestRecord, mask

INTERVALS = ("1min", "5min", "15min", "30min", "45min", "1h", "2h", "4h", "8h")
MOST_ROWS = 5000

SHORTEST = timedelta(hours=3.5)
"""Half a trading day."""


class Refused(Exception):  # noqa: N818
    """An error for the whole request."""

    def __init__(self, code: int, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status or code


class DateWindow(NamedTuple):
    """Bars that are requested, by their starts: [start, end)."""

    start: datetime | None
    end: datetime | None


@dataclass
class Request:
    """One request's parameters, whose names are read in any case."""

    params: Mapping[str, str]
    key: str
    key_in: Literal["header", "query", "nowhere"]
    symbols: list[str]
    now: datetime

    @property
    def cost(self) -> int:
        """Credits: one a symbol, or one for what names none."""
        return max(len(self.symbols), 1)

    def get(self, name: str, default: str = "") -> str:
        """Return a parameter, *default* when it is absent or empty."""
        return self.params.get(name) or default

    def record(self, path: str) -> RequestRecord:
        """Return the record of this request, without its key."""
        params = {name: value for name, value in self.params.items() if name not in ("apikey", "symbol")}
        return RequestRecord(self.now, path, self.symbols, params, mask(self.key), self.key_in)

    def interval(self) -> str:
        """Return the interval. Refused for one that the vendor does not have."""
        value = self.get("interval")
        if value not in INTERVALS:
            supported = f"{', '.join(INTERVALS[:-1])} and {INTERVALS[-1]}"
            raise Refused(400, f"Invalid **interval** provided: {value}. Supported intervals: {supported}")
        return value

    def outputsize(self) -> int:
        """Return how many bars at most: 30 unless stated, all that can be when dates are given."""
        dated = any(self.get(name) for name in ("start_date", "end_date"))
        value = self.get("outputsize", str(MOST_ROWS if dated else 30))
        if not value.isdecimal() or not 1 <= int(value) <= MOST_ROWS:
            raise Refused(400, f"Invalid **outputsize** provided: {value}. Supported values: 1 to {MOST_ROWS}")
        return int(value)

    def zone(self) -> tzinfo:
        """Return the zone in which times are read and written: the exchange's unless stated."""
        value = self.get("timezone", "Exchange")
        if value.lower() == "exchange":
            return EXCHANGE_ZONE
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Refused(400, f"Invalid **timezone** provided: {value}") from error

    def window(self) -> DateWindow:
        """Return the requested window; the vendor's end counts too."""
        start, end = self._moment("start_date"), self._moment("end_date")
        if start and end and end < start:
            raise Refused(400, "**start_date** must be earlier than **end_date**")
        return DateWindow(start, end + timedelta(microseconds=1) if end else None)

    def _moment(self, name: str) -> datetime | None:
        value = self.get(name)
        try:
            return datetime.fromisoformat(value).replace(tzinfo=self.zone()).astimezone(UTC) if value else None
        except ValueError as error:
            raise Refused(400, f"Invalid **{name}** provided: {value}") from error


def span(interval: str, size: int) -> timedelta:
    """Return a time that holds at least *size* bars, closed days counted."""
    sessions = size * (LENGTHS.get(interval, timedelta(hours=8)) / SHORTEST)
    return timedelta(days=sessions * 1.6 + 14)


def read_request() -> Request:
    """Return the parameters of the current request."""
    params = {name.lower(): value for name, value in request.args.items()}
    header = request.headers.get("Authorization", "")
    key_in = "header" if header.lower().startswith("apikey ") else "query" if "apikey" in params else "nowhere"
    key = header[7:].strip() if key_in == "header" else params.get("apikey", "")
    symbols = [symbol.strip().upper() for symbol in params.get("symbol", "").split(",") if symbol.strip()]
    return Request(params, key, key_in, symbols, clock.now())
