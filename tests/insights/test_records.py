"""Records, ranges, weeks and corrections from bars, checked by hand."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from functions.insights.facts.hour import Bar, EarlierVersion, Hour, SplitRatio
from tests.insights.small_markets import bar, closes_of, find, hour_of, only, trading, two_days


@pytest.mark.parametrize(
    ("closes", "metric", "text"),
    [
        ([*range(100, 125), 130], "closing_high", "$130.00, the highest close of the 26 stored sessions"),
        ([*range(125, 100, -1), 90], "closing_low", "$90.00, the lowest close of the 26 stored sessions"),
        ([200, *range(100, 360), 400], "closing_high", "$400.00, the highest close of 52 weeks"),
        (
            [200, *range(100, 125), 150],
            "distance_from_high",
            "25.00% below the highest close of the 27 stored sessions",
        ),
    ],
)
def test_a_record_reaches_52_weeks_back_or_says_how_many_sessions(closes: list[int], metric: str, text: str) -> None:
    """A close beyond every close before it, and how far the newest one is from the highest."""
    assert only(closes_of([f"{close}" for close in closes]), metric).text == text


def test_a_link_over_more_bars_than_a_default_response_names_a_limit() -> None:
    """Half a year of hourly bars is more than the 500 that /ohlc returns by itself."""
    rising = [f"{close}" for close in range(100, 230)]

    assert "&limit=" not in only(closes_of(rising[:30]), "closing_high").source_bars.link
    assert only(closes_of(rising), "closing_high").source_bars.link.endswith("&limit=1253")


def test_an_equal_close_is_no_record() -> None:
    """Nor is one of no more sessions than other metrics cover."""
    assert find(closes_of([*["10"] * 25, "12", "12"]), "closing_high") == []
    assert find(closes_of([*["10"] * 19, "12"]), "closing_high") == []


def test_a_record_stops_at_a_missing_close() -> None:
    """Sessions before a hole are not counted."""
    hour = closes_of([f"{close}" for close in range(100, 130)])
    del hour.bars["A"][hour.closings[25]]  # pyright: ignore

    assert only(hour, "closing_high").text == "$129.00, the highest close of the 26 stored sessions"


def whole_sessions(volumes: list[int]) -> Hour:
    """Return the close of the last of as many sessions as there are *volumes*, each with that volume an hour."""
    sessions = trading(len(volumes))
    bars = [
        bar(start, "100", high=f"{100 + volume}", volume=volume)
        for session, volume in zip(sessions, volumes, strict=True)
        for start in session.starts("1h")
    ]
    return hour_of({"A": bars}, sessions, bars[-1].start)


@pytest.mark.parametrize(
    ("metric", "since", "of_all"),
    [
        ("volume_since", "the largest volume since November 3", "the largest volume of 21 sessions"),
        ("range_since", "the widest range since November 3", "the widest range of 21 sessions"),
    ],
)
def test_the_largest_since_names_the_day_that_had_more(metric: str, since: str, of_all: str) -> None:
    """Session 2 of 16 had more; of 21 none; a session nine days back is too near to be named."""
    assert only(whole_sessions([1, 9, *[1] * 13, 8]), metric).text == since
    assert only(whole_sessions([*[1] * 20, 8]), metric).text == of_all
    assert find(whole_sessions([1, 9, *[1] * 9, 8]), metric) == []


def test_a_high_of_the_session_can_be_told_later_in_it() -> None:
    """Set by the first bar; the bar of the hour has not passed it. A higher bar makes it the hour's."""
    sessions = trading(21)
    starts = [start for session in sessions for start in session.starts("1h")][:142]
    before = [bar(start, "10", high="12", low="8") for start in starts[:-2]]
    first = bar(starts[-2], "10", high="13", low="9")

    def facts(high: str, metric: str) -> list[str]:
        bars = [*before, first, bar(starts[-1], "10", high=high, low="9")]
        return [fact.text for fact in find(hour_of({"A": bars}, sessions, starts[-1]), metric)]

    assert (facts("13", "session_high"), facts("13", "high")) == (["a 20-session high of $13.00"], [])
    assert (facts("14", "session_high"), facts("14", "high")) == ([], ["a 20-session high of $14.00"])


def test_the_week_is_counted_at_its_close() -> None:
    """From Friday's close to the next Friday's, four up and one down; on a day before the weekend only."""
    sessions = trading(10)
    starts = [list(session.starts("1h"))[-1] for session in sessions]
    closes = {"A": "104", "B": "103", "C": "102", "D": "101", "E": "98"}
    market = {name: [bar(starts[4], "100"), bar(starts[9], close)] for name, close in closes.items()}
    monday = date(2026, 11, 16)

    at_close = hour_of(market, sessions, starts[9], next_session=monday)
    on_any_day = hour_of(market, sessions, starts[9], next_session=monday - timedelta(days=3))

    assert only(at_close, "market_change", "previous_week_close", ticker=None).text == "1.60%"
    assert only(at_close, "breadth", "previous_week_close", ticker=None, side="up").text == "4 of 5 stocks"
    assert only(at_close, "rank", "previous_week_close", ticker="E").text == "the biggest fall among 5 stocks"
    assert find(on_any_day, "market_change", "previous_week_close", ticker=None) == []


def corrected(first: str, now: str) -> Hour:
    """Return an hour whose bar of 10:30 was reported with the close *first* and has *now*."""
    sessions, starts = two_days()
    bars: list[Bar] = [bar(starts[7], "100"), bar(starts[8], now), bar(starts[9], "100")]
    revision = EarlierVersion(bar(starts[8], first), starts[9])
    return hour_of({"A": bars}, sessions, starts[9], revisions={"A": {starts[8]: revision}})


def test_a_correction_has_the_close_before_and_after() -> None:
    """Each with a link that returns it: the first one as of when it was received. Below 0.1% there is none."""
    hour = corrected("100.50", "101")
    first, now = only(hour, "first_close"), only(hour, "revised_close")

    assert (first.text, now.text, only(hour, "revised_bar").text) == ("$100.50", "$101.00", "the 10:30 bar")
    assert now.direction == "up"
    assert now.source_bars.link == "/ohlc/A?start=2026-11-03T15:30:00Z&end=2026-11-03T16:30:00Z"
    assert first.source_bars.link == f"{now.source_bars.link}&as_of=2026-11-03T16:30:00.000000Z"
    assert first.value == Decimal("100.5")
    assert find(corrected("100.95", "101"), "revised_close") == []


def test_a_split_of_the_session_is_a_fact() -> None:
    """Ten new shares for one; a ticker whose history waits for a split is left out, and counted among the tracked."""
    sessions, starts = two_days()
    market = {name: [bar(starts[6], "100"), bar(starts[7], "101")] for name in "ABCDE"}
    ratio = SplitRatio(Decimal(10), Decimal(1))

    hour = hour_of(market, sessions, starts[7], splits={"A": ratio}, on_two_scales=("F",))
    breadth = only(hour, "breadth", ticker=None)

    assert (only(hour, "split").value, only(hour, "split").text) == (10, "10-for-1")
    assert (breadth.text, breadth.left_out, hour.missing) == ("5 of 5 stocks (6 tracked)", ("F",), ())
