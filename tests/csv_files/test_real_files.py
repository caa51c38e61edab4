"""Real exports: minutes add up to the vendor's own hours, and hours cut on the clock spoil no other ticker."""

import gzip
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from functions.ingest.csv_files.reading import FileBars, UserOverrides, make_bars, open_file
from tests.csv_files.exports import found
from tests.fakes.market_data.market import read_market


@pytest.fixture
def read_real(real_data: Callable[[str], Path], tmp_path: Path) -> Callable[..., FileBars]:
    """A function that reads the lines of some tickers of a real file."""
    market = read_market(date(2021, 10, 1), date(2026, 12, 31))

    def read(name: str, *tickers: str) -> FileBars:
        with gzip.open(real_data(name), "rt") as file:
            header, *lines = file.read().splitlines()
        path = tmp_path / name.removesuffix(".gz")
        path.write_text("\n".join([header, *(line for line in lines if line.partition(",")[0] in tickers)]))
        return make_bars(open_file(path, UserOverrides(), lambda *_: market), lambda *_: market)

    return read


def test_real_minutes_add_up_to_real_hours(read_real: Callable[..., FileBars]) -> None:
    """All four prices are the vendor's own; hours that its outages cut are refused, not made of what is left."""
    minutes = read_real("stooq_top50_5min.csv.gz", "AAPL", "KO")
    hours = found(read_real("stooq_top50_1h.csv.gz", "AAPL", "KO"))

    for ticker, bars in found(minutes).items():
        assert {start: bar[:4] for start, bar in bars.items()}.items() <= {
            start: bar[:4] for start, bar in hours[ticker].items()
        }.items()
        missing = {one.start for one in minutes.refused if one.ticker == ticker}
        assert hours[ticker].keys() - bars.keys() == missing
    assert {one.fault.reason for one in minutes.refused} == {"hour-incomplete"}


def test_real_clock_hours_are_refused_and_the_others_stored(read_real: Callable[..., FileBars]) -> None:
    """IBKR cuts hours on the clock, Yahoo at half past: of one file, nothing of the first and all of the second."""
    file = read_real("ibkr_yahoo_20tickers_1h.csv.gz", "AAPL", "COST")

    assert {ticker: len(bars) for ticker, bars in file.bars.items()} == {"AAPL": 0, "COST": 2301}
    assert {one.ticker for one in file.refused} == {"AAPL"}
    assert sum(len(one.lines) for one in file.refused) == 5614
