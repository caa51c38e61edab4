"""Ingest finds what is missing, reads what a tick names, and keeps what can be a bar."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from functions.ingest.bars import drop_unfinished, truncate
from functions.ingest.failover import has_jump
from functions.ingest.gaps import (
    FetchRequest,
    Gap,
    TickerHistory,
    drop_recent,
    find_gaps,
    ignore_simulated,
    plan_requests,
    sort_by_urgency,
)
from functions.ingest.ticks import InvalidTick, TickWindow, requested_window
from shared.events.types import Series, Tick
from tests.fake_vendors import exchange, utc
from tests.ingest.ingest_harness import FRIDAY_EVENING, GRACE, bar, history_of, starts


class TestWhatIsMissing:
    """The pure part: from what is stored to what to ask for."""

    HISTORY = utc("2026-11-16 14:30")

    def test_a_ticker_lacks_what_comes_after_its_newest_bar(self) -> None:
        """From the bar after the newest stored one to the newest finished one."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        full, behind = history_of("KO", "2026-11-17 20:30"), history_of("V", "2026-11-17 18:30")

        gaps = find_gaps([full, behind], expected, self.HISTORY)

        assert [(gap.ticker, gap.first, gap.last) for gap in gaps] == [
            ("V", utc("2026-11-17 19:30"), utc("2026-11-17 20:30"))
        ]

    def test_a_ticker_without_bars_lacks_the_history(self) -> None:
        """From the day that history begins."""
        expected = starts("2026-11-10 00:00", "2026-11-18 00:00")

        (gap,) = find_gaps([TickerHistory("KO", None, None, None)], expected, self.HISTORY)

        assert (gap.first, gap.last) == (self.HISTORY, utc("2026-11-17 20:30"))

    def test_what_no_provider_has_is_not_missing(self) -> None:
        """Settled hours are skipped, whether all of the gap or only its beginning."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        settled = ((utc("2026-11-17 19:30"), utc("2026-11-17 20:30")),)
        behind = [
            history_of("KO", "2026-11-17 18:30")._replace(settled=settled),
            history_of("V", "2026-11-17 18:30")._replace(settled=(*settled, (utc("2026-11-17 20:30"), FRIDAY_EVENING))),
        ]

        gaps = find_gaps(behind, expected, self.HISTORY)

        assert [(gap.ticker, gap.first) for gap in gaps] == [("KO", utc("2026-11-17 20:30"))]

    def test_what_was_not_asked_for_yet_comes_first_then_the_stalest(self) -> None:
        """A ticker whose bar the provider did not have a minute ago does not hold up the others."""
        finished = utc("2026-11-17 21:01")
        gaps = [
            Gap("A", utc("2026-11-17 20:30"), finished, utc("2026-11-17 21:02"), "x"),
            Gap("B", utc("2026-11-17 20:30"), finished, utc("2026-11-17 20:02"), "x"),
            Gap("C", utc("2026-11-17 19:30"), finished, utc("2026-11-17 20:02"), "x"),
            Gap("D", utc("2026-11-17 20:30"), finished, None, None),
            Gap("E", utc("2026-11-16 20:30"), finished, utc("2026-11-17 21:02"), "x"),
        ]

        assert [gap.ticker for gap in sort_by_urgency(gaps, finished)] == ["C", "B", "D", "E", "A"]

    def test_what_was_asked_for_moments_ago_waits_for_the_next_tick(self) -> None:
        """Else ticks that follow at once would ask for ever for a bar that nobody has yet."""
        finished, now = utc("2026-11-17 21:01"), utc("2026-11-17 21:03")
        asked = {"now": now, "a minute ago": utc("2026-11-17 21:02"), "before": utc("2026-11-17 21:00"), "never": None}
        gaps = [Gap(ticker, finished, finished, at, "x") for ticker, at in asked.items()]

        assert [gap.ticker for gap in drop_recent(gaps, finished, now)] == ["a minute ago", "before", "never"]

    def test_ten_stored_bars_are_asked_for_again(self) -> None:
        """So that late corrections heal themselves; a ticker without bars has none to ask for again."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        last = expected[-1]
        gaps = [Gap("KO", last, last, None, "twelvedata"), Gap("V", last, last, None, None)]

        asks = plan_requests(gaps, expected, exchange(), "1h")

        assert asks == [
            FetchRequest("KO", expected[-11], utc("2026-11-17 21:00")),
            FetchRequest("V", last, utc("2026-11-17 21:00")),
        ]

    def test_only_whole_tickers_go_into_an_event(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As many as fit, none in part: a credit buys a whole window."""
        monkeypatch.setattr("functions.ingest.gaps.EVENT_BARS", 30)
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        gaps = [Gap(ticker, expected[0], expected[-1], None, None) for ticker in ("A", "B", "C")]

        assert [ask.ticker for ask in plan_requests(gaps, expected, exchange(), "1h")] == ["A", "B"]

    def test_a_window_that_is_too_long_is_asked_for_oldest_part_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The part ends where a bar ends, and holds more than what is stored already."""
        monkeypatch.setattr("functions.ingest.gaps.TICKER_BARS", 14)
        expected = starts("2026-11-09 00:00", "2026-11-20 00:00")
        gap = Gap("KO", expected[12], expected[-1], None, "twelvedata")

        (ask,) = plan_requests([gap], expected, exchange(), "1h")

        assert (ask.start, ask.end) == (expected[2], utc("2026-11-11 16:30"))

    def test_simulated_bars_are_missing_to_a_real_provider(self) -> None:
        """A real provider requests the whole history again."""
        known = [history_of("KO", "2026-11-17 20:30", "simulated"), history_of("V", "2026-11-17 20:30")]

        assert [one.newest for one in ignore_simulated(known)] == [None, utc("2026-11-17 20:30")]

    @pytest.mark.parametrize(
        ("now", "first", "last", "end"),
        [
            ("2026-11-02 16:00", "2026-10-30 19:30", "2026-11-02 14:30", "2026-11-02 15:30"),
            ("2026-11-27 18:02", "2026-11-25 20:30", "2026-11-27 17:30", "2026-11-27 18:00"),
            ("2026-11-22 12:00", "2026-11-20 20:30", "2026-11-20 20:30", "2026-11-20 21:00"),
            ("2026-03-09 14:32", "2026-03-06 20:30", "2026-03-09 13:30", "2026-03-09 14:30"),
        ],
        ids=["clocks went back", "half day after a holiday", "weekend", "clocks went forward"],
    )
    def test_windows_follow_the_exchanges_days(self, now: str, first: str, last: str, end: str) -> None:
        """Across clock changes, holidays and half days a window ends where the newest finished bar does."""
        newest = exchange().last_finished_bar("1h", utc(now), GRACE)
        assert newest is not None
        expected = exchange().starts("1h", utc(now) - timedelta(days=10), newest + timedelta(seconds=1))
        before = expected[expected.index(utc(first)) - 1]

        (gap,) = find_gaps([TickerHistory("KO", before, "x", None)], expected, utc(now))
        (ask,) = plan_requests([gap], expected, exchange(), "1h")

        assert (gap.first, gap.last, ask.end) == (utc(first), utc(last), utc(end))


class TestWhatTicksName:
    """Overrides become windows."""

    NOW = FRIDAY_EVENING

    @pytest.mark.parametrize(
        ("tick", "window"),
        [
            ({}, None),
            ({"start": "2026-11-02"}, TickWindow(utc("2026-11-02 05:00"), NOW, None)),
            (
                {"start": "2026-10-30", "end": "2026-10-30"},
                TickWindow(utc("2026-10-30 04:00"), utc("2026-10-31 04:00"), None),
            ),
            (
                {"start": "2026-10-31", "end": "2026-11-01"},
                TickWindow(utc("2026-10-31 04:00"), utc("2026-11-02 05:00"), None),
            ),
            ({"start": "2026-11-02T15:30:00Z", "end": "2030-01-01"}, TickWindow(utc("2026-11-02 15:30"), NOW, None)),
            ({"end": "2026-11-02T10:30:00-05:00"}, TickWindow(None, utc("2026-11-02 15:30"), 60)),
            ({"lookback_sessions": 10}, TickWindow(None, NOW, 10)),
        ],
    )
    def test_a_date_is_a_day_in_new_york_and_an_instant_is_itself(
        self, tick: dict[str, Any], window: TickWindow | None
    ) -> None:
        """The end's whole day belongs to the window, whichever offset New York has then; none lies in the future."""
        assert requested_window(Tick(**tick), self.NOW, 60) == window

    def test_a_start_in_the_future_is_refused(self) -> None:
        """It could never be done."""
        with pytest.raises(InvalidTick, match="2026-11-21 lies in the future"):
            requested_window(Tick(start="2026-11-21"), self.NOW, 60)


class TestWhatIsSent:
    """All that a provider answers goes to store, except bars in progress."""

    @pytest.mark.parametrize(
        ("start", "sent"),
        [
            ("2026-11-20 14:30", True),
            ("2026-11-20 19:30", True),
            ("2026-11-20 13:30", True),
            ("2026-11-20 14:00", True),
            ("2026-11-20 20:37", True),
            ("2026-11-20 20:30", False),
            ("2026-11-20 21:30", True),
            ("2026-11-21 15:30", True),
        ],
        ids=[
            "first",
            "last finished",
            "before the open",
            "clock hour",
            "off grid",
            "in progress",
            "future",
            "Saturday",
        ],
    )
    def test_only_the_bar_in_progress_is_left_out(self, start: str, sent: bool) -> None:
        """Store records each bar that it rejects; a bar in progress comes again when it is finished."""
        found = drop_unfinished([bar(utc(start))], exchange(), utc("2026-11-20 20:59"), GRACE)

        assert bool(found) == sent

    def test_a_bar_is_finished_after_its_grace(self) -> None:
        """Not a second earlier."""
        bars = [bar(utc("2026-11-20 20:30"))]

        assert drop_unfinished(bars, exchange(), utc("2026-11-20 21:01") - timedelta(seconds=1), GRACE) == []
        assert drop_unfinished(bars, exchange(), utc("2026-11-20 21:01"), GRACE) == bars

    @pytest.mark.parametrize(
        ("closes", "jumped"),
        [
            (["10", "14.99"], False),
            (["10", "15"], True),
            (["15", "10"], True),
            (["10", "15", "15"], False),
            (["15"], False),
            (["NaN", "10"], False),
            (["0", "10"], False),
        ],
    )
    def test_a_jump_of_the_newest_bar_is_seen(self, closes: list[str], jumped: bool) -> None:
        """By half or more against the bar before; of older bars the next one tells."""
        bars = [
            bar(start, close)
            for start, close in zip(starts("2026-11-20 00:00", "2026-11-21 00:00"), closes, strict=False)
        ]

        assert has_jump(bars) == jumped

    def test_an_event_stays_under_its_size(self) -> None:
        """A window that is too long is cut at a bar, and says so: the next tick goes on from there."""
        hours = starts("2026-01-01 00:00", "2026-11-20 00:00")
        long = [bar(start, "1234567.123456789") for start in hours]
        series = [Series(ticker=ticker, start=hours[0], end=hours[-1], bars=tuple(long)) for ticker in "ABC"]

        cut = truncate(series, 500_000)

        assert sum(len(msgspec.json.encode(one)) for one in cut) < 500_000
        assert [one.ticker for one in cut] == ["A", "B", "C"]
        assert cut[:2] == series[:2]
        assert cut[2].end == long[len(cut[2].bars)].start < series[2].end
        assert truncate(series, 5_000_000) == series
