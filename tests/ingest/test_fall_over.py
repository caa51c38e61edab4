"""With three providers each ticker is served by the first that can, whatever the others do; none starves another."""

from collections import Counter
from collections.abc import Callable

import pytest

from tests.fake_vendors import Vendors, exchange, utc
from tests.fakes.market_data.faults import ALPACA, CONNECTION, YAHOO
from tests.fakes.market_data.market import Market
from tests.ingest.ingest_harness import IngestHarness, fetched

TICKERS = sorted(Market(exchange()).symbols)
BROKEN = [
    *("minute_credits", "minute_credits_200", "day_credits", "day_credits_200", "unauthorized", "unauthorized_200"),
    *("forbidden", "not_found", "no_data", "no_data_200", "symbol_error", "left_out", "wrong_interval"),
    *sorted(CONNECTION - {"slow"}),
]
"""Every way of Twelve Data to give nothing, for a request or for a symbol."""

SPOILED = {
    "duplicate_bar": "contradicted",
    "weekend_bar": "unfinished",
    "off_grid_bar": "off-grid",
    "extended_hours_bar": "outside-session",
    "null_values": "price-missing",
    "nan_values": "price-not-a-number",
    "price_x10000": "jump-unconfirmed",
    "missing_bar": None,
    "missing_volume": None,
    "descending": None,
    "credits_left_zero": None,
    "slow": None,
}
"""Every way of Twelve Data to spoil a bar of a symbol or its answer, and the reason in the ledger of rejected bars."""

OpenHarness = Callable[..., IngestHarness]


@pytest.mark.parametrize("kind", BROKEN)
def test_what_one_provider_fails_to_serve_comes_from_the_next(
    open_real_harness: OpenHarness, upstream: Vendors, kind: str
) -> None:
    """Twelve Data is broken, Alpaca has all: no ticker lacks a bar, none is late, and Yahoo is left alone."""
    harness = open_real_harness(
        providers="twelvedata,alpaca,yahoo",
        history_sessions="1",
        provider_timeout_seconds="0.5" if kind == "timeout" else "5",  # a busy machine answers late
    )
    harness.track("AAPL", "KO", "V")
    upstream.misbehave(kind, times=9, seconds=2)
    harness.clock.forward(minutes=30)

    harness.work()

    rows = harness.sql("SELECT ticker, source, count(*) FROM bars GROUP BY ticker, source")
    sources = Counter(source for _, source, _ in rows)
    assert sum(count for _, _, count in rows) == 21
    assert sources["alpaca-sip"] == 3
    assert not [one for one in upstream.requests() if one["path"].startswith("/v8")]


@pytest.mark.parametrize(
    ("first", "kind"), [*(("alpaca", kind) for kind in sorted(ALPACA)), *(("yahoo", kind) for kind in sorted(YAHOO))]
)
def test_whichever_provider_is_broken_no_bar_is_lacking(
    open_real_harness: OpenHarness, upstream: Vendors, first: str, kind: str
) -> None:
    """The first of three refuses, throttles, or spoils an hour, of one ticker or of all, in its own ways."""
    harness = open_real_harness(
        providers=",".join([first, "twelvedata", "yahoo" if first == "alpaca" else "alpaca"]), history_sessions="1"
    )
    harness.track("KO", "V")
    upstream.misbehave(kind, vendor=first, times=9)
    harness.clock.forward(minutes=40)

    harness.work()

    assert harness.sql("SELECT ticker, count(*) FROM bars GROUP BY ticker ORDER BY ticker") == [("KO", 7), ("V", 7)]


@pytest.mark.parametrize(("kind", "reason"), SPOILED.items())
def test_a_spoiled_answer_costs_no_true_bar(
    open_real_harness: OpenHarness, upstream: Vendors, kind: str, reason: str | None
) -> None:
    """Twelve Data spoils KO's newest bar in each answer: it comes from Alpaca, and the others from Twelve Data."""
    harness = open_real_harness(providers="twelvedata,alpaca,yahoo", history_sessions="2")
    harness.track("AAPL", "KO", "V")
    upstream.misbehave(kind, symbols=["KO"], times=99, seconds=0.2)
    harness.clock.forward(minutes=30)
    for _ in range(3):
        harness.work()
        harness.clock.forward(minutes=1)

    market = Market(exchange())
    now, start = harness.clock.at, utc("2026-11-19 14:30")
    closes = {
        ticker: [row.close for row in market.rows(ticker, "1h", start, now, now)] for ticker in ("AAPL", "KO", "V")
    }
    stored = {
        ticker: harness.sql("SELECT close FROM bars WHERE ticker = %s AND start >= %s ORDER BY start", ticker, start)
        for ticker in closes
    }
    if kind == "duplicate_bar":  # of two figures for one bar nobody can tell which is true
        assert closes["KO"].pop() != stored["KO"].pop()
    assert stored == closes
    assert set(harness.sql("SELECT ticker, reason FROM rejected_bars")) == ({("KO", reason)} if reason else set())
    assert harness.sql("SELECT DISTINCT source FROM bars WHERE ticker <> 'KO'") == ["twelvedata"]


@pytest.mark.parametrize("kind", ["missing_volume", "zero_volume"])
def test_an_hour_of_two_halves_has_no_volume_where_one_half_has_none(
    open_real_harness: OpenHarness, upstream: Vendors, kind: str
) -> None:
    """Its prices are stored, its volume is null, and the ledger has both halves as they came."""
    harness = open_real_harness(providers="alpaca", history_sessions="1")
    harness.track("KO", "V")
    harness.clock.at = utc("2026-11-20 20:50")
    upstream.misbehave(kind, vendor="alpaca", symbols=["KO"])
    harness.work()

    empty = utc("2026-11-20 19:30")
    assert harness.sql("SELECT ticker, start FROM bars WHERE volume IS NULL") == [("KO", empty)]
    assert harness.sql("SELECT count(*) FROM bars") == [12]
    assert harness.sql("SELECT ticker, start, reason FROM rejected_bars") == [("KO", empty, "volume-incomplete")]
    assert harness.sql("SELECT bar ->> 'text' FROM rejected_bars")[0].count('"t"') == 2


def test_a_failing_ticker_goes_down_the_whole_line(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """Two providers fail it, the third has it; the others come from the first in the same tick."""
    harness = open_real_harness(providers="twelvedata,alpaca,yahoo", history_sessions="1")
    harness.track("AAPL", "KO", "V")
    upstream.misbehave("symbol_error", symbols=["KO"])
    upstream.misbehave("error_500", vendor="alpaca")
    harness.clock.forward(minutes=30)

    harness.work()

    assert set(harness.sql("SELECT DISTINCT ticker, source FROM bars")) == {
        ("AAPL", "twelvedata"),
        ("KO", "yahoo"),
        ("V", "twelvedata"),
    }


def test_a_ticker_that_all_fail_pauses_longer_each_time_and_starves_nobody(
    open_real_harness: OpenHarness, upstream: Vendors
) -> None:
    """It stands first in the queue and takes no turn of the 18 behind it: ten minutes, an hour, six hours, a day."""
    harness = open_real_harness(providers="twelvedata", history_sessions="1", twelvedata_credits_per_minute="8")
    harness.track(*TICKERS[:19])
    first, pauses = TICKERS[0], []
    upstream.misbehave("symbol_error", symbols=[first], times=99, code=400, message="broken")
    for _ in range(4):
        harness.work()
        harness.clock.forward(minutes=1)
    served = harness.sql("SELECT count(DISTINCT ticker) FROM bars")
    for _ in range(4):
        (retry_at,) = harness.sql("SELECT retry_at FROM asked_windows WHERE ticker = %s", first)
        before = len(upstream.requests())
        assert harness.work() is None
        assert len(upstream.requests()) == before
        harness.clock.at = retry_at
        harness.work()
        pauses.append(harness.sql("SELECT retry_at - %s FROM asked_windows WHERE ticker = %s", retry_at, first)[0])

    assert served == [18]
    assert [pause.total_seconds() / 3600 for pause in pauses] == [1, 6, 24, 24]


def test_a_tick_of_fifty_tickers_takes_two_requests_at_most(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """An hour after an hour: one request; the first history of ten sessions too."""
    harness = open_real_harness(providers="alpaca", history_sessions="10")
    harness.clock.at = utc("2026-11-20 16:50")
    counts = []
    for _ in range(3):
        before = len(upstream.requests())
        event = harness.work()
        counts.append((len(upstream.requests()) - before, len(event.series) if event else 0))
        harness.clock.forward(hours=1)

    assert counts[0][0] <= 2
    assert counts[1:] == [(1, 50), (1, 50)]
    assert harness.sql("SELECT DISTINCT source FROM bars") == ["alpaca-sip"]


def test_a_tick_of_a_year_of_fifty_tickers_takes_two_requests(
    open_real_harness: OpenHarness, upstream: Vendors
) -> None:
    """Its event holds 6,700 hours: benchmarks.year fills all 87,200 of 250 sessions by 13 such ticks, 25 requests."""
    harness = open_real_harness(providers="alpaca", history_sessions="250")

    event = fetched(harness.tick())

    assert sum(len(one.bars) for one in event.series) > 6500
    assert len(upstream.requests()) <= 2
