"""Price jumps: distinguish a moved price from a bad tick by the bars around it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from functions.store.series_checks import Rejection
from functions.store.validation import BarBatch, RejectedBar, ValidBar
from shared.calendar.trading import LENGTHS

FACTOR = Decimal("1.5")
"""A close that differs from the one before by this factor is a jump."""
SPIKE = Decimal(3)
"""A high of this multiple of the open and both closes is a spike, and so is a low of a third of them."""
LARGE = Decimal(3)
"""Beyond this factor two bars at the new level do not confirm it, unless the factor is that of a usual split."""

REACH = timedelta(days=14)
"""Ten sessions. After a longer gap any change of price is plausible."""

_SESSION = timedelta(hours=6, minutes=30)
_SPLITS = tuple(map(Decimal, ("4", "5", "6", "7", "8", "10", "12", "15", "20", "25", "30", "40", "50")))
_SPLIT_TOLERANCE = Decimal("0.12")


class ClosePair(NamedTuple):
    """The closes for one start, in USD: the stored and the fetched one. At least one of them is there."""

    start: datetime
    stored: Decimal | None
    fetched: Decimal | None

    @property
    def price(self) -> Decimal:
        """The fetched close, else the stored one."""
        price = self.stored if self.fetched is None else self.fetched
        assert price is not None, "a pair has one close at least"  # noqa: S101
        return price


def drop_jumps(
    batch: BarBatch,
    levels: Mapping[str, Mapping[datetime, Decimal]],
    confirmed: Collection[str],
    *,
    interval: str = "1h",
) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the bars of *batch* whose prices are plausible, and the others.

    *levels* are the stored closes in and next to the batch by ticker and start; of the tickers in *confirmed* a second
    source has confirmed the newest close.
    """
    plausible: BarBatch = {}
    rejected: list[RejectedBar] = []
    longest = -(-_SESSION // LENGTHS[interval])
    for ticker, bars in batch.items():
        stored = levels.get(ticker, {})
        lowest = min(min(stored.values(), default=Decimal("Infinity")), min(bar.low for bar in bars.values()))
        highest = max(max(stored.values(), default=Decimal()), max(bar.high for bar in bars.values()))
        if highest < lowest * FACTOR:  # as nearly always: nothing jumped at all
            plausible[ticker] = bars
            continue
        chain = [
            ClosePair(start, stored.get(start), bars[start].close if start in bars else None)
            for start in sorted(stored.keys() | bars.keys())
        ]
        faults = find_jumps(chain, confirmed=ticker in confirmed, longest=longest)
        faults |= find_spikes(
            [pair for pair in chain if pair.start not in faults or pair.stored is not None], bars, faults
        )
        rejected += [RejectedBar(ticker, start, bars[start], fault) for start, fault in faults.items()]
        if rest := {start: bar for start, bar in bars.items() if start not in faults}:
            plausible[ticker] = rest
    return plausible, rejected


def find_jumps(chain: Sequence[ClosePair], *, confirmed: bool = False, longest: int = 7) -> dict[datetime, Rejection]:
    """Return why fetched closes of *chain*, one ticker's in order of start, are not stored.

    A close that is FACTOR times the one before, or a FACTORth of it, is stored when its level stays: when the next bar
    has it too (for a LARGE factor that no split has: a session's bars), when that level is stored already, or, for the
    newest, when a second source agrees (*confirmed*). A level that is left again for the one before within *longest*
    bars, a session's, is refuted.
    """
    faults: dict[datetime, Rejection] = {}
    level: tuple[datetime, Decimal] | None = None
    index = 0
    while index < len(chain):
        pair = chain[index]
        end = index + 1
        price = pair.price
        known = pair.fetched is None or (pair.stored is not None and _is_near(pair.fetched, pair.stored))
        if not known:
            before = level[1] if level and pair.start - level[0] <= REACH else None
            run = _run(chain, index)
            fault = _fault(chain, index, run, before, longest, confirmed=confirmed)
            if fault:
                end = run
                refused = [one for one in chain[index:run] if one.fetched is not None]
                faults |= {one.start: fault for one in refused}
                standing = [one for one in chain[index:run] if one.stored is not None]
                index = end
                if standing and standing[-1].stored is not None:
                    level = standing[-1].start, standing[-1].stored
                continue
        level = pair.start, price
        index = end
    return faults


def find_spikes(
    chain: Sequence[ClosePair], bars: Mapping[datetime, ValidBar], faults: Mapping[datetime, Rejection]
) -> dict[datetime, Rejection]:
    """Return rejections of bars with plausible closes whose open, high or low is far from the surrounding prices."""
    found: dict[datetime, Rejection] = {}
    for index, pair in enumerate(chain):
        bar = bars.get(pair.start)
        if bar is None or pair.start in faults:
            continue
        around = [other.price for other in (*chain[max(index - 1, 0) : index], *chain[index + 1 : index + 2])]
        if not around:
            continue
        lowest, highest = min(bar.close, *around), max(bar.close, *around)
        for name, price, factor in (("open", bar.open, FACTOR), ("high", bar.high, SPIKE), ("low", bar.low, SPIKE)):
            if not lowest / factor < price < highest * factor:
                found[pair.start] = Rejection(
                    "spike", f"The {name} is {price}; this close and those around it lie from {lowest} to {highest}."
                )
                break
    return found


def _run(chain: Sequence[ClosePair], first: int) -> int:
    """Return the index after the bars from *first* on that stay at its level."""
    end = first + 1
    while (
        end < len(chain)
        and chain[end].start - chain[end - 1].start <= REACH
        and _is_near(chain[end].price, chain[end - 1].price)
    ):
        end += 1
    return end


def _fault(
    chain: Sequence[ClosePair], first: int, end: int, before: Decimal | None, longest: int, *, confirmed: bool
) -> Rejection | None:
    """Return why the run [*first*, *end*) of *chain* is not stored after the close *before*, None when it is."""
    price, count = chain[first].price, end - first
    after = [pair.price for pair in chain[end : end + 2] if pair.start - chain[end - 1].start <= REACH]
    if before is None:
        if not after:
            return None
        rest = _run(chain, end) - end
        odd = count == 1 and len(after) == 2 and _is_near(*after)
        odd = odd or (count <= longest and rest >= 2 * count and _is_unusual(price, after[0]))
        return _refuted(f"The next closes are {', '.join(map(str, after))}, this one is {price}.") if odd else None
    if _is_near(price, before):
        return None
    if after:
        if count == 1:
            return _refuted(f"The close before is {before}, the next is {after[0]}, this one is {price}.")
        if count <= longest and _is_near(after[0], before):
            return _refuted(f"The close before is {before}, after {count} bars from {price} on it is {after[0]}.")
        return None
    needed = longest if _is_unusual(price, before) else 2
    if count >= needed or (confirmed and end == len(chain)):
        return None
    return Rejection(
        "jump-unconfirmed", f"The close before is {before}, this one is {price}; {_count(count - 1)} at its level yet."
    )


def _refuted(detail: str) -> Rejection:
    return Rejection("jump-refuted", detail)


def _count(bars: int) -> str:
    return f"{bars} more bars are" if bars > 1 else "one more bar is" if bars else "no other bar is"


def _is_near(one: Decimal, other: Decimal) -> bool:
    return one < other * FACTOR and other < one * FACTOR


def _is_unusual(price: Decimal, before: Decimal) -> bool:
    """Return whether a price changed by a LARGE factor that is not that of a usual split."""
    factor = max(price, before) / min(price, before)
    return factor >= LARGE and not any(abs(factor / split - 1) <= _SPLIT_TOLERANCE for split in (LARGE, *_SPLITS))
