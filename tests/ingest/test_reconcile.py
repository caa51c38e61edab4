"""Whatever is missing is found and fetched, whichever ticks came before."""

from collections.abc import Callable

import pytest

from functions.ingest import gaps
from tests.fake_vendors import Vendors, exchange, utc
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness, starts


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
