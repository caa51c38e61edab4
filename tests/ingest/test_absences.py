"""Bars that a provider lacks or fails to give: asked for again with pauses, also of the next provider."""

from collections.abc import Callable
from pathlib import Path

from tests.fake_vendors import Vendors, utc
from tests.ingest.ingest_harness import IngestHarness, fetched, starts


class TestAbsences:
    """An absence is a fact of a moment."""

    def test_a_bar_that_the_provider_lacks_is_not_asked_for_for_ever(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """A minute later it is asked for again, after those that were not asked for yet; once settled never again."""
        harness = open_real_harness(twelvedata_credits_per_minute="1")
        harness.track("KO", "V")
        for _ in range(2):
            harness.work()
            harness.clock.forward(minutes=1)
        harness.clock.at, asked = utc("2026-11-23 15:31"), []
        harness.sql("UPDATE asked_windows SET asked_at = %s WHERE ticker = 'KO'", harness.clock.at)
        for _ in range(3):
            asked += [one.ticker for one in fetched(harness.tick()).series]
            harness.sql("UPDATE asked_windows SET asked_at = %s WHERE ticker = %s", harness.clock.at, asked[-1])
            harness.clock.forward(minutes=1)
        harness.sql("UPDATE asked_windows SET settled = settled + '{[2026-11-23T14:00Z, 2026-11-23T15:00Z)}'")

        assert asked == ["V", "KO", "V"]
        assert harness.work() is None

    def test_a_failing_symbol_is_asked_for_with_growing_pauses(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Nothing is settled by a 404: after ten minutes, an hour and six hours the symbol is tried again."""
        harness = open_real_harness()
        harness.sql("INSERT INTO tickers VALUES ('NOPE', 'Nobody', true)")
        harness.track("NOPE")
        harness.clock.at, asked = utc("2026-11-21 12:00"), []
        for minutes in (0, 9, 2, 58, 3, 350, 12):
            harness.clock.forward(minutes=minutes)
            event = harness.work()
            asked.append(bool(event and event.failures))

        assert asked == [True, False, True, False, True, False, True]
        assert harness.sql("SELECT settled = '{}', failure LIKE 'twelvedata: 404%%' FROM asked_windows") == [
            (True, True)
        ]

    def test_a_failing_symbol_does_not_starve_the_others(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """An error in its place in every batch: with one credit a minute the other ticker is served all the same."""
        harness = open_real_harness(twelvedata_credits_per_minute="1")
        harness.track("KO", "V")
        upstream.misbehave("symbol_error", symbols=["KO"], code=400, message="Invalid", times=99)
        served = []
        for _ in range(3):
            event = harness.work()
            served += [one.ticker for one in event.series] if event else []
            harness.clock.forward(minutes=1)

        assert served == ["V"]

    def test_absent_bars_are_asked_for_again_and_filled(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """An empty answer at the first fill: the next night the provider has the bars, and all of them are stored."""
        harness = open_real_harness()
        harness.track("KO")
        harness.clock.at = utc("2026-11-21 12:00")
        upstream.misbehave("no_data")
        empty = harness.work()
        harness.clock.forward(hours=6)
        early = harness.work()
        harness.clock.forward(hours=6, minutes=1)
        filled = harness.work()

        assert (empty and empty.series[0].bars, early) == ((), None)
        assert filled is not None
        assert harness.sql("SELECT count(*) FROM bars") == [420]
        assert harness.sql("SELECT recheck_at FROM asked_windows") == [None]

    def test_a_corrected_file_is_read_again(self, open_harness: Callable[..., IngestHarness], tmp_path: Path) -> None:
        """Rows that were absent are asked for as soon as the file says something else."""
        header = "ticker,datetime,interval,open,high,low,close,volume\n"
        file = tmp_path / "mine.csv"
        file.write_text(header + "KO,2026-11-20T20:30:00Z,1h,60,61,59,60,1\n")
        harness = open_harness(providers="replay", replay_files=str(file), history_sessions="1")
        harness.track("KO")
        harness.clock.at = utc("2026-11-21 12:00")
        harness.work()
        harness.clock.forward(minutes=1)
        same = harness.work()
        hours = "".join(
            f"KO,{start:%Y-%m-%dT%H:%M:%SZ},1h,60,61,59,60,1\n" for start in starts("2026-11-20", "2026-11-21")
        )
        file.write_text(header + hours)
        harness.work()

        assert same is None
        assert harness.sql("SELECT count(*) FROM bars") == [7]

    def test_what_one_provider_lacks_is_asked_of_the_next(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, tmp_path: Path
    ) -> None:
        """By the ticker: one event, each series with its source, and each bar stored under it."""
        file = tmp_path / "mine.csv"
        rows = "".join(
            f"KO,{start:%Y-%m-%dT%H:%M:%SZ},1h,60,61,59,60,1\n" for start in starts("2026-11-20", "2026-11-21")
        )
        file.write_text("ticker,datetime,interval,open,high,low,close,volume\n" + rows)
        harness = open_real_harness(providers="twelvedata,replay", replay_files=str(file), history_sessions="1")
        harness.track("KO", "V")
        harness.clock.at = utc("2026-11-21 12:00")
        upstream.misbehave("symbol_error", symbols=["KO"], code=400, message="Invalid")
        event = harness.work()

        assert event is not None
        assert (event.source, [(one.ticker, one.source) for one in event.series]) == (
            "twelvedata",
            [("V", None), ("KO", "replay")],
        )
        assert harness.sql("SELECT ticker, source, count(*) FROM bars GROUP BY 1, 2 ORDER BY 1") == [
            ("KO", "replay", 7),
            ("V", "twelvedata", 7),
        ]
