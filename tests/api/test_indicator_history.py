"""/indicators over bars that were revised, and over a split that is not settled."""

from decimal import Decimal

import pytest

from tests.reading import Bar, change, hours, put, serving, sessions


def test_values_were_as_they_were_known(database_url: str, redis_url: str) -> None:
    """With as_of, they rest on the bars as those stood then: before the revision, and without later bars."""
    starts = hours(sessions(database_url, "2026-11-20", "2026-11-21"))
    put(database_url, [Bar("AAPL", start, "100") for start in starts])
    change(
        database_url,
        """
        WITH old AS (INSERT INTO bar_revisions
                     SELECT ticker, interval, start, revision, open, high, low, close, volume, source, received_at,
                            NULL, '2026-11-20 20:00Z'
                       FROM bars
                      WHERE start = '2026-11-20 14:30Z')
        UPDATE bars
           SET close = 100.9, revision = 1, received_at = '2026-11-20 20:00Z'
         WHERE start = '2026-11-20 14:30Z'
        """,
    )
    with serving(database_url, redis_url) as api:
        then = api.items("/indicators/AAPL?indicators=sma:2&as_of=2026-11-20T16:45:00Z")
        page = api.items("/indicators/AAPL?indicators=sma:2&as_of=2026-11-20T16:45:00Z&limit=1")
        now = api.items("/indicators/AAPL?indicators=sma:2")

    assert [item["values"]["sma_2"] for item in then] == [None, Decimal("100.5")]
    assert page == then[1:], "bars before a page are those of then, too"
    assert [item["values"]["sma_2"] for item in now[:3]] == [None, Decimal("100.7"), Decimal("100.5")]


@pytest.mark.parametrize("state", ["pending", "suspected"])
def test_a_split_that_waits_interrupts(database_url: str, redis_url: str, state: str) -> None:
    """Values that rest on bars from before it say so."""
    starts = hours(sessions(database_url, "2026-11-19", "2026-11-21"))
    put(database_url, [Bar("AAPL", start, "100") for start in starts])
    change(
        database_url,
        f"""
        INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, refetch_from,
                            found_at, changed_at)
        VALUES ('AAPL', '2026-11-20', '2026-11-20 14:30Z', 2, 1, '{state}', 'jump', 'replay', '', now(), now(), now())
        """,
    )
    with serving(database_url, redis_url) as api:
        items = api.items("/indicators/AAPL?indicators=sma:3&start=2026-11-20&limit=4")

    assert [item["incomplete"] for item in items] == [{"sma_3": "split"}, {"sma_3": "split"}, {}, {}]
