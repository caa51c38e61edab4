"""CSV files of bars in every shape that vendors and people give them become the same hours."""

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.csv_files.exports import (
    NEW_YORK,
    TICKERS,
    Style,
    expected,
    found,
    read,
    write,
)

ISO, US, EU = "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %I:%M %p", "%d.%m.%Y %H:%M"

# Each with the file's name where the header names no ticker.
EXPORTS = {
    "our own": ("x.csv", Style("ticker,datetime,interval,open,high,low,close,volume,source")),
    "yahoo": ("AAPL.csv", Style("Datetime,Open,High,Low,Close,Adj Close,Volume", zone=NEW_YORK)),
    "stooq": (
        "a.txt",
        Style(
            "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>",
            time=lambda time: time.strftime("%Y%m%d %H%M%S"),
            zone=ZoneInfo("Europe/Warsaw"),
            naive=True,
        ),
    ),
    "ibkr": (
        "AAPL.csv",
        Style("date,open,high,low,close,volume,average,barCount", zone=NEW_YORK),
    ),
    "tws": (
        "AAPL.csv",
        Style(
            "date,open,high,low,close,volume,average,barCount",
            time=lambda time: time.strftime("%Y%m%d  %H:%M:%S US/Eastern"),
            zone=NEW_YORK,
        ),
    ),
    "alpaca": ("x.csv", Style("symbol,timestamp,open,high,low,close,volume,trade_count,vwap", gzip=True)),
    "twelvedata": (
        "AAPL.csv",
        Style("datetime,open,high,low,close,volume", delimiter=";", zone=NEW_YORK, naive=True, newest_first=True),
    ),
    "tradingview": (
        "NASDAQ_AAPL, 60_1a2b3.csv",
        Style("time,open,high,low,close,Volume", time=lambda time: f"{time.timestamp():.0f}"),
    ),
    "excel in Germany": (
        "KO.csv",
        Style(
            "Datum,Zeit,Open,High,Low,Close,Volume".replace("Datum", "Date").replace(",Zeit", ""),
            delimiter=";",
            decimal=",",
            thousands=".",
            time=lambda time: time.strftime(EU),
            zone=ZoneInfo("Europe/Berlin"),
            naive=True,
            encoding="utf-16",
        ),
    ),
    "excel in the US": (
        "x.csv",
        Style(thousands=",", time=lambda time: time.strftime(US), zone=NEW_YORK, naive=True, encoding="utf-8-sig"),
    ),
    "month names": ("x.csv", Style(time=lambda time: time.strftime("%d-%b-%Y %H:%M"), zone=NEW_YORK, naive=True)),
    "month names in US order": (
        "x.csv",
        Style(delimiter=";", time=lambda time: time.strftime("%B %d, %Y %I:%M %p"), zone=NEW_YORK, naive=True),
    ),
    "milliseconds": ("x.csv", Style(delimiter="\t", time=lambda time: f"{time.timestamp() * 1000:.0f}")),
}


@pytest.mark.parametrize("vendor", EXPORTS)
def test_exports_of_vendors_are_read(vendor: str, tmp_path: Path) -> None:
    """All bars come out to the last digit, and none is refused."""
    name, style = EXPORTS[vendor]
    tickers = TICKERS if {"ticker", "symbol", "<TICKER>"} & set(style.header.split(",")) else (name[:2],)
    ticker = next((one for one in TICKERS if one in name), None)
    file = read(write(tmp_path / name, style, "1h", [ticker] if ticker else tickers))

    assert file.refused == []
    assert found(file) == expected("1h", [ticker] if ticker else tickers)


STYLES = st.builds(
    Style,
    header=st.just(Style().header),
    decimal=st.just("."),
    thousands=st.just(""),
    delimiter=st.sampled_from(",;\t|"),
    zone=st.sampled_from([NEW_YORK, ZoneInfo("UTC"), ZoneInfo("America/Los_Angeles"), ZoneInfo("Europe/Berlin")]),
    naive=st.booleans(),
    named_by_end=st.booleans(),
    newest_first=st.booleans(),
    time=st.sampled_from([ISO, US, EU]).map(lambda layout: lambda time: time.strftime(layout) + _offset(time)),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    gzip=st.booleans(),
)
MARKS = st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (".", " "), (",", "'")])
INTERVALS = st.sampled_from(["1h", "30min", "15min", "5min"])


def _offset(time: datetime) -> str:
    return "" if time.tzinfo is None else time.strftime("%z")


@given(STYLES, MARKS, INTERVALS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_same_bars_in_any_style_become_the_same_hours(
    tmp_path: Path, style: Style, marks: tuple[str, str], interval: str
) -> None:
    """No separator, encoding, date, zone, order or name of bars changes a figure or loses one."""
    style = style._replace(decimal=marks[0], thousands=marks[1])

    file = read(write(tmp_path / "bars.csv", style, interval, TICKERS[:2]))

    assert file.refused == []
    assert found(file) == expected(interval, TICKERS[:2])
