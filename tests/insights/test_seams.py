"""A change of source is a seam: no fact compares over it, unless the two sources are known to agree."""

from decimal import Decimal

import psycopg
import pytest

from functions.insights.facts.comparable import comparable_bars, comparable_revisions
from functions.insights.facts.hour import EarlierVersion
from tests.insights.small_markets import bar, find, hour_of, trading, two_days
from tests.insights_harness import keep_active, put_rows, random_walk, serving_insights, trading_days
from tests.reading import change

TEN = ["AAPL", "AMZN", "BA", "KO", "MSFT", "NKE", "PFE", "V", "WMT", "XOM"]
AGREE = """
    INSERT INTO source_overlaps (ticker, source, other, bars, deviation, seen_at)
    VALUES ('KO', 'old', 'new', 10, {deviation}, now())
"""


@pytest.mark.parametrize(("deviation", "seam"), [(None, True), ("0.006", True), ("0.004", False)])
@pytest.mark.parametrize("first", [0, 2], ids=["at the open", "within the session"])
def test_no_fact_compares_over_a_seam(
    database_url: str, redis_url: str, first: int, deviation: str | None, seam: bool
) -> None:
    """KO's source changes: figures of the market leave it out, and no fact of its own has bars of both sources."""
    keep_active(database_url, TEN)
    starts = [start for session in trading_days(database_url, 22).sessions for start in session.starts("1h")]
    put_rows(database_url, random_walk([one for one in TEN if one != "KO"], starts, source="new"))
    put_rows(database_url, random_walk(["KO"], starts[: first - 7], 2, "old"))
    put_rows(database_url, random_walk(["KO"], starts[first - 7 :], 3, "new"))
    if deviation:
        change(database_url, AGREE.format(deviation=deviation))
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        items = [hour for hour in insights.items() if hour["datetime"] >= f"{starts[first - 7]:%Y-%m-%dT%H}"]
    with psycopg.connect(database_url) as connection:
        rows = connection.execute("SELECT start, source FROM bars WHERE ticker = 'KO'").fetchall()
    sources = {f"{start:%Y-%m-%dT%H:%M:%SZ}": source for start, source in rows}

    facts = [fact for hour in items for one in hour["insights"] for fact in one["facts"]]
    counts = [fact for fact in facts if (fact["metric"], fact["basis"]) == ("breadth", "previous_close")]
    mixed = [
        fact
        for fact in facts
        if "KO" in fact["bars"]["tickers"] and len({sources[start] for start in fact["bars"]["starts"]}) > 1
    ]
    assert counts
    assert all(fact["left_out"] == (["KO"] if seam else []) for fact in counts)
    assert bool(mixed) is not seam
    assert all(hour["complete"] for hour in items)
    expected = [{"ticker": "KO", "reason": "source-changed"}] if seam else []
    assert all(hour["left_out"] == expected for hour in items)


def test_a_third_source_has_to_agree_with_both() -> None:
    """The newest agrees with each of two others, which disagree: only the nearer one stays."""
    _, starts = two_days()
    bars = {"A": {start: bar(start, "100")._replace(source=name) for start, name in zip(starts, "abc", strict=False)}}
    pairs = frozenset({("c", "b"), ("a", "c")})

    assert list(comparable_bars(bars, starts[2], {"A": pairs})["A"]) == starts[1:3]
    assert list(comparable_bars(bars, starts[2], {"A": pairs | {("b", "a")}})["A"]) == starts[:3]


@pytest.mark.parametrize(("pair", "corrections"), [(("old", "new"), 1), (("old", "other"), 0)])
def test_a_bar_of_another_source_is_no_correction(pair: tuple[str, str], corrections: int) -> None:
    """The close first given by one source is compared with that of another only where both agree."""
    sessions, starts = two_days()
    bars = {start: bar(start, "100")._replace(source="new") for start in starts}
    first = EarlierVersion(bars[starts[7]]._replace(close=Decimal(120), source="old"), starts[8])
    revisions = comparable_revisions({"A": {starts[7]: first}}, {"A": bars}, {"A": frozenset({pair})})
    hour = hour_of({"A": list(bars.values())}, sessions, starts[8], revisions=revisions)

    assert len(find(hour, "revised_close")) == corrections


@pytest.mark.parametrize(("source", "expected"), [("test", 1), ("other", 0)])
def test_volumes_of_two_sources_are_never_compared(source: str, expected: int) -> None:
    """Even where their prices agree."""
    sessions = trading(16)
    starts = [start for session in sessions for start in session.starts("1h")]
    bars = [bar(start, "100", volume=100)._replace(source=source) for start in starts[:-7]]
    bars += [bar(start, "100", volume=300) for start in starts[-7:]]
    hour = hour_of({"A": bars}, sessions, starts[-1])

    found = [len(find(hour, name)) for name in ("volume_ratio", "session_volume_ratio", "volume_since")]
    assert found == [expected] * 3
