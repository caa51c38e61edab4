"""Facts from bars, checked by hand: every figure here can be done with a pencil."""

from decimal import Decimal
from pathlib import Path

import pytest

from functions.insights.facts.fact import Fact, exact_dollars, percent, round_value, times
from functions.insights.facts.hour import Bar
from functions.insights.facts.registry import definitions, fact_table
from tests.insights.small_markets import bar, closes_of, find, hour_of, only, trading, two_days


def test_a_change_is_counted_from_each_of_three_prices() -> None:
    """100 at yesterday's close, 101 at the open, 103 an hour ago, 102 now: +2%, +0.99%, -0.97%."""
    sessions, starts = two_days()
    bars = [bar(starts[6], "100"), bar(starts[7], "103", opening="101"), bar(starts[8], "102", opening="103")]
    hour = hour_of({"A": bars}, sessions, starts[8])

    day, bar_before, opening = (
        only(hour, "change", basis) for basis in ("previous_close", "previous_bar", "session_open")
    )

    assert (day.value, day.text, day.direction) == (Decimal("2.000000"), "2.00%", "up")
    assert (opening.value, opening.text, opening.direction) == (Decimal("0.990099"), "0.99%", "up")
    assert (bar_before.value, bar_before.text, bar_before.direction) == (Decimal("-0.970874"), "0.97%", "down")
    assert day.source_bars.starts == (starts[6], starts[8])
    assert day.source_bars.fields == ("close",)
    assert opening.source_bars.fields == ("close", "open")
    assert day.source_bars.link == "/ohlc/A?start=2026-11-02T20:30:00Z&end=2026-11-03T16:30:00Z"


def test_the_first_bar_has_a_gap_and_no_change_from_the_bar_before() -> None:
    """Yesterday's close 100, open 103, close 102: opened 3% higher, lost 0.97% since; no change from a bar before."""
    sessions, starts = two_days()
    hour = hour_of({"A": [bar(starts[6], "100"), bar(starts[7], "102", opening="103")]}, sessions, starts[7])

    assert only(hour, "gap").text == "3.00%"
    assert only(hour, "change", "session_open").direction == "down"
    assert find(hour, "change", "previous_bar") == []


def test_without_the_very_last_bar_of_the_day_before_there_is_no_change_from_it() -> None:
    """A bar that is missing is not replaced by the one before it."""
    sessions, starts = two_days()
    hour = hour_of({"A": [bar(starts[5], "100"), bar(starts[7], "102")]}, sessions, starts[7])

    assert find(hour, "change", "previous_close") == []
    assert find(hour, "gap") == []


def test_halves_are_rounded_up() -> None:
    """1.425% is shown as 1.43%, 1.25 times as 1.3; signs do not matter."""
    assert [percent(Decimal(text)) for text in ("1.425", "-1.425", "1.4249999", "0.005")] == [
        "1.43%",
        "1.43%",
        "1.42%",
        "0.01%",
    ]
    assert times(Decimal("1.25")) == "1.3 times"
    assert round_value(Decimal("-0.0000005")) == Decimal("-0.000001")


@pytest.mark.parametrize(
    ("price", "text"),
    [("0.0061", "$0.0061"), ("1234567.125", "$1,234,567.125"), ("742130", "$742,130.00"), ("12.5", "$12.50")],
)
def test_a_price_is_shown_as_it_is_stored(price: str, text: str) -> None:
    """Whatever its size, with two decimals at least."""
    assert exact_dollars(Decimal(price)) == text


@pytest.mark.parametrize(("ratio", "text"), [("0.04", "0.04 times"), ("0.1", "0.1 times"), ("3.05", "3.1 times")])
def test_a_small_ratio_is_never_shown_as_nothing(ratio: str, text: str) -> None:
    """Below a tenth there is a second decimal."""
    assert times(Decimal(ratio)) == text


def test_a_move_that_would_be_shown_as_nothing_is_no_fact() -> None:
    """0.004% has no direction worth a word."""
    sessions, starts = two_days()
    hour = hour_of({"A": [bar(starts[6], "100000"), bar(starts[7], "100004")]}, sessions, starts[7])

    assert find(hour, "change", "previous_close") == []


def test_volume_is_compared_with_the_same_time_of_day() -> None:
    """Six days with 100, 200, ... 600 shares at that time, now 1050: 3 times 350. Four days are not usual."""
    sessions = trading(7)
    starts = [list(session.starts("1h"))[2] for session in sessions]
    bars = [bar(start, "10", volume=100 * number) for number, start in enumerate(starts[:-1], 1)]
    now = bar(starts[-1], "10", volume=1050)

    fact = only(hour_of({"A": [*bars, now]}, sessions, starts[-1]), "volume_ratio")

    assert (fact.value, fact.text) == (Decimal("3.000000"), "3.0 times")
    assert len(fact.source_bars.starts) == 7
    assert find(hour_of({"A": [*bars[:4], now]}, sessions, starts[-1]), "volume_ratio") == []


def test_the_short_last_bar_of_a_half_day_is_not_compared_with_whole_hours() -> None:
    """12:30 to 13:00 on a half day against 12:30 to 13:30 on others: no usual volume."""
    sessions = trading(8, short=(7,))
    starts = [list(session.starts("1h"))[3] for session in sessions]
    hour = hour_of(
        {"A": [bar(start, "10", volume=100) for start in starts[:-1]] + [bar(starts[-1], "10", volume=900)]},
        sessions,
        starts[-1],
    )

    assert hour.same_time(hour.start) == ()
    assert find(hour, "volume_ratio") == []
    assert only(hour, "period", ticker=None).text == "the last 30 minutes"


def test_the_close_of_a_half_day_is_its_own_last_bar() -> None:
    """The day after a half day counts from the bar that ended at 13:00."""
    sessions = trading(2, short=(0,))
    starts = [start for session in sessions for start in session.starts("1h")]
    hour = hour_of({"A": [bar(starts[3], "50"), bar(starts[4], "55")]}, sessions, starts[4])

    assert only(hour, "change", "previous_close").text == "10.00%"


def test_a_streak_ends_where_a_close_did_not_follow() -> None:
    """Closes 10, 9, 10, 11, 12, 13: four in a row, and the 9 and the 10 before show that it is not five."""
    fact = only(closes_of(["10", "9", "10", "11", "12", "13"]), "streak")

    assert (fact.value, fact.text, fact.direction) == (4, "4 sessions in a row", "up")
    assert len(fact.source_bars.starts) == 6


def test_a_streak_is_longer_than_the_sessions_of_a_usual_volume() -> None:
    """Thirty rises are thirty; where the stored closes end before the run does, it is at least so long."""
    rises = [str(100 + number) for number in range(31)]

    assert only(closes_of(["200", *rises]), "streak").text == "30 sessions in a row"
    assert only(closes_of(rises), "streak").text == "at least 30 sessions in a row"


def test_a_session_that_has_not_closed_is_in_no_streak() -> None:
    """Before the last bar the run of closes is not known to go on."""
    sessions = trading(6)
    bars = [bar(list(s.starts("1h"))[-1], str(10 + n)) for n, s in enumerate(sessions[:-1])]
    now = bar(sessions[-1].opens, "20")

    assert find(hour_of({"A": [*bars, now]}, sessions, now.start), "streak") == []


def test_a_high_needs_every_bar_of_twenty_sessions() -> None:
    """Above all 140 bars before it is a 20-session high; level with one, or with one missing, it is none."""
    sessions = trading(21)
    starts = [start for session in sessions for start in session.starts("1h")][:141]
    before = [bar(start, "10", high="12", low="8") for start in starts[:-1]]

    def highs(bars: list[Bar], top: str) -> list[Fact]:
        return find(hour_of({"A": [*bars, bar(starts[-1], "10", high=top, low="9")]}, sessions, starts[-1]), "high")

    [fact] = highs(before, "12.01")
    assert (fact.value, fact.text) == (Decimal("12.01"), "a 20-session high of $12.01")
    assert highs(before, "12") == []
    assert highs(before[1:], "12.01") == []


def test_the_market_is_counted_and_ranked() -> None:
    """+4, +2, +1, -1, -6 percent: 3 of 5 up, average 0, the biggest rise A's; two equal falls have no place."""
    sessions, starts = two_days()
    closes = {"A": "104", "B": "102", "C": "101", "D": "99", "E": "94"}
    market = {name: [bar(starts[6], "100"), bar(starts[7], close)] for name, close in closes.items()}
    hour = hour_of(market, sessions, starts[7])

    assert only(hour, "breadth", ticker=None, side="up").text == "3 of 5 stocks"
    assert only(hour, "breadth", ticker=None, side="down").text == "2 of 5 stocks"
    assert find(hour, "market_change", ticker=None) == []
    assert only(hour, "rank", ticker="A").text == "the biggest rise among 5 stocks"
    assert only(hour, "rank", ticker="B").text == "the 2nd biggest rise among 5 stocks"
    assert only(hour, "rank", ticker="E").text == "the biggest fall among 5 stocks"
    level = {**market, "D": [bar(starts[6], "100"), bar(starts[7], "94")]}
    assert find(hour_of(level, sessions, starts[7]), "rank", ticker="D") == []


def test_the_average_counts_every_stock_the_same() -> None:
    """+1, +2, +3, +4, -5 percent are 1.00% on average, whatever the prices."""
    sessions, starts = two_days()
    moves = {"A": ("10", "10.1"), "B": ("1000", "1020"), "C": ("100", "103"), "D": ("1", "1.04"), "E": ("20", "19")}
    market = {name: [bar(starts[6], old), bar(starts[7], new)] for name, (old, new) in moves.items()}

    fact = only(hour_of(market, sessions, starts[7]), "market_change", ticker=None)

    assert (fact.value, fact.text, fact.direction) == (Decimal("1.000000"), "1.00%", "up")


def test_what_is_missing_is_left_out_and_said() -> None:
    """A ticker without a bar of this hour has no facts, counts in none, and is listed by those that leave it out."""
    sessions, starts = two_days()
    market = {name: [bar(starts[6], "100"), bar(starts[7], "101")] for name in "ABCDE"} | {"F": [bar(starts[6], "100")]}
    hour = hour_of(market, sessions, starts[7])

    assert hour.missing == ("F",)
    breadth = only(hour, "breadth", ticker=None)
    assert (breadth.text, breadth.left_out) == ("5 of 5 stocks (6 tracked)", ("F",))
    assert not [fact for fact in fact_table(hour).values() if fact.ticker == "F"]


@pytest.mark.parametrize(("minutes", "words"), [(60, "the last hour"), (30, "the last 30 minutes")])
def test_the_length_of_the_hour_is_a_fact(minutes: int, words: str) -> None:
    """The session's last bar is half an hour."""
    sessions, starts = two_days()
    start = starts[7] if minutes == 60 else starts[13]

    fact = only(hour_of({"A": [bar(start, "1")]}, sessions, start), "period", ticker=None)

    assert (fact.value, fact.text) == (minutes, words)


def test_the_documentation_lists_every_metric() -> None:
    """With the definition that its declaration has."""
    page = (Path(__file__).parents[2] / "docs" / "insights.md").read_text()

    assert "\n".join(definitions()) in page
