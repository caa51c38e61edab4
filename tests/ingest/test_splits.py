"""Splits, end to end: ingest, store and the API, with the fake vendors and with files of raw prices."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from functions.api.app import Api
from functions.api.settings import Settings
from shared.runtime.settings import read_settings
from tests.fake_vendors import Vendors, utc
from tests.in_process import serving_handler
from tests.ingest.ingest_harness import IngestHarness, starts
from tests.reading import UNLIMITED

MONDAY = utc("2026-11-23 15:31")
"""A minute after the first bar of the session after Friday evening."""


@contextmanager
def reading(harness: IngestHarness, redis_url: str) -> Iterator[Callable[[str], Any]]:
    """A function that returns the JSON at a path of the API over the same database."""
    settings = read_settings(Settings, UNLIMITED | {"DATABASE_URL": harness.database_url, "REDIS_URL": redis_url})
    with serving_handler(Api(settings).respond) as client:

        def get(path: str) -> Any:
            answer = client.get(path)
            assert answer.status_code == 200, answer.text
            return answer.json()

        yield get


def closes(harness: IngestHarness) -> list[Decimal]:
    """The stored closes in order."""
    return harness.sql("SELECT close FROM bars ORDER BY start")


def largest_step(prices: list[Decimal]) -> Decimal:
    """The largest ratio between neighbours."""
    return max(max(one, other) / min(one, other) for one, other in pairwise(prices))


class TestAdjustingProvider:
    """The fake Twelve Data divides all prices from an instant on, as the real one does."""

    @pytest.mark.parametrize("factor", ["10", "4", "1.5", "20", "50", "0.1", "0.05"])
    def test_a_split_between_two_ticks_is_on_one_scale_after_the_second(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, redis_url: str, factor: str
    ) -> None:
        """After the first the ticker is left out with a reason; after the second every figure is on the new scale."""
        harness = open_real_harness(history_sessions="30")
        harness.track("KO", "V")
        harness.work()
        old = harness.sql("SELECT close FROM bars WHERE ticker = 'KO' ORDER BY start")
        before = harness.clock.at
        harness.clock.at = MONDAY
        upstream.misbehave("split", symbols=["KO"], factor=factor)

        harness.work()
        with reading(harness, redis_url) as get:
            left_out = get("/movers?kind=volatile")["left_out"]
            ranked = {item["profile"]["ticker"] for item in get("/movers?kind=volatile")["items"]}
            status = get("/status")["left_out"]
        harness.clock.forward(seconds=40)
        harness.work()
        harness.clock.forward(seconds=40)
        with reading(harness, redis_url) as get:
            series = get("/ohlc/KO?interval=1h&limit=500")
            daily = get("/ohlc/KO?interval=1d")["items"]
            movers = get("/movers?kind=volatile")
            past = get(f"/ohlc/KO?limit=500&as_of={before:%Y-%m-%dT%H:%M:%SZ}")["items"]
            known = get("/splits?ticker=KO")["items"]

        assert (
            [(one["ticker"], one["reason"]) for one in left_out]
            == [("KO", "split")]
            == [(one["ticker"], one["reason"]) for one in status]
        )
        assert ranked == {"V"}
        assert largest_step([Decimal(str(bar["close"])) for bar in series["items"]]) < Decimal("1.3")
        assert all(Decimal(str(bar["high"])) / Decimal(str(bar["low"])) < Decimal("1.3") for bar in daily)
        assert movers["left_out"] == []
        assert {item["profile"]["ticker"] for item in movers["items"]} == {"KO", "V"}
        assert [Decimal(str(bar["close"])) for bar in past] == old
        assert [(one["date"], one["state"], one["found"]) for one in known] == [("2026-11-23", "applied", "overlap")]
        assert Decimal(known[0]["new_shares"]) / Decimal(known[0]["old_shares"]) == Decimal(factor)
        # The fake does not round the shares of a reverse split.
        assert set(harness.sql("SELECT reason FROM rejected_bars")) <= {"volume-not-whole"}

    def test_a_whole_answer_on_another_scale_is_no_split(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Prices in hundredths of a dollar: no bar is stored or revised, and each is in the ledger."""
        harness = open_real_harness(history_sessions="5")
        harness.track("KO")
        harness.work()
        old = closes(harness)
        harness.clock.at = MONDAY
        upstream.misbehave("split", symbols=["KO"], factor="0.01")
        harness.work()

        assert closes(harness) == old
        assert harness.sql("SELECT count(*) FROM rejected_bars WHERE reason = 'scale-doubtful'") == [11]
        assert harness.sql("SELECT count(*) FROM splits") == [0]


HEADER = "ticker,datetime,interval,open,high,low,close,volume\n"


def raw_file(file: Path, end: str, factor: Decimal, volume_factor: Decimal, split: datetime) -> None:
    """Write hours of KO from two weeks before *split* on: prices around 1,200, divided by *factor* from *split* on."""
    with file.open("w", newline="") as opened:
        opened.write(HEADER)
        table = csv.writer(opened)
        for index, start in enumerate(starts("2026-11-09", end)):
            price = Decimal(1200) + index % 7
            volume = Decimal(70_000 + 1000 * (index % 5))
            if start >= split:
                price, volume = price / factor, volume * volume_factor
            prices = [round(one, 4) for one in (price, price * Decimal("1.004"), price * Decimal("0.996"), price)]
            table.writerow(["KO", f"{start:%Y-%m-%dT%H:%M:%SZ}", "1h", *prices, round(volume)])


class TestRawPrices:
    """A provider of raw prices: old bars never change, and the new ones are on another scale."""

    def test_a_jump_with_the_volume_the_other_way_is_a_split(
        self, open_harness: Callable[..., IngestHarness], tmp_path: Path, redis_url: str
    ) -> None:
        """The stored bars are converted, in one transaction, and the raw figures are read with adjust=none."""
        file = tmp_path / "raw.csv"
        split = utc("2026-11-19 14:30")
        raw_file(file, "2026-11-21", Decimal(10), Decimal(10), split)
        harness = open_harness(providers="replay", replay_files=str(file), history_sessions="30")
        harness.track("KO")

        harness.work()
        with reading(harness, redis_url) as get:
            left_out = get("/movers")["left_out"]
        harness.clock.forward(seconds=40)
        harness.work()
        harness.clock.forward(seconds=40)
        with reading(harness, redis_url) as get:
            adjusted = get("/ohlc/KO?limit=500")
            raw = get("/ohlc/KO?limit=500&adjust=none")
            days = get("/ohlc/KO?interval=1d&adjust=none")["items"]

        assert [one["reason"] for one in left_out] == ["split"]
        assert largest_step([Decimal(str(bar["close"])) for bar in adjusted["items"]]) < Decimal("1.02")
        assert [one["adjusted"] for one in adjusted["series"]] == ["splits"]
        with file.open() as opened:
            rows = list(csv.DictReader(opened))
        assert [(bar["open"], bar["volume"]) for bar in raw["items"]] == [
            (float(row["open"]), int(row["volume"])) for row in rows
        ]
        assert [one["adjusted"] for one in raw["series"]] == ["none"]
        assert days[0]["open"] == 1200
        assert harness.work() is None

    @pytest.mark.parametrize(("factor", "volume"), [("2", "1"), ("2", "9"), ("1.5", "1"), ("1.5", "8")])
    def test_news_is_no_split(
        self, open_harness: Callable[..., IngestHarness], tmp_path: Path, redis_url: str, factor: str, volume: str
    ) -> None:
        """A day of -50 % or -33 % whose volume is not that of a split is ranked, and listed as unconfirmed."""
        file = tmp_path / "raw.csv"
        raw_file(file, "2026-11-21", Decimal(factor), Decimal(volume), utc("2026-11-20 14:30"))
        harness = open_harness(providers="replay", replay_files=str(file), history_sessions="30")
        harness.track("KO")

        harness.work()
        with reading(harness, redis_url) as get:
            movers = get("/movers?kind=losers")
            splits = get("/splits")["items"]

        assert movers["left_out"] == []
        assert [item["change_percent"] < -33 for item in movers["items"]] == [True]
        assert [one["state"] for one in splits] == ["unconfirmed"]
