"""Cases that real data had: each ends as stored, revised or rejected, with its reason."""

import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from functions.store.migrate import migrate
from shared.calendar.trading import Session, TradingCalendar
from tests.store_harness import Store, fetched, hour

Row = dict[str, str]


@pytest.fixture(scope="session")
def awkward(real_data: Callable[[str], Path]) -> dict[tuple[str, str], list[Row]]:
    """The rows of each case and ticker, in the order of the source."""
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    with gzip.open(real_data("awkward_cases.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            found[row["case"], row["ticker"]].append(row)
    return found


@pytest.fixture
def wide(store: Store, awkward: dict[tuple[str, str], list[Row]]) -> Store:
    """The function, with all tickers of the cases active."""
    migrate(store.database_url, tickers=sorted({ticker for _, ticker in awkward}))
    return store


def event(rows: Sequence[Row], **changes: Any) -> dict[str, Any]:
    """*rows* of one ticker as their source gave them eight hours after the last."""
    first, *_ = rows
    names = ("open", "high", "low", "close")
    bars = [
        {"start": row["datetime"], "volume": row["volume"] or None, **{name: row[name] for name in names}}
        for row in rows
    ]
    last = max(datetime.fromisoformat(row["datetime"]) for row in rows)
    facts = {"at": last + timedelta(hours=8), "source": first["source"], "interval": first["interval"]}
    return fetched({first["ticker"]: bars}, **(facts | changes))


EXPECTED: dict[tuple[str, str], tuple[int, dict[str, int]]] = {
    # Daily bars are derived from hours. What becomes of these prices as hours is shown below.
    ("split_unadjusted_daily", "AAPL"): (0, {"interval-derived": 10}),
    ("split_unadjusted_daily", "TSLA"): (0, {"interval-derived": 20}),
    ("split_unadjusted_daily", "AMZN"): (0, {"interval-derived": 8}),
    ("split_unadjusted_daily", "GOOGL"): (0, {"interval-derived": 8}),
    ("split_unadjusted_daily", "NVDA"): (0, {"interval-derived": 9}),
    ("split_adjusted_daily", "AAPL"): (0, {"interval-derived": 10}),
    ("split_adjusted_daily", "TSLA"): (0, {"interval-derived": 20}),
    ("split_adjusted_daily", "AMZN"): (0, {"interval-derived": 8}),
    ("split_adjusted_daily", "NVDA"): (0, {"interval-derived": 9}),
    ("rename_FB_label", "FB"): (0, {"interval-derived": 23}),
    ("rename_META_label", "META"): (0, {"interval-derived": 23}),
    ("rename_META_after_2022-06-09", "META"): (0, {"interval-derived": 7}),
    # 1,949 rows hold 1,170 different minutes, three of which are closing auctions after the end.
    ("duplicates_exact", "DIS"): (1167, {"outside-session": 3}),
    ("closing_auction_bar_391", "AAPL"): (390, {"outside-session": 1}),
    ("vendor_outage_gap", "AAPL"): (143, {}),
    ("vendor_outage_gap", "KO"): (143, {}),
    ("huge_price_thin", "BRK.A"): (339, {}),
    ("fractional_volume", "AAPL"): (78, {"volume-not-whole": 78}),
    ("penny_price", "GPUS"): (156, {}),
    ("penny_price", "SRXH"): (155, {}),
    ("penny_price", "ASNS"): (120, {}),
    ("bad_tick", "RGP"): (213, {"jump-refuted": 1}),
    # Adjusted volumes are fractions: the prices are stored without them.
    ("reverse_split_backadjusted", "ELPW"): (196, {"volume-not-whole": 192}),
    ("delisted_last_bars", "EXAS"): (156, {}),
    ("zero_volume_flat_filled_ibkr", "UNH"): (78, {}),
    ("same_session_other_vendor", "UNH"): (78, {}),
    ("zero_volume_moving_price_yahoo", "INTC"): (7, {"volume-zero": 1}),
    ("zero_volume_moving_price_yahoo", "COST"): (7, {"volume-zero": 1}),
    ("zero_volume_moving_price_yahoo", "AVGO"): (7, {"volume-zero": 1}),
    ("zero_volume_moving_price_yahoo", "AMD"): (7, {"volume-zero": 1}),
    ("zero_volume_moving_price_yahoo", "HD"): (7, {"volume-zero": 1}),
    # Clock hours: each session's first bar, 9:30, is on our grid by chance, and half an hour long.
    ("half_day_clock_aligned", "AAPL"): (0, {"off-grid": 12}),
    ("half_day_halfhour_aligned", "JNJ"): (9, {}),
    ("dst_us_change", "MSFT"): (156, {}),
    ("dst_eu_change_vendor_clock", "MSFT"): (156, {}),
    ("dst_hourly_2024", "MSFT"): (0, {"off-grid": 28}),
    ("extended_hours", "TSLA"): (248, {"outside-session": 16}),
    ("extended_hours", "NVDA"): (248, {"outside-session": 15}),
    # New York's time called UTC: what falls into the session does so by chance.
    ("null_volume_ny_time_labelled_utc", "AAPL"): (0, {"clock-doubtful": 648}),
    ("null_volume_ny_time_labelled_utc", "BRK.B"): (0, {"clock-doubtful": 563}),
    ("null_volume_ny_time_labelled_utc", "COST"): (0, {"clock-doubtful": 419}),
}


def test_every_case_is_expected(awkward: dict[tuple[str, str], list[Row]]) -> None:
    """None of the folder's cases goes unasserted."""
    assert awkward.keys() == EXPECTED.keys()


@pytest.mark.parametrize(("case", "ticker"), EXPECTED)
def test_a_real_case_ends_as_expected(
    wide: Store, awkward: dict[tuple[str, str], list[Row]], case: str, ticker: str
) -> None:
    """So many stored, so many rejected for that reason, and every different row of the file is one or the other."""
    rows = awkward[case, ticker]
    stored, faults = EXPECTED[case, ticker]

    came = wide.keep(event(rows))

    assert (came["inserted"], Counter(reason for _, reason in wide.faults())) == (stored, faults)
    without_volume = sum(count for reason, count in faults.items() if reason.startswith("volume-"))
    assert stored + sum(faults.values()) - without_volume == len({tuple(row.values()) for row in rows})
    prices = {
        (datetime.fromisoformat(row["datetime"]), *(Decimal(row[name]) for name in ("open", "high", "low", "close")))
        for row in rows
    }
    assert set(wide.query("SELECT start, open, high, low, close FROM bars")) <= prices


def test_a_real_case_twice_is_as_once(wide: Store, awkward: dict[tuple[str, str], list[Row]]) -> None:
    """Faults and all."""
    events = [event(rows) for (case, _), rows in awkward.items() if case in ("bad_tick", "duplicates_exact")]
    for one in events:
        wide.keep(one)
    before = wide.tables()
    for one in reversed(events):
        wide.keep(one)

    assert wide.tables() == before


def test_an_outage_of_a_vendor_stays_a_hole(wide: Store, awkward: dict[tuple[str, str], list[Row]]) -> None:
    """Nothing is filled in: exactly the bars of the outages are missing, and known to be asked for."""
    rows = awkward["vendor_outage_gap", "AAPL"]
    days = sorted({row["datetime"][:10] for row in rows})
    wide.keep(event(rows, start=hour(0).replace(year=2026, month=1, day=1), end=hour(0)))

    sessions = TradingCalendar(
        [Session(*row) for row in wide.query("SELECT date, opens, closes FROM sessions ORDER BY date")]
    )
    expected = {
        start
        for day in days
        for start in sessions.starts(
            "5min", datetime.fromisoformat(f"{day}T00:00:00+00:00"), datetime.fromisoformat(f"{day}T23:59:59+00:00")
        )
    }
    stored = {start for (start,) in wide.query("SELECT start FROM bars")}
    missing = expected - stored

    assert Counter(f"{start:%m-%d %H}" for start in missing) == {
        "02-26 14": 3,
        "02-26 18": 2,
        "02-26 19": 1,
        "03-23 14": 3,
        "03-23 15": 4,
    }
    assert all(wide.query("SELECT settled @> %s FROM asked_windows", start) == [(True,)] for start in missing)


def test_the_bad_tick_is_gone_and_its_neighbours_are_there(
    wide: Store, awkward: dict[tuple[str, str], list[Row]]
) -> None:
    """RGP at 231.14 between 3.57 and 3.57."""
    wide.keep(event(awkward["bad_tick", "RGP"]))

    around = wide.query(
        "SELECT close FROM bars WHERE start BETWEEN '2026-02-24 20:55Z' AND '2026-02-25 14:35Z' ORDER BY start"
    )
    assert around == [(Decimal("3.57"),), (Decimal("3.57"),)]
    assert wide.query("SELECT start, bar ->> 'close' FROM rejected_bars") == [
        (datetime(2026, 2, 25, 14, 30, tzinfo=UTC), "231.14")
    ]


def test_two_vendors_of_one_session_make_revisions(wide: Store, awkward: dict[tuple[str, str], list[Row]]) -> None:
    """The feed hole that one filled with zero volume is corrected by the other, and can still be read."""
    wide.keep(event(awkward["zero_volume_flat_filled_ibkr", "UNH"]))

    came = wide.keep(event(awkward["same_session_other_vendor", "UNH"], at=datetime(2026, 2, 26, 12, tzinfo=UTC)), "2")

    assert came == {"inserted": 0, "revised": 59, "unchanged": 19, "rejected": 0}
    assert wide.query("SELECT count(*) FROM bars WHERE volume = 0") == [(0,)]
    assert wide.query("SELECT count(*) FROM bar_revisions WHERE volume = 0 AND source = 'ibkr'") == [(5,)]


def test_a_real_reverse_split_is_no_bad_tick(wide: Store, awkward: dict[tuple[str, str], list[Row]]) -> None:
    """ELPW without its impossible volumes: 35 to 1,115 to 164 to 79 within three sessions, all of it true."""
    rows = [row | {"volume": ""} for row in awkward["reverse_split_backadjusted", "ELPW"]]

    assert wide.keep(event(rows)) == {"inserted": 196, "revised": 0, "unchanged": 0, "rejected": 0}


def test_a_ticker_that_was_renamed_is_a_stranger_until_configured(
    store: Store, awkward: dict[tuple[str, str], list[Row]]
) -> None:
    """FB is not among the 50, META is: nothing is stored under a dead name."""
    store.keep(as_hours(awkward["rename_FB_label", "FB"]))
    store.keep(as_hours(awkward["rename_META_label", "META"]))

    assert (Counter(store.faults()), len(store.closes("META"))) == ({("FB", "ticker-unknown"): 23}, 23)


# Real daily prices as hours


def as_hours(rows: Sequence[Row], count: int | None = None, **changes: Any) -> dict[str, Any]:
    """The first *count* daily rows as one hourly bar each, on the grid of four sessions."""
    grid = [hour(index % 7, day=index // 7) for index in range(28)]
    hours = [row | {"datetime": start.isoformat()} for row, start in zip(rows, grid, strict=False)]
    return event(hours[:count], **({"interval": "1h"} | changes))


SPLITS = [("AAPL", 5), ("TSLA", 5), ("AMZN", 3), ("GOOGL", 3), ("NVDA", 4)]
"""Where the first bar after the split stands in split_unadjusted_daily."""


@pytest.mark.parametrize("case", ["split_unadjusted_daily", "split_adjusted_daily"])
@pytest.mark.parametrize("ticker", ["AAPL", "TSLA", "AMZN", "NVDA"])
def test_a_split_is_kept_in_either_convention(
    store: Store, awkward: dict[tuple[str, str], list[Row]], case: str, ticker: str
) -> None:
    """The level persists: all bars are stored."""
    rows = awkward[case, ticker][:10]

    assert store.keep(as_hours(rows))["inserted"] == len(rows)


@pytest.mark.parametrize(("ticker", "split"), SPLITS)
def test_the_first_bar_after_a_split_waits_for_the_second(
    store: Store, awkward: dict[tuple[str, str], list[Row]], ticker: str, split: int
) -> None:
    """Nobody could tell it from a bad tick yet; asked again an hour later, both are stored."""
    rows = awkward["split_unadjusted_daily", ticker]

    first = store.keep(as_hours(rows, split + 1))
    second = store.keep(as_hours(rows, split + 2), "2")

    assert (first["rejected"], first["inserted"]) == (1, split)
    assert (second["rejected"], second["inserted"], len(store.closes(ticker))) == (0, 2, split + 2)


@pytest.mark.parametrize(("ticker", "split"), SPLITS)
def test_a_day_of_the_new_level_alone_would_be_a_bad_tick(
    store: Store, awkward: dict[tuple[str, str], list[Row]], ticker: str, split: int
) -> None:
    """The same jump with the old level after it is rejected, and its neighbours are kept."""
    rows = awkward["split_unadjusted_daily", ticker]

    came = store.keep(as_hours([*rows[split - 3 : split], rows[split], rows[split - 1]]))

    assert (came["inserted"], came["rejected"], store.faults()) == (4, 1, [(ticker, "jump-refuted")])


def test_history_that_was_adjusted_for_a_split_replaces_the_bars_before_it(
    store: Store, awkward: dict[tuple[str, str], list[Row]]
) -> None:
    """AMZN given again after 20:1: three bars become twentieths, and what they said before can still be read."""
    store.keep(as_hours(awkward["split_unadjusted_daily", "AMZN"], 3))

    came = store.keep(as_hours(awkward["split_adjusted_daily", "AMZN"], at=hour(0, day=4)), "2")

    assert came == {"inserted": 5, "revised": 3, "unchanged": 0, "rejected": 0}
    assert [close > 2000 for (close,) in store.query("SELECT close FROM bar_revisions")] == [True] * 3
