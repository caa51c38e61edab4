"""Splits in store: which changes of scale and which jumps are splits, over ratios and prices drawn at random."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from functions.store.bar_versions import BarVersion
from functions.store.splits.jump_splits import JumpSplit, find_jump_splits
from functions.store.splits.ratios import USUAL, Ratio, nearest_ratio, parse_ratio
from functions.store.splits.scale import find_scale_change, rescale_bar
from functions.store.validation import PricedBar, ValidBar
from shared.calendar.trading import TradingCalendar
from tests.fake_vendors import exchange, utc
from tests.store_harness import Store, bar, fetched, hour

HOURS = exchange().starts("1h", utc("2026-11-16"), utc("2026-11-19"))
"""Three sessions."""
SECOND_DAY = 7


@st.composite
def series(draw: st.DrawFn) -> dict[datetime, PricedBar]:
    """Three sessions of a share between 5 and 5,000 dollars, each bar within two percent of the one before."""
    price = Decimal(draw(st.integers(500, 500_000))) / 100
    found: dict[datetime, PricedBar] = {}
    for start in HOURS:
        low, move, high = (Decimal(draw(st.integers(0, 100))) / 10_000 for _ in range(3))
        close = round(price * (1 + move - Decimal("0.005")), 2)
        top, bottom = round(max(price, close) * (1 + high), 2), round(min(price, close) * (1 - low), 2)
        volume = Decimal(draw(st.integers(95_000, 105_000)))
        found[start] = PricedBar(start, round(price, 2), max(top, close), min(bottom, close), close, volume)
        price = close
    return found


def stored(bars: Mapping[datetime, ValidBar]) -> dict[datetime, BarVersion]:
    """*bars* as they are stored."""
    at = utc("2026-11-20 12:00")
    return {
        start: BarVersion(
            one.open, one.high, one.low, one.close, None if one.volume is None else int(one.volume), "a", at, at
        )
        for start, one in bars.items()
    }


def rounded(one: ValidBar) -> PricedBar:
    """*one* with prices in cents, as a vendor gives them."""
    opened, high, low, close = (round(price, 2) for price in (one.open, one.high, one.low, one.close))
    return PricedBar(one.start, opened, high, low, close, one.volume)


def jumps(bars: Mapping[datetime, ValidBar]) -> list[JumpSplit]:
    """The jumps to the second day of *bars*, whose first day is stored."""
    return find_jump_splits(bars, frozenset(HOURS[SECOND_DAY:]), TradingCalendar(exchange().sessions))


@given(series(), st.sampled_from(USUAL))
def test_one_ratio_over_the_overlap_is_found(bars: dict[datetime, PricedBar], ratio: Ratio) -> None:
    """Whatever the prices, rounded to cents as they come, and without volumes."""
    first = {start: bars[start] for start in HOURS[:SECOND_DAY]}
    assume(min(one.low for one in first.values()) / ratio.factor > 1)
    again = {
        start: rounded(rescale_bar(one, start, ratio.factor))._replace(volume=None) for start, one in first.items()
    }

    change = find_scale_change(again, stored(first))

    assert change is not None
    assert (change.ratio, change.last, change.plausible) == (ratio, HOURS[SECOND_DAY - 1], True)


@given(series(), st.lists(st.integers(-400, 400), min_size=21, max_size=21))
def test_corrections_are_no_change_of_scale(bars: dict[datetime, PricedBar], parts: list[int]) -> None:
    """Bars that differ by up to four percent, each in its own way."""
    corrected = {
        start: rounded(rescale_bar(one, start, 1 + Decimal(part) / 10_000))
        for (start, one), part in zip(bars.items(), parts, strict=True)
    }

    assert find_scale_change(corrected, stored(bars)) is None


@given(series(), st.sampled_from(USUAL))
def test_a_raw_split_between_sessions_is_found(bars: dict[datetime, PricedBar], ratio: Ratio) -> None:
    """The price jumps by the ratio, the volume the other way, the ranges stay."""
    raw = {
        start: one if start < HOURS[SECOND_DAY] else rescale_bar(one, start, ratio.factor)
        for start, one in bars.items()
    }

    found = jumps(raw)

    assert [(one.starts_at, one.ratio, one.evidence) for one in found] == [(HOURS[SECOND_DAY], ratio, "split")]


@given(series(), st.sampled_from(("0.5", "0.66", "0.67", "0.34", "0.48")), st.sampled_from((1, 9, 12, 20)))
def test_a_fall_on_news_is_no_split(bars: dict[datetime, PricedBar], left: str, volume: int) -> None:
    """However much is traded: after news prices swing, or the volume does not fit."""
    fallen = {
        start: one
        if start < HOURS[SECOND_DAY]
        else rescale_bar(one, start, 1 / Decimal(left))._replace(volume=(one.volume or 0) * volume)
        for start, one in bars.items()
    }

    assert [one.evidence for one in jumps(fallen) if one.evidence == "split"] == []


@given(series(), st.sampled_from(("0.5", "0.67", "0.34")), st.integers(1, 20))
def test_a_volatile_day_after_a_fall_is_no_split(bars: dict[datetime, PricedBar], left: str, volume: int) -> None:
    """Ranges of a tenth of the price, whatever the volume."""
    fallen: dict[datetime, ValidBar] = {}
    for start, one in bars.items():
        if start < HOURS[SECOND_DAY]:
            fallen[start] = one
            continue
        low = rescale_bar(one, start, 1 / Decimal(left))
        fallen[start] = low._replace(high=low.high * Decimal("1.12"), volume=(one.volume or 0) * volume)

    assert [one.evidence for one in jumps(fallen) if one.evidence == "split"] == []


@given(series())
def test_ordinary_sessions_have_no_jump(bars: dict[datetime, PricedBar]) -> None:
    """No false alarm."""
    assert jumps(bars) == []


@pytest.mark.parametrize("text", ["10", "10:", ":1", "0:1", "1:1", "-2:1", "1.5:1", "10:1:1", "99999:1", "ten:one"])
def test_a_wrong_ratio_is_refused(text: str) -> None:
    """With an example of a right one."""
    with pytest.raises(ValueError, match="10:1"):
        parse_ratio(text)


def test_a_factor_between_ratios_is_none() -> None:
    """1.7 is neither 3:2 nor 2:1."""
    assert nearest_ratio(Decimal("1.7"), Decimal("0.06")) is None


def test_a_source_that_adjusts_refutes_a_jump_without_volume(store: Store) -> None:
    """Left out at first; the whole history shows no split, and the fall is ranked again."""
    day = [bar(hour(index), "100", volume=None) for index in range(7)]
    fallen = [bar(hour(index, day=1), "50", volume=None) for index in range(3)]
    store.keep(fetched({"AAPL": day}, at=hour(0, day=1)))
    store.keep(fetched({"AAPL": fallen}, at=hour(3, day=1), start=hour(0, day=1)), "2")
    waiting = store.query("SELECT ticker, reason FROM left_out_tickers")
    store.keep(fetched({"AAPL": day + fallen}, at=hour(4, day=1)), "3")

    assert waiting == [("AAPL", "split-suspected")]
    assert store.query("SELECT state FROM splits") == [("refuted",)]
    assert store.closes() == ["100"] * 7 + ["50"] * 3


def test_the_same_events_again_change_nothing(store: Store) -> None:
    """A split that was found, waited for and applied, in events that each come twice."""
    day = [bar(hour(index), "1200", volume="700") for index in range(7)]
    new = [bar(hour(index), "120", volume="7000") for index in range(7)]
    new += [bar(hour(index, day=1), "121", volume="7000") for index in range(2)]
    events = [
        fetched({"AAPL": day}, at=hour(0, day=1)),
        fetched({"AAPL": new[3:]}, at=hour(2, day=1), start=hour(3)),
        fetched({"AAPL": new}, at=hour(3, day=1)),
    ]
    for number, event in enumerate(events):
        store.keep(event, str(number))
    before = store.tables("bars", "bar_revisions", "splits")
    for number, event in enumerate(events[1:], 1):
        store.keep(event, str(number))

    assert store.closes() == ["120"] * 7 + ["121"] * 2
    assert store.tables("bars", "bar_revisions", "splits") == before
    assert store.query("SELECT close, volume FROM bar_revisions") == [(1200, 700)] * 7


def test_a_late_answer_from_before_the_split_is_history(store: Store) -> None:
    """It was fetched before the split and arrives after it: it is a revision, and the new scale stands."""
    day = [bar(hour(index), "1200", volume="700") for index in range(7)]
    late = [bar(hour(index), "1201" if index == 6 else "1200", volume="700") for index in range(7)]
    new = [bar(hour(index), "120", volume="7000") for index in range(7)]
    new += [bar(hour(index, day=1), "121", volume="7000") for index in range(2)]
    store.keep(fetched({"AAPL": day}, at=hour(6) + timedelta(hours=1)))
    store.keep(fetched({"AAPL": new}, at=hour(2, day=1)), "2")
    store.keep(fetched({"AAPL": late}, at=hour(6) + timedelta(hours=2)), "3")

    assert store.closes() == ["120"] * 7 + ["121"] * 2
    assert store.query("SELECT close FROM bar_revisions WHERE revision < 0") == [(1201,)]


def test_raw_bars_of_a_file_beside_an_adjusting_provider_are_converted(store: Store) -> None:
    """A file from before the split covers bars that the provider gave adjusted, and older ones."""
    adjusted = [bar(hour(index, day=1), "120", volume="7000") for index in range(7)]
    adjusted += [bar(hour(index, day=2), "121", volume="7000") for index in range(7)]
    raw = [bar(hour(index, day=day), "1200", volume="700") for day in range(2) for index in range(7)]
    raw += [bar(hour(index, day=2), "121", volume="7000") for index in range(7)]
    store.keep(fetched({"AAPL": adjusted}, at=hour(0, day=3)))
    store.keep(fetched({"AAPL": raw}, source="replay", at=hour(1, day=3)), "2")

    assert store.closes() == ["120"] * 14 + ["121"] * 7
    assert store.query("SELECT new_shares, old_shares, state, raw_sources FROM splits") == [
        (10, 1, "applied", ["replay"])
    ]
    assert store.query("SELECT count(*) FROM left_out_tickers") == [(0,)]
