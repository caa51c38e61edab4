"""Twelve Data's /time_series: hourly bars of many tickers in one request, one credit a ticker whatever the window."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice

import httpx
from redis.exceptions import RedisError

from functions.ingest.gaps import TICKER_BARS, FetchRequest
from functions.ingest.outages import Outage, is_server_fault
from functions.ingest.providers import FetchResult, NoCredits, ProviderError, ProviderPauses
from functions.ingest.providers.parsing import parse_date
from functions.ingest.providers.tls import tls_context
from functions.ingest.providers.twelvedata_answers import (
    KeyRefused,
    OutOfCredits,
    SymbolSeries,
    TwelveDataFailure,
    match_flat,
    raise_error,
    read_body,
    read_series,
)
from functions.ingest.settings import Providers, Settings
from shared.calendar.trading import TradingCalendar
from shared.connections.redis import connect_cache
from shared.providers.credits import AllKeysSuspended, CreditBudget, CreditGrant, short_hash

_logger = logging.getLogger(__name__)

_SYMBOLS_A_REQUEST = 120
_LONGEST_PAUSE = timedelta(days=1)


@dataclass
class _Round:
    """Result of one request."""

    series: dict[FetchRequest, SymbolSeries] = field(default_factory=dict)
    failed: dict[FetchRequest, str] = field(default_factory=dict)
    refused: list[FetchRequest] = field(default_factory=list)
    """Asks whose key was refused: another key may serve them."""
    failures: list[str] = field(default_factory=list)
    outage: bool = False


class TwelveData:
    """Twelve Data with one or several keys, whose budgets add up."""

    name = "twelvedata"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:  # noqa: ARG002
        """Serve as many of *asks* as all keys have credits for now."""
        waiting, failures, spent = list(asks), [], 0
        found: dict[FetchRequest, SymbolSeries] = {}
        failed: dict[FetchRequest, str] = {}
        dates: list[datetime] = []
        try:
            async with connect_cache(self._settings) as redis, _client(self._settings, dates) as client:
                budget = CreditBudget(
                    redis,
                    self.name,
                    self._settings.twelvedata_api_keys,
                    self._settings.twelvedata_credits_per_minute,
                    self._settings.twelvedata_credits_per_day,
                )
                outage = Outage(redis, self.name, self._settings.twelvedata_api_keys[0])
                if pause := await outage.remaining():
                    raise ProviderPauses(f"twelvedata: pauses for {pause} after an outage")
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
                    if all(one.outage for one in rounds):
                        await outage.record(rounds[-1].failures[-1])
                    else:
                        await outage.end()
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
                {ask: one.refused for ask, one in found.items() if one.refused},
                {ask: one.labels for ask, one in found.items() if one.labels},
                min(dates, default=None),
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
        """Request *batch*, which shares one window, under *grant*, and note the state of the key from the response."""
        done = _Round()
        try:
            answers = await self._request(client, budget, grant, batch, interval)
        except OutOfCredits as out:
            await budget.mark_spent(grant, str(out))
            _logger.warning("twelvedata: key %s is out of credits for the %s", short_hash(grant.key), out)
            return done
        except KeyRefused as refused:
            await budget.suspend(grant)
            _logger.error("twelvedata: key %s is set aside for an hour: %s", short_hash(grant.key), refused)
            return _Round(refused=list(batch), failures=[f"key refused: {refused}"])
        except TwelveDataFailure as failure:
            if failure.pause:
                await budget.suspend(grant, failure.pause)
            return _Round(failures=[str(failure)], outage=failure.outage)
        for ask, answer in answers.items():
            try:
                done.series[ask] = read_series(answer, interval, grant.key)
            except TwelveDataFailure as failure:
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
        """Return the provider's answer to each request in *batch*."""
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
            raise TwelveDataFailure("no answer in time", outage=True) from error
        except httpx.HTTPError as error:
            raise TwelveDataFailure(f"no answer: {type(error).__name__}", outage=True) from error
        if (left := response.headers.get("api-credits-left", "")).isdecimal():
            await budget.mark_spent(grant, "minute", int(left))
        may_wait = response.status_code == 429 or is_server_fault(response.status_code)
        if may_wait and (seconds := response.headers.get("retry-after", "")).isdecimal():
            pause = min(timedelta(seconds=int(seconds)), _LONGEST_PAUSE)
            raise TwelveDataFailure(f"HTTP {response.status_code}, asks for a pause of {seconds} s", pause)
        body = read_body(response)
        if "code" in body or body.get("status") == "error":
            raise_error(body, response.status_code, grant.key, alone=len(batch) == 1)
            return dict.fromkeys(batch, body)
        if response.status_code != 200:
            raise TwelveDataFailure(f"HTTP {response.status_code}", outage=is_server_fault(response.status_code))
        if "values" in body or "meta" in body:
            return match_flat(body, batch, symbols)
        return {ask: body.get(symbol) for ask, symbol in zip(batch, symbols, strict=True)}


def _client(settings: Providers, dates: list[datetime]) -> httpx.AsyncClient:
    """Return a client that adds the provider's time at each response to *dates*."""

    async def add_date(response: httpx.Response) -> None:
        if date := parse_date(response.headers.get("date", "")):
            dates.append(date)

    return httpx.AsyncClient(
        event_hooks={"response": [add_date]},
        base_url=settings.twelvedata_base_url,
        timeout=settings.provider_timeout_seconds,
        headers={"User-Agent": "StocksALot", "Accept": "application/json"},
        verify=tls_context(),
    )


def _batches(asks: Sequence[FetchRequest]) -> Iterator[list[FetchRequest]]:
    """Yield *asks* by window, in order, at most as many together as a request may name."""
    by_window: dict[tuple[datetime, datetime], list[FetchRequest]] = defaultdict(list)
    for ask in asks:
        by_window[ask.start, ask.end].append(ask)
    for same in by_window.values():
        for first in range(0, len(same), _SYMBOLS_A_REQUEST):
            yield same[first : first + _SYMBOLS_A_REQUEST]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


PROVIDER = TwelveData
