"""A change of source is a seam: no change is measured across it, unless both sources are known to agree."""

from typing import Any

import pytest

from tests.reading import Bar, at, change, hours, put, serving, sessions

AGREE = """
    INSERT INTO source_overlaps (ticker, source, other, bars, deviation, seen_at)
    VALUES ('AAPL', 'a', 'b', 10, {deviation}, '2026-11-20 15:31Z')
"""
OWN = """
    INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source, received_at,
                               superseded_at)
    VALUES ('AAPL', '1h', '2026-11-19 20:30Z', 0, 200, 200, 200, 200, 1, 'b', '2026-11-20 15:31Z', '2026-11-19 21:01Z')
"""


def losers(database_url: str, redis_url: str) -> dict[str, Any]:
    """The response of /movers."""
    with serving(database_url, redis_url, "2026-11-20T15:35:00+00:00") as api:
        return api.json("/movers?kind=losers")


@pytest.fixture
def seam(database_url: str) -> str:
    """Two sessions of one source near 250 dollars, then an hour of another near 198."""
    old = hours(sessions(database_url, "2026-11-18", "2026-11-20"))
    put(database_url, [Bar("AAPL", start, "250", source="a") for start in old])
    put(database_url, [Bar("AAPL", at("2026-11-20 14:30"), "198", source="b")])
    return database_url


def test_no_change_is_measured_across_a_seam(seam: str, redis_url: str) -> None:
    """The ticker is not ranked, with the reason, and /ohlc says where the source changes."""
    with serving(seam, redis_url, "2026-11-20T15:35:00+00:00") as api:
        movers = api.json("/movers?kind=losers")
        series = api.json("/ohlc/AAPL?limit=100")["series"][0]

    assert movers["items"] == []
    assert [(one["ticker"], one["reason"]) for one in movers["not_ranked"]] == [("AAPL", "source-changed")]
    assert series["seams"] == [{"datetime": "2026-11-20T14:30:00Z", "before": "a", "after": "b"}]


@pytest.mark.parametrize(("deviation", "ranked"), [("0.004", 1), ("0.006", 0)])
def test_sources_that_agree_are_one_series(seam: str, redis_url: str, deviation: str, ranked: int) -> None:
    """Half a percent where both gave a bar."""
    change(seam, AGREE.format(deviation=deviation))

    assert losers(seam, redis_url)["count"] == ranked


def test_the_new_sources_own_bar_is_the_basis(seam: str, redis_url: str) -> None:
    """It also gave the bar before, and was less trusted there."""
    change(seam, OWN)

    items = losers(seam, redis_url)["items"]

    assert [(one["basis_price"], one["change"]) for one in items] == [(200, -1.5)]
