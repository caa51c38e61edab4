"""Series with another clock, grid or scale, mixed with healthy ones, from a vendor's HTTP answer to Postgres."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from shared.calendar.trading import EXCHANGE_ZONE, Session
from tests.fake_vendors import KEY, OTHER_KEY, exchange, utc, vendors
from tests.fakes.market_data.market import Market, Row, read_bars
from tests.ingest.ingest_harness import IngestHarness

AFTER_ALL = utc("2026-03-31 21:05")
DAYS = [session for session in exchange().sessions if utc("2026-01-26") < session.opens < AFTER_ALL]
TICKERS = ("AAPL", "BRK.A", "JPM", "KO", "NVDA", "V")
EXAMPLES = 3
"""A few go the whole way; tests/store/test_series_checks.py tries many on the checks alone."""
_HALF = timedelta(minutes=30)

Time = Callable[[datetime], datetime | None]


class Fault(NamedTuple):
    """Fault of a series: *time* names each bar falsely, or *bars* from *at* on have prices times *factor*."""

    name: str
    time: Time | None = None
    at: int = 0
    bars: int = 0
    factor: Decimal = Decimal(1)


def named_in_new_york(start: datetime) -> datetime:
    """The time on New York's clock, said to be UTC."""
    return start.astimezone(EXCHANGE_ZONE).replace(tzinfo=UTC)


def named_by_end(start: datetime) -> datetime:
    """The end of the bar."""
    session = exchange().session_at(start)
    assert session
    return session.end("1h", start)


def named_by_clock_hour(start: datetime) -> datetime:
    """9:30, 10:00, 11:00 ... as IBKR cuts hours."""
    session = exchange().session_at(start)
    return start if session and start == session.opens else start - _HALF


def every_other(start: datetime) -> datetime | None:
    """Two-hour bars."""
    session = exchange().session_at(start)
    return None if session and (start - session.opens) % timedelta(hours=2) else start


def later_by(shift: timedelta, start: datetime) -> datetime:
    """The time on a clock that is *shift* ahead."""
    return start + shift


def clock_fault(half_hours: int) -> Fault:
    """A clock that is so far off."""
    return Fault(f"{half_hours / 2:+} h", partial(later_by, half_hours * _HALF))


CLOCKS = st.one_of(
    st.just(Fault("New York's time", named_in_new_york)),
    st.integers(-20, 20).filter(lambda half_hours: abs(half_hours) > 1).map(clock_fault),
)
CUTS = st.sampled_from(
    [Fault("ends", named_by_end), Fault("clock hours", named_by_clock_hour), Fault("two hours", every_other)]
)
FACTORS = st.sampled_from([Decimal(factor) for factor in ("100", "0.01", "10000", "10", "0.1", "2", "0.5")])
SCALES = st.builds(Fault, st.just("scale"), st.none(), st.integers(8, 30), st.integers(1, 7), FACTORS)


class FaultyMarket(Market):
    """The real bars, those of the tickers in *faults* made false."""

    faults: dict[str, Fault]
    first: datetime
    whole: dict[tuple[str, datetime], bool]

    def is_whole(self, symbol: str, hour: Row) -> bool:
        """Return whether the bar of that false name lasts an hour."""
        if (fault := self.faults.get(symbol)) and fault.time:
            return self.whole.get((symbol, hour.start), True)
        return super().is_whole(symbol, hour)

    def rows(self, symbol: str, interval: str, start: datetime, end: datetime, now: datetime) -> list[Row]:
        """Return the bars that start in [start, end) by their false names."""
        if not (fault := self.faults.get(symbol)):
            return super().rows(symbol, interval, start, end, now)
        around = timedelta(days=1)
        rows = super().rows(symbol, interval, start - around, end + around, now)
        if fault.time:
            named = [(fault.time(row.start), row) for row in rows]
            self.whole |= {(symbol, name): Market.is_whole(self, symbol, row) for name, row in named if name}
            return [row._replace(start=name) for name, row in named if name and start <= name < min(end, now)]
        wrong = {row.start for row in scaled(super().rows(symbol, interval, self.first, end, now), fault)}
        return [times(row, fault.factor) if row.start in wrong else row for row in rows if start <= row.start < end]


def scaled(rows: list[Row], fault: Fault) -> list[Row]:
    """Return those of *rows* that are on another scale."""
    return rows[fault.at : fault.at + fault.bars]


def times(row: Row, factor: Decimal) -> Row:
    """*row* with all prices times *factor*."""
    prices = {name: price * factor for name in ("open", "high", "low", "close") if (price := getattr(row, name))}
    return row._replace(**prices)


@pytest.fixture(scope="module")
def market(real_data: Callable[[str], Path]) -> FaultyMarket:
    """Two months of real hours."""
    bars = read_bars([real_data("stooq_top50_1h.csv.gz")])
    return FaultyMarket(exchange(), {key: rows for key, rows in bars.items() if key[0] in TICKERS})


@pytest.mark.parametrize(
    ("provider", "faults"),
    [("twelvedata", CLOCKS | CUTS | SCALES), ("yahoo", CLOCKS | CUTS), ("alpaca", CLOCKS | SCALES)],
)
def test_no_false_bar_is_stored_and_every_true_one_is(
    open_real_harness: Callable[..., IngestHarness],
    market: FaultyMarket,
    provider: str,
    faults: st.SearchStrategy[Fault],
) -> None:
    """Whichever tickers of one answer are false, in which way and on which days: the ledger has each refused bar."""
    with vendors(market, keys=[KEY, OTHER_KEY], per_minute=99, per_day=9999) as upstream:
        urls = {f"{name}_base_url": upstream.url for name in ("twelvedata", "alpaca", "yahoo")}
        harness = open_real_harness(providers=provider, twelvedata_credits_per_minute="99", **urls)
        harness.clock.at = AFTER_ALL
        harness.track(*TICKERS)

        @given(
            wrong=st.dictionaries(st.sampled_from(TICKERS[:-1]), faults, min_size=3),
            first=st.integers(0, len(DAYS) - 12),
            days=st.integers(8, 12),
        )
        # The same examples in each run: others are tried by hand, with more of them and derandomize=False.
        @settings(
            max_examples=EXAMPLES,
            phases=[Phase.generate],
            suppress_health_check=[HealthCheck.too_slow],
            derandomize=True,
        )
        def check_answer(wrong: dict[str, Fault], first: int, days: int) -> None:
            harness.sql("TRUNCATE bars, bar_revisions, rejected_bars, asked_windows, splits CASCADE")
            harness.clock.forward(seconds=61)  # another minute's credits
            sessions = DAYS[first : first + days]
            market.faults, market.first, market.whole = wrong, sessions[0].opens, {}

            harness.work({"start": f"{sessions[0].date}", "end": f"{sessions[-1].date}"})

            for ticker in TICKERS:
                check_ticker(harness, market, provider, ticker, sessions)

        check_answer()


def check_ticker(
    harness: IngestHarness, market: FaultyMarket, provider: str, ticker: str, sessions: list[Session]
) -> None:
    """Assert that the stored bars of *ticker* are the true ones, and that the ledger has all others."""
    start, end = sessions[0].opens, sessions[-1].closes
    true = {row.start: row[1:5] for row in Market.rows(market, ticker, "1h", start, end, AFTER_ALL)}
    fault = market.faults.get(ticker)
    refused: set[datetime] = set()
    if fault and fault.time:
        true = {}
        refused = sent_starts(provider, ticker, market, start, end)
    elif fault:
        refused = {*list(true)[fault.at : fault.at + fault.bars]}
        true = {start: prices for start, prices in true.items() if start not in refused}
    bars = harness.sql("SELECT start, open, high, low, close FROM bars WHERE ticker = %s ORDER BY start", ticker)
    ledger = harness.sql("SELECT start, reason, detail, bar FROM rejected_bars WHERE ticker = %s", ticker)

    assert [start for start, *_ in bars] == list(true)
    # Yahoo writes binary fractions of 24 digits, Alpaca four decimals.
    assert [prices for _, *prices in bars] == [
        pytest.approx(prices, abs=Decimal("0.0001"), rel=Decimal("0.000001")) for prices in true.values()
    ]
    assert {start for start, reason, *_ in ledger if not reason.startswith("volume-")} >= refused
    sent = {row.start: float(row.close or 0) for row in market.rows(ticker, "1h", start, end, AFTER_ALL)}
    for at, reason, detail, bar in ledger:
        assert reason
        assert detail
        # Alpaca's half hours are kept as text.
        assert "text" in bar or float(bar["close"]) == pytest.approx(sent[at], abs=0.0001, rel=0.000001)


def sent_starts(provider: str, ticker: str, market: FaultyMarket, start: datetime, end: datetime) -> set[datetime]:
    """The starts in [start, end) that the vendor sends for *ticker*: Alpaca has two half hours for each whole hour."""
    rows = market.rows(ticker, "1h", start - _HALF, end, AFTER_ALL)
    found = {row.start for row in rows}
    if provider == "alpaca":
        found |= {row.start + _HALF for row in rows if market.is_whole(ticker, row)}
    return {one for one in found if start <= one < end}
