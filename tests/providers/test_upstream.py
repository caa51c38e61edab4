"""The fake vendors answer as the vendors' own specifications and their users' reports say."""

import csv
import gzip
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, exchange, set_clock, utc, vendors
from tests.fakes.market_data.market import Market, read_bars
from tests.providers.fetching import FRIDAY_NOON, series
from tests.waiting import wait_until


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock at noon of a trading day."""
    return set_clock(monkeypatch, FRIDAY_NOON)


def test_one_symbol_is_flat_and_several_are_keyed(upstream: Vendors) -> None:
    """The shape depends on the number of symbols, and a batch says so in a header."""
    one = upstream.get("/time_series", symbol="AAPL", interval="1h")
    two = upstream.get("/time_series", symbol="AAPL,MSFT", interval="1h")

    assert list(one.json()) == ["meta", "values", "status"]
    assert list(two.json()) == ["AAPL", "MSFT"]
    assert ("Is_batch" in one.headers, two.headers["Is_batch"]) == (False, "true")


def test_by_default_the_newest_thirty_bars_newest_first_in_exchange_time(upstream: Vendors) -> None:
    """Order, time zone and size are the vendor's own unless stated; the bar in progress is there."""
    values = upstream.get("/time_series", symbol="AAPL", interval="1h").json()["values"]

    assert (values[0]["datetime"], values[1]["datetime"], len(values)) == (
        "2026-11-20 11:30:00",
        "2026-11-20 10:30:00",
        30,
    )


def test_figures_are_strings_with_at_least_five_decimals(upstream: Vendors) -> None:
    """All prices and volumes are text."""
    (value,) = series(upstream, outputsize="1")

    assert len(value["close"].partition(".")[2]) == 5
    assert value["volume"].isdecimal()


def test_both_ends_of_the_window_count(upstream: Vendors) -> None:
    """start_date and end_date are read in the requested zone, and a bar that starts at the end is in."""
    values = series(upstream, start_date="2026-11-19T15:30:00", end_date="2026-11-19 17:30:00")

    assert [value["datetime"][11:16] for value in values] == ["15:30", "16:30", "17:30"]


def test_the_bar_in_progress_changes_until_it_is_over(upstream: Vendors, hands: Hands) -> None:
    """The newest value is unfinished while its hour lasts, and final afterwards."""
    early = series(upstream, outputsize="1")[0]
    hands.forward(minutes=15)
    later = series(upstream, outputsize="1")[0]
    hands.forward(hours=1)
    over, hands.at = series(upstream, outputsize="2")[0], utc("2026-11-21 12:00")
    next_day = series(upstream, end_date="2026-11-20T16:59:00", outputsize="1")[0]

    assert [value["datetime"] for value in (early, later, over)] == ["2026-11-20 16:30:00"] * 3
    assert int(early["volume"]) < int(later["volume"]) < int(over["volume"])
    assert over == next_day


@pytest.mark.parametrize(
    ("day", "starts"),
    [
        ("2026-11-26", []),
        ("2026-11-27", ["14:30", "15:30", "16:30", "17:30"]),
        ("2026-10-30", ["13:30", "14:30", "15:30", "16:30", "17:30", "18:30", "19:30"]),
        ("2026-11-02", ["14:30", "15:30", "16:30", "17:30", "18:30", "19:30", "20:30"]),
        ("2026-11-21", []),
    ],
    ids=["holiday", "half day", "before the clocks change", "after", "Saturday"],
)
def test_days_are_the_exchanges(upstream: Vendors, hands: Hands, day: str, starts: list[str]) -> None:
    """Half days end early, holidays and weekends have no bars, and the clock change moves the UTC hour."""
    hands.at = utc("2026-12-01 12:00")

    window = {"start_date": day, "end_date": f"{day} 23:00:00", "timezone": "UTC", "order": "asc"}
    answer = upstream.get("/time_series", symbol="KO", interval="1h", **window).json()

    assert [value["datetime"][11:16] for value in answer.get("values", [])] == starts
    assert "values" in answer or "No data is available" in answer["message"]


def test_a_quote_is_about_the_newest_price(upstream: Vendors) -> None:
    """Finnhub's numbers agree with Twelve Data's strings."""
    quote = upstream.get("/api/v1/quote", symbol="AAPL").json()

    assert quote["c"] == float(series(upstream, outputsize="1")[0]["close"])
    assert quote["t"] == int(FRIDAY_NOON.timestamp())


def test_finnhub_profiles_are_in_millions_and_unknown_is_empty(upstream: Vendors) -> None:
    """Profile and quote of an unknown symbol are 200 with nothing in them."""
    profile = upstream.get("/api/v1/stock/profile2", symbol="AAPL").json()

    assert 1e5 < profile["marketCapitalization"] < 1e8
    assert upstream.get("/api/v1/stock/profile2", symbol="NOPE").json() == {}
    assert upstream.get("/api/v1/quote", symbol="NOPE").json()["c"] == 0


def test_it_serves_bars_from_files(tmp_path: Path, hands: Hands) -> None:
    """Real bars keep all their digits, and those that lie ahead of the clock are not served."""
    path = tmp_path / "bars.csv.gz"
    with gzip.open(path, "wt", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["ticker", "datetime", "interval", "open", "high", "low", "close", "volume", "source"])
        rows.writerow(["ABC", "2026-11-19T20:30:00Z", "1h", "1.5", "2", "1.25", "1.123456", "", "x"])
        rows.writerow(["ABC", "2026-11-20T20:30:00Z", "1h", "1.5", "2", "1.25", "1.75", "5", "x"])

    with vendors(Market(exchange(), read_bars([path]))) as upstream:
        values = series(upstream, symbol="ABC")
        unknown = upstream.get("/time_series", symbol="AAPL", interval="1h")

    assert [(value["close"], value["volume"]) for value in values] == [("1.123456", None)]
    assert unknown.status_code == 404


def test_real_bars_come_through_to_the_last_digit(
    real_data: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every bar of a real file is served, for every ticker of it."""
    bars = read_bars([real_data("stooq_top50_1h.csv.gz")])
    set_clock(monkeypatch, utc("2026-04-02 12:00"))

    with vendors(Market(exchange(), bars), per_minute=50) as upstream:
        symbols = ",".join(symbol for symbol, _ in bars)
        params = {"symbol": symbols, "interval": "1h", "timezone": "UTC", "order": "asc", "start_date": "2026-01-01"}
        answer = upstream.get("/time_series", **params).json()

    assert {symbol: [Decimal(value["close"]) for value in one["values"]] for symbol, one in answer.items()} == {
        symbol: [row.close for row in rows] for (symbol, _), rows in bars.items()
    }


def test_it_runs_by_itself_on_the_shared_clock(port: int, tmp_path: Path) -> None:
    """`python -m tests.fakes.market_data` serves a past Monday as if it were now, and ends on SIGTERM."""
    now = datetime.now(UTC)
    environment = {**os.environ, "CLOCK": f"2026-03-09T14:40:00+00:00 {now.isoformat()} 1"}
    command = [sys.executable, "-m", "tests.fakes.market_data", "--port", str(port), "--key", KEY]
    process = subprocess.Popen(command, env=environment)
    try:
        upstream = Vendors(f"http://127.0.0.1:{port}")

        def answers() -> list[dict[str, str]]:
            assert process.poll() is None
            try:
                return series(upstream, outputsize="2")
            except httpx.ConnectError:
                return []

        assert [value["datetime"] for value in wait_until(answers)] == ["2026-03-09 13:30:00", "2026-03-09 14:30:00"]
        assert upstream.get("/time_series", OTHER_KEY, symbol="AAPL").status_code == 401
    finally:
        process.terminate()

    assert process.wait(5) == 0


def test_the_market_is_the_exchanges() -> None:
    """The tests' own calendar holds a year and a half of sessions, the half day of this month among them."""
    half = exchange().last_opened(utc("2026-11-27 15:00"))

    assert half is not None
    assert half.closes - half.opens == timedelta(hours=3.5)
