"""/splits lists the splits of each ticker, however many others there are, and adjust=none follows them."""

from tests.reading import Bar, change, hours, put, serving, sessions

ONE = """
    INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, raw_sources,
                        refetch_from, found_at, changed_at)
    VALUES ('NVDA', '2026-11-17', '2026-11-17T14:30Z', 10, 1, 'applied', 'jump', 'replay', '', '{}',
            '2026-11-16T14:30Z', '2026-11-17T22:00Z', '2026-11-17T22:00Z')
"""
MANY_NEWER = """
    INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail, raw_sources,
                        refetch_from, found_at, changed_at)
         SELECT ticker, day::date, day, 2, 1, 'applied', 'jump', 'replay', '', '{}', day, day, day
           FROM (SELECT ticker FROM tickers WHERE ticker <> 'NVDA' ORDER BY ticker LIMIT 20) AS other,
                generate_series('2026-11-18'::timestamptz, '2027-01-15'::timestamptz, '1 day') AS day
"""


def test_many_splits_of_other_tickers_hide_none(database_url: str, redis_url: str) -> None:
    """A ticker's split behind more than a thousand newer ones is listed, and the bars before it are read as traded."""
    put(
        database_url,
        [
            Bar("NVDA", start, "100", source="replay")
            for start in hours(sessions(database_url, "2026-11-16", "2026-11-18"))
        ],
    )
    change(database_url, ONE + ";" + MANY_NEWER)

    with serving(database_url, redis_url) as api:
        own, all_of_them = api.json("/splits?ticker=NVDA"), api.json("/splits")
        series = api.json("/ohlc/NVDA?adjust=none&start=2026-11-16&limit=1")

    assert ([one["date"] for one in own["items"]], all_of_them["count"]) == (["2026-11-17"], 1000)
    assert [float(one["open"]) for one in series["items"]] == [1000]
