"""What may be asked: a model of the query string for each endpoint, and the 400 that says what to change."""

import re
from datetime import UTC, date, datetime, time
from typing import Annotated, ClassVar, Literal, Self, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from shared.market import EXCHANGE_ZONE
from shared.problem import Problem

TICKER = re.compile(r"[A-Z][A-Z0-9.-]{0,14}")
MAX_BARS = 5000
MAX_TICKERS = 100
MAX_SESSIONS = 400
_MAX_QUERY = 8000
_UNIX = re.compile(r"-?[0-9]{1,12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# In a query a plus sign means a space: the offset of a time that was not escaped arrives so.
_UNESCAPED_OFFSET = re.compile(r"(.+T.+) ([0-9]{2}:?[0-9]{2})")
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


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


def as_ticker(text: str) -> str:
    """Return *text* as a ticker is written; ValueError when no ticker looks so."""
    name = text.upper() if text.isascii() else text
    if not TICKER.fullmatch(name):
        raise ValueError("should be tickers such as AAPL or BRK.A")
    return name


Instant = Annotated[datetime, BeforeValidator(_instant)]
Tickers = Annotated[tuple[str, ...], BeforeValidator(_tickers)]


class Query(BaseModel):
    """The parameters of an endpoint that has none."""

    # Built at first use: a cold start waits for the one model that its request needs.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, defer_build=True)
    FORMATS: ClassVar[tuple[str, ...]] = ("json",)


class Window(Query):
    """A half-open window [start, end) of time."""

    start: Instant | None = Field(None, description="First instant or day of the window")
    end: Instant | None = Field(None, description="First instant or day after the window")

    @model_validator(mode="after")
    def _ends_after_start(self) -> Self:
        if self.start and self.end and self.start >= self.end:
            raise ValueError("end should be later than start; end itself is outside the window")
        return self


Interval = Literal["1h", "1d", "1w", "1mo"]
Format = Literal["json", "csv", "ndjson"]


class TickerBars(Window):
    """Bars of the one ticker that the path names."""

    FORMATS: ClassVar[tuple[str, ...]] = ("json", "csv", "ndjson")
    interval: Interval = Field("1h", description="Length of a bar; all but 1h are derived by session from hourly bars")
    limit: int | None = Field(
        None, ge=1, le=MAX_BARS, description="Most bars a ticker in one answer; without start they are the newest"
    )
    order: Literal["asc", "desc"] = Field("asc", description="Oldest or newest first, within each ticker")
    cursor: str | None = Field(
        None, max_length=6000, pattern="^[A-Za-z0-9_-]+$", description="From next_cursor: goes on there"
    )
    format: Format | None = Field(None, description="Wins over the Accept header")


class Bars(TickerBars):
    """Bars of several tickers."""

    tickers: Tickers | None = Field(None, description="Comma separated; all that are tracked, if absent")


MoverKind = Literal["gainers", "losers", "active", "unusual_volume", "volatile"]
Basis = Literal["previous_close", "previous_bar", "session_open"]


class Movers(Query):
    """Who moved, by what measure, against what."""

    kind: MoverKind = Field("gainers", description="What they are ranked by")
    basis: Basis = Field("previous_close", description="What the newest bar is compared with")
    limit: int = Field(10, ge=1, le=50, description="Most movers in the answer")


class Coverage(Window):
    """How complete the stored hourly bars are."""

    tickers: Tickers | None = Field(None, description="Comma separated; all that are tracked, if absent")
    detail: Literal["sessions", "totals"] = Field(
        "sessions", description="With each session and what it misses, or not"
    )


Q = TypeVar("Q", bound=Query)


def read_query(model: type[Q], query: bytes) -> Q:
    """Return the query string *query* as *model*; Problem 400 that names each parameter that is wrong."""
    if len(query) > _MAX_QUERY:
        raise Problem(414, "query-too-long", "Query too long", f"A query may have {_MAX_QUERY} bytes.")
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=50)
    except ValueError:
        raise bad_query(
            [("", "The query is not made of UTF-8 in percent encoding, or of more than 50 parts.")]
        ) from None
    values = dict(pairs)
    if repeated := sorted({name for name, _ in pairs if sum(other == name for other, _ in pairs) > 1}):
        raise bad_query([(name, "is given more than once; give it once") for name in repeated])
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise bad_query(_faults(model, error)) from None


def bad_query(faults: list[tuple[str, str]]) -> Problem:
    """Return the 400 for *faults*, each a parameter and what to change about it."""
    return Problem(
        400,
        "bad-parameter",
        "Bad parameter",
        "; ".join(f"{name} {what}".strip() for name, what in faults),
        errors=[{"parameter": name, "detail": what} for name, what in faults],
    )


def _faults(model: type[Query], error: ValidationError) -> list[tuple[str, str]]:
    known = ", ".join(sorted(model.model_fields)) or "none"
    faults: list[tuple[str, str]] = []
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else "end"
        if fault["type"] == "extra_forbidden":
            what = f"is not a parameter here; there are: {known}"
        else:
            what = fault["msg"].removeprefix("Value error, ").removeprefix(f"{name} ").replace("Input should", "should")
        faults.append((name[:100], what))
    return faults
