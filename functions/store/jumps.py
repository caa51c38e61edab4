"""Tell a price that moved from a bad tick, by the bars around it: from values to values, standard library only."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from functions.store.validation import BarBatch, RejectedBar, Rejection

FACTOR = Decimal("1.5")

REACH = timedelta(days=14)
"""Ten sessions. Over a longer hole a price may have come to anything without a tick being bad."""


class ClosePair(NamedTuple):
    """The closes for one start, in USD: what is stored, and what we are told now. At least one of them is there."""

    start: datetime
    stored: Decimal | None
    told: Decimal | None


def drop_jumps(
    batch: BarBatch, levels: Mapping[str, Mapping[datetime, Decimal]], confirmed: Collection[str]
) -> tuple[BarBatch, list[RejectedBar]]:
    """Return the bars of *batch* whose closes are believed, and the others.

    *levels* are the stored closes in and next to the batch by ticker and start; of the tickers in *confirmed* a second
    source has confirmed the newest close.
    """
    believed: BarBatch = {}
    bad: list[RejectedBar] = []
    for ticker, bars in batch.items():
        stored = levels.get(ticker, {})
        closes = [*stored.values(), *(bar.close for bar in bars.values())]
        if max(closes) < min(closes) * FACTOR:  # as nearly always: nothing jumped at all
            believed[ticker] = bars
            continue
        chain = [
            ClosePair(start, stored.get(start), bars[start].close if start in bars else None)
            for start in sorted(stored.keys() | bars.keys())
        ]
        faults = find_jumps(chain, confirmed=ticker in confirmed)
        bad += [RejectedBar(ticker, bars[start], fault) for start, fault in faults.items()]
        if rest := {start: bar for start, bar in bars.items() if start not in faults}:
            believed[ticker] = rest
    return believed, bad


def find_jumps(chain: Sequence[ClosePair], *, confirmed: bool = False) -> dict[datetime, Rejection]:
    """Return which of the told closes are not believed. *chain* is one ticker's, in order of start.

    A close that is FACTOR times the one before, or a FACTORth of it, is believed when the next bar stays at its level
    (a split, news), when that level is stored already, or, for the newest, when a second source agrees (*confirmed*).
    One with nothing before it is disbelieved when the next two agree with each other and not with it.
    """
    faults: dict[datetime, Rejection] = {}
    level: tuple[datetime, Decimal] | None = None
    for index, link in enumerate(chain):
        if link.told is not None and not (link.stored is not None and _near(link.told, link.stored)):
            followers = [_price(after) for after in chain[index + 1 : index + 3] if after.start - link.start <= REACH]
            if level is None or link.start - level[0] > REACH:
                fault = _without_before(link.told, followers)
            elif _near(link.told, level[1]):
                fault = None
            else:
                last = index == len(chain) - 1
                fault = _against_before(link.told, level[1], followers, confirmed=confirmed and last)
            if fault:
                faults[link.start] = fault
                if link.stored is None:
                    continue
                link = ClosePair(link.start, link.stored, None)
        level = link.start, _price(link)
    return faults


def _price(link: ClosePair) -> Decimal:
    price = link.stored if link.told is None else link.told
    assert price is not None, "a link has one close at least"  # noqa: S101
    return price


def _near(one: Decimal, other: Decimal) -> bool:
    return one < other * FACTOR and other < one * FACTOR


def _without_before(price: Decimal, followers: Sequence[Decimal]) -> Rejection | None:
    if len(followers) < 2 or _near(price, followers[0]) or not _near(*followers):
        return None
    return Rejection("jump-refuted", f"The next closes are {followers[0]} and {followers[1]}, this one is {price}.")


def _against_before(
    price: Decimal, before: Decimal, followers: Sequence[Decimal], *, confirmed: bool
) -> Rejection | None:
    if followers:
        if _near(price, followers[0]):
            return None
        return Rejection(
            "jump-refuted", f"The close before is {before}, the next is {followers[0]}, this one is {price}."
        )
    if confirmed:
        return None
    return Rejection("jump-unconfirmed", f"The close before is {before}, this one is {price}; no bar follows yet.")
