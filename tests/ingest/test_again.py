"""A tick with `again` fetches the stored bars of its window, each ticker once in a run, and revises them."""

from collections.abc import Callable

from tests.fake_vendors import Vendors
from tests.ingest.ingest_harness import IngestHarness

OpenHarness = Callable[..., IngestHarness]
WINDOW = {"start": "2026-11-18", "end": "2026-11-19"}


def test_stored_bars_are_fetched_again_and_revised(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """Two wrong bars of the window are put right, with a trace; the wrong one outside of it stays."""
    harness = open_real_harness()
    harness.track("KO", "V")
    harness.work()
    true = harness.sql("SELECT ticker, start, close FROM bars ORDER BY ticker, start")
    wrong = ["2026-11-17T15:30Z", "2026-11-18T15:30Z", "2026-11-19T15:30Z"]
    harness.sql("UPDATE bars SET high = close + 1, close = close + 1 WHERE ticker = 'KO' AND start = ANY (%s)", wrong)
    harness.clock.forward(minutes=1)

    plain, again = harness.work(WINDOW), harness.work(WINDOW | {"again": True})

    assert plain is None
    assert again is not None
    assert {one.ticker: len(one.bars) for one in again.series} == {"KO": 14, "V": 14}
    stored = harness.sql("SELECT ticker, start, close FROM bars ORDER BY ticker, start")
    assert [old[1].isoformat()[:10] for old, new in zip(true, stored, strict=True) if old != new] == ["2026-11-17"]
    assert harness.sql("SELECT count(*) FROM bar_revisions WHERE ticker = 'KO'") == [2]


def test_a_run_fetches_each_window_once(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """Fifty tickers by eight credits a minute: seven ticks fetch all of them, the eighth has nothing left."""
    harness = open_real_harness(history_sessions="3", twelvedata_credits_per_minute="8")
    while harness.work():
        harness.clock.forward(minutes=1)
    harness.clock.forward(minutes=1)
    run = WINDOW | {"again": True, "requested_before": harness.clock.at.isoformat()}
    tickers: list[str] = []
    while event := harness.work(run):
        tickers += [one.ticker for one in event.series]
        harness.clock.forward(minutes=1)

    assert len(tickers) == len(set(tickers)) == 50
    assert upstream.violations() == []
