"""Requests of an operator to store: state a split or a closing, withdraw bars. Cluster-local, as JSON."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import asdict
from psycopg import AsyncConnection

from functions.store.bar_versions import SourcePriority
from functions.store.closings import parse_closing
from functions.store.splits.ratios import Ratio, parse_ratio
from functions.store.splits.statement import refute_split, state_split
from functions.store.stated_closing import state_closing
from functions.store.tickers import select_tickers
from functions.store.withdrawals import Withdrawal, withdraw
from shared.cache.market_version import raise_market_version
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.problem import bad_parameters
from shared.http.strict_json import decode_json
from shared.runtime import clock

MAX_BYTES = 10_000
_EARLIEST, _LATEST = date(1970, 1, 1), date(2199, 12, 31)

T = TypeVar("T", bound=Struct)


class SplitRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A split from the session of *date* on: `10:1`, or `none` for a split that never was."""

    ticker: str
    date: date
    ratio: str


class ClosingRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """A day on which the exchange is `closed`, closes early (`13:00`), or trades as usual after all (`none`)."""

    date: date
    closes: str


class WithdrawalRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Bars of *source* to withdraw; days are in New York, the last is included. *preview* only counts them.

    Without *tickers* those of all.
    """

    source: str
    reason: str
    tickers: tuple[str, ...] | None = None
    start: date | None = None
    end: date | None = None
    preview: bool = False


async def handle(
    connection: AsyncConnection, path: str, body: bytes, priority: SourcePriority
) -> tuple[Mapping[str, Any], int | None]:
    """Return the result, and the market version when anything changed; Problem 400 for a request that is wrong."""
    now = clock.now()
    async with connection.transaction():
        if path == "/splits":
            request = _read(body, SplitRequest)
            ticker = request.ticker.upper()
            if request.ratio == "none":
                result = await refute_split(connection, ticker, request.date, now)
            else:
                result = await state_split(connection, ticker, request.date, _ratio(request.ratio), now, priority)
        elif path == "/closings":
            stated = _read(body, ClosingRequest)
            withdrawn = stated.closes == "none"
            closes = None if withdrawn else _closing(stated.closes)
            result = await state_closing(connection, stated.date, closes, now, withdrawn=withdrawn)
        else:
            asked = _read(body, WithdrawalRequest)
            window = _midnight("start", asked.start, 0), _midnight("end", asked.end, 1)
            tickers = await _tracked(connection, asked.tickers)
            withdrawal = Withdrawal(asked.source, tickers, *window, asked.reason.strip())
            result = await withdraw(connection, withdrawal, now, priority, preview=asked.preview)
        return result, await raise_market_version(connection) if result["changed"] else None


async def _tracked(connection: AsyncConnection, stated: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the *stated* tickers, () for all; Problem 400 when one is unknown."""
    if stated is None:
        return ()
    tickers = tuple(ticker.strip().upper() for ticker in stated)
    if not tickers:
        raise bad_parameters([("tickers", "should name one at least; leave it out to mean all")])
    known = await select_tickers(connection)
    if unknown := [ticker for ticker in tickers if ticker not in known]:
        raise bad_parameters([("tickers", f"should be tracked tickers; not tracked: {', '.join(map(repr, unknown))}")])
    return tickers


def _read(body: bytes, kind: type[T]) -> T:
    try:
        request = decode_json(body, kind)
    except (ValueError, RecursionError) as error:
        raise bad_parameters([("", str(error))]) from None
    # Postgres stores no such text.
    if faults := [(name, "should not contain NUL") for name, value in asdict(request).items() if _contains_nul(value)]:
        raise bad_parameters(faults)
    return request


def _contains_nul(value: object) -> bool:
    return any("\0" in text for text in (value if isinstance(value, tuple) else [value]) if isinstance(text, str))


def _ratio(text: str) -> Ratio:
    try:
        return parse_ratio(text)
    except ValueError as error:
        raise bad_parameters([("ratio", str(error).removeprefix("ratio: "))]) from None


def _closing(text: str) -> time | None:
    try:
        return parse_closing(text)
    except ValueError as error:
        raise bad_parameters([("closes", str(error))]) from None


def _midnight(name: str, day: date | None, later: int) -> datetime | None:
    if day is None:
        return None
    if not _EARLIEST <= day <= _LATEST:
        raise bad_parameters([(name, f"should be from {_EARLIEST} to {_LATEST}")])
    return datetime.combine(day + timedelta(days=later), time(), EXCHANGE_ZONE)
