"""Twelve Data's /time_series: hourly bars of many tickers in one request, one credit a ticker whatever the window."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import httpx
from redis.exceptions import RedisError

from functions.ingest.gaps import TICKER_BARS, FetchRequest
from functions.ingest.providers import FetchResult, NoCredits, ProviderError, WrongLabels
from functions.ingest.providers.parsing import parse_decimal
from functions.ingest.settings import Providers, Settings
from shared.calendar.trading import TradingCalendar
from shared.connections.redis import connect_cache
from shared.events.types import Bar
from shared.providers.credits import AllKeysSuspended, CreditBudget, CreditGrant, short_hash
from shared.runtime.settings import Secret

_logger = logging.getLogger(__name__)

_SYMBOLS_A_REQUEST = 120
_LONGEST_PAUSE = timedelta(days=1)
_NO_SHARES = ("Currency", "Index", "Bond", "Mutual Fund")
_FIELDS = ("open", "high", "low", "close", "volume")


class _Failed(Exception):  # noqa: N818
    """This request, or one symbol of it, gave nothing; the provider asks for a *pause*."""

    def __init__(self, message: str, pause: timedelta | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class _OutOfCredits(Exception):  # noqa: N818
    """The provider counts more than we did; the text is "minute" or "day"."""


class _KeyRefused(Exception):  # noqa: N818
    """The provider does not accept the key, or not for this."""


class _Series(NamedTuple):
    """One symbol's part of an answer."""

    bars: list[Bar]
    unreadable: tuple[str, ...] = ()
    labels: WrongLabels | None = None


@dataclass
class _Round:
    """Result of one request."""

    series: dict[FetchRequest, _Series] = field(default_factory=dict)
    failed: dict[FetchRequest, str] = field(default_factory=dict)
    refused: list[FetchRequest] = field(default_factory=list)
    """Asks whose key was refused: another key may serve them."""
    failures: list[str] = field(default_factory=list)


class TwelveData:
    """Twelve Data with one or several keys, whose budgets add up."""

    name = "twelvedata"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:  # noqa: ARG002
        """Serve as many of *asks* as all keys have credits for now."""
        waiting, failures, spent = list(asks), [], 0
        found: dict[FetchRequest, _Series] = {}
        failed: dict[FetchRequest, str] = {}
        try:
            async with connect_cache(self._settings) as redis, _client(self._settings) as client:
                budget = CreditBudget(
                    redis,
                    self.name,
                    self._settings.twelvedata_api_keys,
                    self._settings.twelvedata_credits_per_minute,
                    self._settings.twelvedata_credits_per_day,
                )
                # A round more for each key that turns out to be refused.
                while waiting and (grants := await budget.acquire(len(waiting))):
                    spent += sum(grant.credits for grant in grants)
                    served = iter(waiting)
                    shares = [(grant, list(islice(served, grant.credits))) for grant in grants]
                    rounds = await asyncio.gather(
                        *(
                            self._ask(client, budget, grant, batch, interval)
                            for grant, share in shares
                            for batch in _batches(share)
                        )
                    )
                    waiting = [ask for one in rounds for ask in one.refused] + list(served)
                    for one in rounds:
                        found |= one.series
                        failed |= one.failed
                        failures += one.failures
                    if not any(one.refused for one in rounds):
                        break
        except AllKeysSuspended:
            failures.append("every key was refused within the last hour, or is to pause")
        except RedisError as error:
            # Without the count of credits not one request is safe.
            failures.append(f"Redis is needed for the budget: {type(error).__name__}")
        if failures:
            _logger.warning("twelvedata: %s", "; ".join(failures))
        for ask, reason in failed.items():
            _logger.warning("twelvedata: %s: %s", ask.ticker, reason)
        if found or failed:
            return FetchResult(
                {ask: one.bars for ask, one in found.items()},
                spent,
                failed,
                {ask: one.unreadable for ask, one in found.items() if one.unreadable},
                {ask: one.labels for ask, one in found.items() if one.labels},
            )
        if failures:
            raise ProviderError(f"twelvedata: {'; '.join(failures)}")
        raise NoCredits

    async def _ask(
        self,
        client: httpx.AsyncClient,
        budget: CreditBudget,
        grant: CreditGrant,
        batch: Sequence[FetchRequest],
        interval: str,
    ) -> _Round:
        """FetchRequest for *batch*, which shares one window, under *grant*, and note what it says of the key."""
        done = _Round()
        try:
            answers = await self._request(client, budget, grant, batch, interval)
        except _OutOfCredits as out:
            await budget.mark_spent(grant, str(out))
            _logger.warning("twelvedata: key %s is out of credits for the %s", short_hash(grant.key), out)
            return done
        except _KeyRefused as refused:
            await budget.suspend(grant)
            _logger.error("twelvedata: key %s is set aside for an hour: %s", short_hash(grant.key), refused)
            return _Round(refused=list(batch), failures=[f"key refused: {refused}"])
        except _Failed as failure:
            if failure.pause:
                await budget.suspend(grant, failure.pause)
            return _Round(failures=[str(failure)])
        for ask, answer in answers.items():
            try:
                done.series[ask] = _read_series(answer, interval, grant.key)
            except _Failed as failure:
                done.failed[ask] = str(failure)
        return done

    async def _request(
        self,
        client: httpx.AsyncClient,
        budget: CreditBudget,
        grant: CreditGrant,
        batch: Sequence[FetchRequest],
        interval: str,
    ) -> dict[FetchRequest, object]:
        """Return what the provider says of each ask in *batch*."""
        symbols = [self._settings.twelvedata_symbols.get(ask.ticker, ask.ticker) for ask in batch]
        params = {
            "symbol": ",".join(symbols),
            "interval": interval,
            "start_date": _instant(batch[0].start),
            # The end counts too: a bar that starts there is not asked for.
            "end_date": _instant(batch[0].end - timedelta(seconds=1)),
            "timezone": "UTC",
            "order": "asc",
            "outputsize": str(TICKER_BARS),
            # No `dp`: then the vendor writes as many digits as the value has.
        }
        key = grant.key.reveal()
        try:
            async with asyncio.timeout(self._settings.provider_timeout_seconds):
                response = await client.get("/time_series", params=params, headers={"Authorization": f"apikey {key}"})
        except TimeoutError as error:
            raise _Failed("no answer in time") from error
        except httpx.HTTPError as error:
            raise _Failed(f"no answer: {type(error).__name__}") from error
        if (left := response.headers.get("api-credits-left", "")).isdecimal():
            await budget.mark_spent(grant, "minute", int(left))
        if (seconds := response.headers.get("retry-after", "")).isdecimal() and response.status_code in (429, 503):
            pause = min(timedelta(seconds=int(seconds)), _LONGEST_PAUSE)
            raise _Failed(f"HTTP {response.status_code}, asks for a pause of {seconds} s", pause)
        body = _read_body(response)
        if "code" in body or body.get("status") == "error":
            _raise_error(body, response.status_code, grant.key, alone=len(batch) == 1)
            return dict.fromkeys(batch, body)
        if response.status_code != 200:
            raise _Failed(f"HTTP {response.status_code}")
        if "values" in body or "meta" in body:
            return _match_flat(body, batch, symbols)
        return {ask: body.get(symbol) for ask, symbol in zip(batch, symbols, strict=True)}


def _client(settings: Providers) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=settings.twelvedata_base_url,
        timeout=settings.provider_timeout_seconds,
        headers={"User-Agent": "StocksALot", "Accept": "application/json"},
    )


def _batches(asks: Sequence[FetchRequest]) -> Iterator[list[FetchRequest]]:
    """Yield *asks* by window, in order, at most as many together as a request may name."""
    by_window: dict[tuple[datetime, datetime], list[FetchRequest]] = defaultdict(list)
    for ask in asks:
        by_window[ask.start, ask.end].append(ask)
    for same in by_window.values():
        for first in range(0, len(same), _SYMBOLS_A_REQUEST):
            yield same[first : first + _SYMBOLS_A_REQUEST]


def _read_body(response: httpx.Response) -> dict[str, object]:
    try:
        body = json.loads(response.content, parse_float=Decimal)
    except ValueError as error:  # HTML, cut off, empty, not UTF-8
        raise _Failed(f"HTTP {response.status_code} without JSON") from error
    if not isinstance(body, dict):
        raise _Failed(f"HTTP {response.status_code} with JSON that is no object")
    return body


def _raise_error(body: Mapping[str, object], status: int, key: Secret, *, alone: bool) -> None:
    """Raise what an error for the whole request means. Returns when it speaks of the dates, or of the one symbol asked.

    The status may be 200: the body decides.
    """
    code, message = _error(body, status, key)
    if code == 429:
        raise _OutOfCredits("day" if "for the day" in message else "minute")
    if code in (401, 403):
        raise _KeyRefused(message)
    if not (_is_empty(code, message) or (alone and 400 <= code < 500)):
        raise _Failed(f"{code} {message}")


def _match_flat(
    body: dict[str, object], batch: Sequence[FetchRequest], symbols: Sequence[str]
) -> dict[FetchRequest, object]:
    """Return the asks that a series which is not keyed by symbol answers."""
    if len(batch) == 1:
        return {batch[0]: body}
    meta = body.get("meta")
    told = meta.get("symbol") if isinstance(meta, dict) else None
    return {ask: body if symbol == told else None for ask, symbol in zip(batch, symbols, strict=True)}


def _read_series(answer: object, interval: str, key: Secret) -> _Series:
    """Return one symbol's part of the answer, oldest bar first; no bars when the provider has none. _Failed else."""
    if not isinstance(answer, dict):
        raise _Failed("left out of the answer")
    if "code" in answer or answer.get("status") == "error":
        code, message = _error(answer, 0, key)
        if _is_empty(code, message):
            return _Series([])
        raise _Failed(f"{code} {message}")
    values = answer.get("values")
    if not isinstance(values, list):
        raise _Failed("no values")
    meta = answer.get("meta")
    bars, unreadable = [], []
    for value in values:
        if bar := _read_bar(value):
            bars.append(bar)
        else:
            unreadable.append(_text(value))
    # Sorting keeps the order of bars with the same start: it tells which was said last.
    bars.sort(key=lambda bar: bar.start)
    return _Series(bars, tuple(unreadable), _check_labels(meta, interval) if isinstance(meta, dict) else None)


def _check_labels(meta: Mapping[str, object], interval: str) -> WrongLabels | None:
    """Return what the series says of itself that was not asked for, None when it is right or silent."""
    for name, expected in (
        ("interval", (interval,)),
        ("currency", ("USD",)),
        ("exchange_timezone", ("America/New_York",)),
    ):
        found = meta.get(name)
        if found not in (None, "", *expected):
            return WrongLabels(f"{name.replace('_', '-')}-wrong", f"The {name} is {found}, not {expected[0]}.")
    if any(word in str(meta.get("type", "")) for word in _NO_SHARES):
        return WrongLabels("instrument-wrong", f"The instrument is a {meta['type']}, not a share.")
    return None


def _read_bar(value: object) -> Bar | None:
    """Return one bar, None when its time cannot be read."""
    if not isinstance(value, dict):
        return None
    try:
        start = datetime.fromisoformat(value["datetime"])
    except (KeyError, TypeError, ValueError):
        return None
    figures = {name: parse_decimal(value.get(name)) for name in _FIELDS}
    return Bar(
        start=start if start.tzinfo else start.replace(tzinfo=UTC),
        **figures,
        text=_text(value) if any(figure is not None and figure.is_nan() for figure in figures.values()) else None,
    )


def _text(value: object) -> str:
    """Return *value* as it came, up to a length that nothing true has."""
    return json.dumps(value, default=str)[:1000]


def _error(body: Mapping[str, object], status: int, key: Secret) -> tuple[int, str]:
    """Return code and message of an error, fit for the log: vendors have been seen to repeat the key."""
    code, message = str(body.get("code", "")), str(body.get("message", ""))
    return int(code) if code.isdecimal() else status, message.replace(key.reveal(), "***")[:300]


def _is_empty(code: int, message: str) -> bool:
    return code == 400 and "No data is available" in message


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


PROVIDER = TwelveData
