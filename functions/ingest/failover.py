"""Failover: each ticker is requested from the providers in order until one serves it; jumps are confirmed."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from functions.ingest.gaps import FetchRequest, Gap, bar_end
from functions.ingest.plan import INTERVAL, FetchPlan
from functions.ingest.providers import FetchResult, NoCredits, Provider, ProviderError
from functions.ingest.settings import Settings
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, Series
from shared.http.problem import Problem

_logger = logging.getLogger(__name__)

JUMP = Decimal("1.5")
"""A change of price by this factor from one bar to the next is stored only with a second source."""
_LATE = timedelta(minutes=30)
"""A bar that ended so long ago is late at a provider that lacks it."""


async def fetch_in_order(
    plan: FetchPlan, settings: Settings, provider: Callable[[str], Provider], now: datetime
) -> dict[str, FetchResult]:
    """Return the result of each provider that was asked, in order; {} when none may be asked now.

    A ticker goes to the next provider if one fails, lacks a bar, or reports a jump of the newest price. A bar
    that has just ended may only be late.
    """
    gaps = {gap.ticker: gap for gap in plan.gaps}
    real = {gap.ticker for gap in plan.gaps if gap.source not in (None, "simulated")}
    results: dict[str, FetchResult] = {}
    failures: list[str] = []
    waiting = plan.requests
    for name in settings.order:
        # Simulated bars never continue real ones.
        requests = [one for one in waiting if name != "simulated" or one.ticker not in real]
        if not requests:
            continue
        try:
            result = await provider(name).fetch(requests, INTERVAL, plan.market)
        except NoCredits as error:
            _logger.info("%s", error if str(error) else f"{name}: no credits are left for now")
            continue
        except ProviderError as failure:
            _logger.error("%s", failure)
            failures.append(str(failure))
            continue
        results[name] = result
        waiting = [
            one
            for one in requests
            if one in result.failures
            or (one in result.bars and _lacks(gaps[one.ticker], one, result, plan.market, now - _LATE))
        ]
    if failures and not results:
        raise Problem(
            503, "providers-failed", "All providers failed", f"{len(plan.requests)} tickers are due. See the log."
        )
    return results


def _lacks(gap: Gap, request: FetchRequest, result: FetchResult, market: TradingCalendar, ended_by: datetime) -> bool:
    """Return whether *result* lacks a bar of *gap* with usable prices that had ended by *ended_by*."""
    if request in result.mislabelled or has_jump(result.bars[request]):
        return True
    present = {bar.start for bar in result.bars[request] if has_prices(bar)}
    first, last = max(gap.first, request.start), min(gap.last + timedelta(microseconds=1), request.end)
    return any(
        start not in present and bar_end(market, INTERVAL, start) <= ended_by
        for start in market.starts(INTERVAL, first, last)
    )


def has_prices(bar: Bar) -> bool:
    """Return whether the prices of *bar* are present and consistent with each other."""
    opened, high, low, close = bar.open, bar.high, bar.low, bar.close
    if opened is None or high is None or low is None or close is None:
        return False
    return (
        not any(price.is_nan() for price in (opened, high, low, close))
        and 0 < low <= min(opened, close)
        and (max(opened, close) <= high)
    )


async def confirm_jumps(series: Sequence[Series], settings: Settings) -> list[Series]:
    """Return *series*, with the second source's name where a jump of the newest bar was confirmed by it."""
    jumped = {one.ticker: one.bars[-1] for one in series if has_jump(one.bars)}
    if not jumped or settings.finnhub_api_key is None:
        return list(series)
    from functions.ingest.providers import finnhub  # few ticks need it

    confirmed = await finnhub.confirm_closes(settings, jumped)
    return [replace(one, confirmed_by=finnhub.NAME) if one.ticker in confirmed else one for one in series]


def has_jump(bars: Sequence[Bar]) -> bool:
    """Return whether the newest of *bars* closes so far from the one before that a second source should be asked."""
    if len(bars) < 2:
        return False
    before, newest = bars[-2].close, bars[-1].close
    if before is None or newest is None or not (before.is_finite() and newest.is_finite()) or min(before, newest) <= 0:
        return False
    return max(before, newest) >= JUMP * min(before, newest)
