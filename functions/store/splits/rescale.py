"""Rescaling: keep all stored bars of a ticker on one scale when its shares are split."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from math import prod
from typing import NamedTuple

from psycopg import AsyncConnection

from functions.store.bar_versions import SIMULATED, BarVersion, SourcePriority
from functions.store.merge import FetchedBatch, StoredBar
from functions.store.rejections import Origin
from functions.store.series_checks import Rejection
from functions.store.splits.fit import Divisor, Fit, fit_to_scale
from functions.store.splits.jump_splits import find_jump_splits
from functions.store.splits.queries import (
    Split,
    State,
    select_oldest_starts,
    select_splits,
    upsert_split,
)
from functions.store.splits.scale import ScaleChange, find_scale_change, rescale_bar
from functions.store.splits.stored_scale import scale_stored
from functions.store.validation import BarBatch, RejectedBar, ValidBar
from shared.calendar.trading import LENGTHS, TradingCalendar
from shared.providers.adjustment import SPLIT_ADJUSTED

_LONG_ANSWER = 4500
"""Bars. A provider's answer holds not many more: older bars are converted and not fetched again."""
_HOURLY = "1h"
_STATES: dict[str, State] = {"split": "pending", "no-volume": "suspected", "contradicted": "unconfirmed"}
_PASSES = 3


class FetchedAnswer(NamedTuple):
    """The valid bars of one source in one event, and the windows that they were requested for."""

    interval: str
    batch: FetchedBatch
    windows: Mapping[str, tuple[datetime, datetime]]
    market: TradingCalendar
    origin: Origin

    @property
    def shows_splits(self) -> bool:
        """True if splits are looked for: in real bars by the hour."""
        return self.batch.source != SIMULATED and self.interval == _HOURLY


class Rescaled(NamedTuple):
    """An answer on the scale of the stored bars.

    *unchecked* bars are stored without a comparison with their neighbours. *waiting* are the divisors of stored bars
    that stay on the old scale until the whole history comes.
    """

    valid: BarBatch
    unchecked: BarBatch
    rejected: list[RejectedBar]
    waiting: dict[str, list[Divisor]]
    stored: dict[str, dict[datetime, StoredBar]]
    changed: bool


async def rescale(
    connection: AsyncConnection,
    answer: FetchedAnswer,
    stored: Mapping[str, dict[datetime, StoredBar]],
    splits: Mapping[str, list[Split]],
    priority: SourcePriority,
) -> Rescaled:
    """Convert bars and stored history where one of *splits* is known or another shows; record the splits found."""
    result = Rescaled(dict(answer.batch.bars), {}, [], {}, dict(stored), False)
    if not answer.shows_splits:
        return result
    changed = False
    for ticker in answer.batch.bars:
        standing = {
            start: bar.version
            for start, bar in result.stored.get(ticker, {}).items()
            if bar.version.source != SIMULATED
        }
        known = splits.get(ticker, [])
        if not known and not _may_differ(answer.batch.bars[ticker], standing):
            continue
        changed = await _rescale_ticker(connection, answer, ticker, standing, known, result, priority) or changed
    return result._replace(changed=changed)


async def record_jumps(
    connection: AsyncConnection, answer: FetchedAnswer, accepted: BarBatch, rescaled: Rescaled
) -> list[Split]:
    """Record the splits that *accepted* bars show by a jump between two sessions, and return them."""
    if not answer.shows_splits:
        return []
    found: list[Split] = []
    for ticker, bars in accepted.items():
        versions = {
            start: bar.version
            for start, bar in rescaled.stored.get(ticker, {}).items()
            if bar.version.source != SIMULATED
        }
        new = frozenset(bars.keys() - versions.keys())
        if not new or ticker in rescaled.waiting:
            continue
        standing = {start: as_bar(start, version) for start, version in versions.items()}
        for jump in find_jump_splits({**standing, **bars}, new, answer.market):
            session = answer.market.session_at(jump.starts_at)
            if session is None:
                continue
            found.append(
                Split(
                    ticker,
                    session.date,
                    jump.starts_at,
                    jump.ratio.new,
                    jump.ratio.old,
                    _STATES[jump.evidence],
                    "jump",
                    answer.batch.source,
                    jump.detail,
                    (),
                    min(*standing, *bars),
                    answer.batch.at,
                    answer.batch.at,
                )
            )
    return await _insert_new(connection, answer, found)


async def _insert_new(connection: AsyncConnection, answer: FetchedAnswer, found: Sequence[Split]) -> list[Split]:
    """Insert the splits of *found* that are not known, each to be fetched again from the oldest bar on."""
    if not found:
        return []
    tickers = sorted({one.ticker for one in found})
    known = {(one.ticker, one.date) for some in (await select_splits(connection, tickers)).values() for one in some}
    oldest = await select_oldest_starts(connection, tickers, answer.interval)
    new = [one for one in found if (one.ticker, one.date) not in known]
    new = [one._replace(refetch_from=min(oldest.get(one.ticker, one.refetch_from), one.refetch_from)) for one in new]
    for one in new:
        await upsert_split(connection, one, answer.origin.event_id, answer.origin.trace_id)
    return new


def as_bar(start: datetime, version: BarVersion) -> ValidBar:
    """Return *version* as a bar."""
    return rescale_bar(version, start, Decimal(1))


async def _rescale_ticker(
    connection: AsyncConnection,
    answer: FetchedAnswer,
    ticker: str,
    standing: Mapping[datetime, BarVersion],
    known: list[Split],
    result: Rescaled,
    priority: SourcePriority,
) -> bool:
    """Fit the bars of one ticker into *result*; return whether a split was found or resolved."""
    source, at = answer.batch.source, answer.batch.at
    fetched = answer.batch.bars[ticker]
    oldest: datetime | None = None
    found: list[Split] = []
    fitted = Fit(dict(fetched), {}, [], [])
    for _ in range(_PASSES):
        whole = all(_is_whole(answer, ticker, one) for one in known if one.awaits_history)
        fitted = fit_to_scale(fetched, standing, known, source, at, whole=whole)
        compared = apply_divisors(standing, fitted.divisors)
        change = find_scale_change(fitted.bars, compared)
        if change is None:
            break
        if not change.plausible:
            fault = _doubtful_scale(change)
            result.rejected.extend(RejectedBar(ticker, start, bar, fault) for start, bar in fetched.items())
            result.valid.pop(ticker)
            return False
        if oldest is None:
            oldest = (await select_oldest_starts(connection, [ticker], answer.interval))[ticker]
        split = _as_split(answer, ticker, change, fitted.bars, standing, oldest)
        if _is_raw_over_adjusted(source, change, fitted.bars, standing):
            # The stored bars are on the new scale, and these are from before it.
            split = split._replace(
                new_shares=split.old_shares, old_shares=split.new_shares, state="applied", raw_sources=(source,)
            )
        found.append(split)
        known = sorted([*(one for one in known if one.date != split.date), split], key=lambda one: one.starts_at)
    states = {one.date: one for one in (*found, *fitted.changed)}
    for split in states.values():
        await upsert_split(connection, split, answer.origin.event_id, answer.origin.trace_id)
    if fitted.divisors:
        rank = priority.rank(source)
        scaled = await scale_stored(
            connection, ticker, fitted.divisors, at, priority, {**dict.fromkeys(fitted.bars, rank)}
        )
        result.stored[ticker] = {**result.stored.get(ticker, {}), **_within(scaled, result.stored.get(ticker, {}))}
    current = [states.get(one.date, one) for one in known]
    waiting = [Divisor(one.starts_at, one.ratio.factor) for one in current if one.state == "pending"]
    if waiting:
        result.waiting[ticker] = waiting
    result.unchecked.update({ticker: fitted.unchecked} if fitted.unchecked else {})
    if fitted.bars:
        result.valid[ticker] = dict(sorted(fitted.bars.items()))
    else:
        result.valid.pop(ticker)
    return bool(states)


def _within(scaled: Mapping[datetime, StoredBar], known: Mapping[datetime, StoredBar]) -> dict[datetime, StoredBar]:
    return {start: bar for start, bar in scaled.items() if start in known}


def apply_divisors(
    standing: Mapping[datetime, BarVersion], divisors: Collection[Divisor]
) -> dict[datetime, BarVersion]:
    """Return the figures of *standing* after *divisors*."""
    if not divisors:
        return dict(standing)
    found: dict[datetime, BarVersion] = {}
    for start, version in standing.items():
        factor = prod((one.factor for one in divisors if start < one.starts_at), start=Decimal(1))
        if factor == 1:
            found[start] = version
            continue
        bar = rescale_bar(version, start, factor)
        volume = None if bar.volume is None else int(bar.volume)
        found[start] = version._replace(open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=volume)
    return found


def _may_differ(fetched: Mapping[datetime, ValidBar], standing: Mapping[datetime, BarVersion]) -> bool:
    """Return whether the first bar that both have differs so that a change of scale is worth looking for."""
    first = next((start for start in fetched if start in standing), None)
    return first is not None and abs(standing[first].close - fetched[first].close) * 33 > fetched[first].close


def _is_whole(answer: FetchedAnswer, ticker: str, split: Split) -> bool:
    """Return whether *answer* is to a request for the history of *ticker* that *split* waits for."""
    if ticker not in answer.windows:
        return False
    start, end = answer.windows[ticker]
    return start <= split.refetch_from or len(answer.market.starts(answer.interval, start, end)) >= _LONG_ANSWER


def _as_split(
    answer: FetchedAnswer,
    ticker: str,
    change: ScaleChange,
    fetched: Mapping[datetime, ValidBar],
    standing: Mapping[datetime, BarVersion],
    oldest: datetime,
) -> Split:
    later = min((start for start in (*fetched, *standing) if start > change.last), default=None)
    starts_at = later or change.last + LENGTHS[answer.interval]
    session = answer.market.session_at(starts_at) or answer.market.next_opening(starts_at)
    if session and answer.market.session_at(change.last) != session:
        starts_at = session.opens
    newest = max(fetched)
    detail = f"{change.pairs} stored bars up to {change.last.isoformat()} came again at a ratio of {change.ratio}"
    if newest - change.last > timedelta(days=4):
        detail += f"; the split took effect between then and {newest.isoformat()}"
    at = answer.batch.at
    date = session.date if session else starts_at.date()
    new, old = change.ratio
    source = answer.batch.source
    return Split(ticker, date, starts_at, new, old, "pending", "overlap", source, detail, (), oldest, at, at)


def _is_raw_over_adjusted(
    source: str, change: ScaleChange, fetched: Mapping[datetime, ValidBar], standing: Mapping[datetime, BarVersion]
) -> bool:
    """Return whether raw bars came for stored ones of a source that adjusts."""
    stored = {standing[start].source for start in fetched if start in standing and start <= change.last}
    return source not in SPLIT_ADJUSTED and SPLIT_ADJUSTED.issuperset(stored)


def _doubtful_scale(change: ScaleChange) -> Rejection:
    return Rejection(
        "scale-doubtful",
        f"{change.pairs} stored bars came again with prices divided by {change.ratio.factor.normalize():f}: no usual "
        "split, and the volumes did not change the other way.",
    )
