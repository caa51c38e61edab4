"""Whatever is missing is found and fetched, whichever ticks came before."""

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.ingest import gaps
from tests.fake_vendors import Vendors, exchange, utc
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness, fetched, starts


def rows_of(ticker: str) -> str:
    """CSV rows of Friday's session."""
    hours = starts("2026-11-20", "2026-11-21")
    return "".join(f"{ticker},{start:%Y-%m-%dT%H:%M:%SZ},1h,60,61,59,60,1\n" for start in hours)


class TestReconcile:
    """A tick means: look what is missing."""

    def test_a_lost_tick_heals_itself(self, open_harness: Callable[..., IngestHarness]) -> None:
        """Whichever ticks were lost, the next one brings all that is missing since, and only that plus the overlap."""
        harness = open_harness()
        harness.track("KO")
        harness.clock.at = utc("2026-11-18 15:35")
        harness.work()
        harness.clock.at = utc("2026-11-20 15:35")
        event = harness.work()

        assert event is not None
        bars = event.series[0].bars
        assert len(bars) == 10 + 14
        assert (bars[10].start, bars[-1].start) == (utc("2026-11-18 15:30"), utc("2026-11-20 14:30"))
        assert harness.work() is None

    def test_a_bar_is_due_a_minute_after_its_end(self, open_harness: Callable[..., IngestHarness]) -> None:
        """Not before."""
        harness = open_harness()
        harness.track("KO")
        harness.clock.at = utc("2026-11-20 15:31")
        harness.work()
        harness.clock.at = utc("2026-11-20 16:30:59")
        early = harness.work()
        harness.clock.forward(seconds=1)

        assert early is None
        assert harness.work() is not None

    def test_holes_inside_are_found_by_looking_back(self, open_harness: Callable[..., IngestHarness]) -> None:
        """A plain tick sees the end alone; with lookback_sessions the hull of what is missing is asked for."""
        harness = open_harness()
        harness.track("KO", "V")
        harness.work()
        harness.sql("DELETE FROM bars WHERE ticker = 'KO' AND start BETWEEN '2026-11-17' AND '2026-11-19T15:00Z'")
        plain, back = harness.work(), harness.work({"lookback_sessions": 10})

        assert plain is None
        assert back is not None
        assert [(one.ticker, one.start, one.end) for one in back.series] == [
            ("KO", utc("2026-11-17 14:30"), utc("2026-11-19 15:30"))
        ]
        assert harness.work({"lookback_sessions": 10}) is None

    def test_a_hole_that_no_provider_can_fill_is_left_alone(self, open_harness: Callable[..., IngestHarness]) -> None:
        """A settled window is requested again by no schedule, but by an explicit window: at once, once in a run."""
        harness = open_harness()
        harness.track("KO")
        harness.work()
        harness.sql("DELETE FROM bars WHERE start = '2026-11-17T15:30Z'")
        harness.sql("UPDATE asked_windows SET settled = '{[2026-11-17T15:30Z, 2026-11-17T16:30Z)}'")

        harness.clock.forward(minutes=1)
        window = {"start": "2026-11-01", "end": "2026-11-20"}
        run = window | {"requested_before": harness.clock.at.isoformat()}

        assert harness.work({"lookback_sessions": 10}) is None
        assert harness.work(window) is not None
        harness.sql("DELETE FROM bars WHERE start = '2026-11-17T15:30Z'")
        assert harness.work(run) is None
        harness.clock.forward(seconds=1)
        assert harness.work(window) is not None

    def test_a_window_is_filled_and_not_more(self, open_harness: Callable[..., IngestHarness]) -> None:
        """start and end fill [start, end): dates are days in New York, the half day included."""
        harness = open_harness()
        harness.track("KO")
        event = harness.work({"start": "2025-11-28", "end": "2025-11-28"})

        assert event is not None
        assert [one.start for one in event.series[0].bars] == exchange().starts(
            "1h", utc("2025-11-28 00:00"), utc("2025-11-29 00:00")
        )
        assert harness.sql("SELECT count(*) FROM bars") == [4]
        assert harness.work({"start": "2025-11-28", "end": "2025-11-28"}) is None

    def test_a_year_goes_through_many_ticks(self, open_harness: Callable[..., IngestHarness]) -> None:
        """Each brings as much as an event carries and the next goes on, until nothing is missing."""
        harness = open_harness()
        harness.track("KO", "V", "MA", "PG", "BA")
        events = []
        while event := harness.work({"start": "2025-11-20"}):
            events.append(event)

        expected = exchange().starts("1h", utc("2025-11-20 00:00"), FRIDAY_EVENING)
        assert [len(event.series) for event in events] == [3, 2]
        assert harness.sql("SELECT DISTINCT count(*) FROM bars GROUP BY ticker") == [len(expected)]

    def test_a_long_window_is_cut_and_goes_on(
        self, open_harness: Callable[..., IngestHarness], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One ticker with more bars than an answer holds: oldest part first, each bar once in the end."""
        monkeypatch.setattr(gaps, "TICKER_BARS", 700)
        harness = open_harness()
        harness.track("KO")
        parts = []
        while event := harness.work({"start": "2025-11-20"}):
            parts.append((event.series[0].start, len(event.series[0].bars)))

        assert [count for _, count in parts[:-1]] == [700] * (len(parts) - 1)
        assert parts == sorted(parts)
        assert len(parts) == 3

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

    def test_a_series_with_other_labels_is_stored_nowhere(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Half hours in the place of hours: every bar is in the ledger with the reason, none is stored or settled."""
        harness = open_real_harness(history_sessions="1")
        harness.track("KO")
        harness.clock.at = utc("2026-11-21 12:00")
        upstream.misbehave("wrong_interval")
        harness.work()

        assert harness.sql("SELECT count(*) FROM bars") == [0]
        assert harness.sql("SELECT reason, count(*) FROM rejected_bars GROUP BY 1") == [("interval-wrong", 7)]
        assert harness.sql("SELECT settled = '{}' FROM asked_windows") == [True]

    def test_real_bars_take_the_place_of_simulated_ones_and_never_the_other_way(
        self,
        open_harness: Callable[..., IngestHarness],
        open_real_harness: Callable[..., IngestHarness],
        upstream: Vendors,
    ) -> None:
        """With a key the whole simulated history is requested; without one again, real bars are not continued."""
        simulated = open_harness()
        simulated.track("KO")
        simulated.work()
        real = open_real_harness()
        event = real.work()

        assert event is not None
        assert (event.source, len(event.series[0].bars)) == ("twelvedata", 420)
        assert real.sql("SELECT DISTINCT source FROM bars") == ["twelvedata"]
        assert real.work() is None
        real.clock.at = utc("2026-11-23 15:31")
        simulated_again = open_harness(twelvedata_api_keys="")
        assert simulated_again.work() is None
        assert simulated_again.work({"lookback_sessions": 3}) is None

    def test_simulated_bars_are_holes_to_a_real_provider(
        self, open_harness: Callable[..., IngestHarness], open_real_harness: Callable[..., IngestHarness]
    ) -> None:
        """A window that is named is asked for until it is real, and then no more."""
        simulated = open_harness()
        simulated.track("KO")
        simulated.work()
        real, window = open_real_harness(), {"start": "2026-11-16", "end": "2026-11-18"}
        event = real.work(window)

        assert event is not None
        assert (event.source, len(event.series[0].bars)) == ("twelvedata", 21)
        assert real.work(window) is None

    def test_the_bar_in_progress_is_left_out_and_a_weekends_rejected(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The one comes again, the other is in the ledger with its reason."""
        harness = open_real_harness()
        harness.track("KO")
        harness.clock.at = utc("2026-11-20 15:45")
        upstream.misbehave("weekend_bar")
        event = harness.work({"start": "2026-11-19"})

        assert event is not None
        assert [one.start for one in event.series[0].bars[-2:]] == [utc("2026-11-20 14:30"), utc("2026-11-21 14:30")]
        assert harness.sql("SELECT reason FROM rejected_bars") == ["unfinished"]
        assert "bars=9 dropped=0 provider=twelvedata" in capsys.readouterr().out

    def test_a_correction_of_a_late_bar_comes_in(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """The overlap reads the newest ten bars again: one that was wrong is revised, the old one kept."""
        harness = open_real_harness()
        harness.track("KO")
        upstream.misbehave("changed_bar")
        harness.work()
        wrong = harness.sql("SELECT close FROM bars WHERE start = '2026-11-20T20:30Z'")
        harness.clock.at = utc("2026-11-23 15:31")
        harness.work()

        assert harness.sql("SELECT revision FROM bars WHERE start = '2026-11-20T20:30Z'") == [1]
        assert harness.sql("SELECT close FROM bar_revisions") == wrong
