"""Fitting of fetched bars to the scale of the stored ones, where splits are known. Pure: values to values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from functions.store.bar_versions import BarVersion
from functions.store.splits.queries import Split
from functions.store.splits.ratios import distance
from functions.store.splits.scale import median_close_ratio, rescale_bar
from functions.store.validation import ValidBar
from shared.providers.adjustment import SPLIT_ADJUSTED

_NEAR = Decimal("0.2")
_ONE = Decimal(1)


class Divisor(NamedTuple):
    """Prices of bars that start before *starts_at* are divided by *factor*."""

    starts_at: datetime
    factor: Decimal


class Fit(NamedTuple):
    """Fetched bars on the scale of the stored ones.

    *unchecked* are bars on the old scale that are stored as they are, *divisors* are for the stored bars, *changed* are
    splits with a new state.
    """

    bars: dict[datetime, ValidBar]
    unchecked: dict[datetime, ValidBar]
    divisors: list[Divisor]
    changed: list[Split]


def fit_to_scale(
    fetched: Mapping[datetime, ValidBar],
    stored: Mapping[datetime, BarVersion],
    splits: Sequence[Split],
    source: str,
    at: datetime,
    *,
    whole: bool,
) -> Fit:
    """Return how *fetched* from *source* fits beside *stored*, both of one ticker with *splits*, oldest first.

    *whole*: the answer is to a request for the whole history, which resolves the splits that wait for it.
    """
    result = Fit(dict(fetched), {}, [], [])
    level, end = _ONE, None
    for split in reversed([one for one in splits if one.state in ("applied", "pending", "suspected")]):
        if end is None:
            level = (
                median_close_ratio([start for start in fetched if start >= split.starts_at], fetched, stored) or _ONE
            )
        earlier = [one.starts_at for one in splits if one.starts_at < split.starts_at]
        segment = [s for s in fetched if (not earlier or s >= earlier[-1]) and s < split.starts_at]
        own = median_close_ratio(segment, fetched, stored)
        change = None if own is None else own / level
        level, end = own or level, split.starts_at
        if split.state == "applied":
            _fit_applied(result, split, change, source, at, stored)
        elif whole and at >= split.found_at:
            _resolve(result, split, change, source, at)
        else:
            _wait(result, split, change)
    return result


def _fit_applied(
    result: Fit,
    split: Split,
    change: Decimal | None,
    source: str,
    at: datetime,
    stored: Mapping[datetime, BarVersion],
) -> None:
    """Convert bars that *source* still gives on the old scale; answers from before that was done are history."""
    factor = split.ratio.factor
    is_raw = source in split.raw_sources if change is None else _nearest(change, _ONE, 1 / factor) == 1 / factor
    for start in [one for one in result.bars if one < split.starts_at]:
        if at < split.changed_at and start in stored:
            if is_raw:
                result.unchecked[start] = result.bars.pop(start)
            elif at >= split.found_at:
                # As when it came first: then it waited for the whole history.
                result.bars.pop(start)
        elif is_raw:
            result.bars[start] = rescale_bar(result.bars[start], start, factor)


def _resolve(result: Fit, split: Split, change: Decimal | None, source: str, at: datetime) -> None:
    """Decide the new state of *split* by the whole history."""
    factor = split.ratio.factor
    is_adjusted = source in SPLIT_ADJUSTED if change is None else _nearest(change, _ONE, factor) == factor
    if split.state == "suspected" and not (is_adjusted and change is not None):
        # A source that adjusts and did not do so has no record of the split.
        denied = source in SPLIT_ADJUSTED
        word = f"{source} adjusts for splits and did not adjust for this." if denied else "The source does not adjust."
        detail = f"{split.detail}. {word}"
        result.changed.append(
            split._replace(state="refuted" if denied else "unconfirmed", changed_at=at, detail=detail)
        )
        return
    raw_sources = split.raw_sources
    if not is_adjusted:
        raw_sources = tuple(sorted({*raw_sources, source}))
        for start in [one for one in result.bars if one < split.starts_at]:
            result.bars[start] = rescale_bar(result.bars[start], start, factor)
    result.divisors.append(Divisor(split.starts_at, factor))
    result.changed.append(split._replace(state="applied", changed_at=at, raw_sources=raw_sources))


def _wait(result: Fit, split: Split, change: Decimal | None) -> None:
    """Leave the bars before *split* as they are until the whole history comes."""
    factor = split.ratio.factor
    is_raw = change is not None and _nearest(change, _ONE, factor) == _ONE
    for start in [one for one in result.bars if one < split.starts_at]:
        bar = result.bars.pop(start)
        if is_raw:
            result.unchecked[start] = bar


def _nearest(change: Decimal, one: Decimal, other: Decimal) -> Decimal | None:
    best = min((one, other), key=lambda candidate: distance(change, candidate))
    return best if distance(change, best) <= _NEAR else None
