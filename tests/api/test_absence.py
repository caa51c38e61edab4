"""No empty answer without a reason: why a response has no items, and when it makes sense to ask again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving, sessions

AFTERNOON = "2026-11-20T19:00:00+00:00"
"""A session in progress: the bar of 18:30 has not finished."""


@pytest.fixture(scope="module")
def api(postgres_server: str, migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """Two weeks of AAPL with holes of each kind, a ticker without bars, and a removed one; on Friday afternoon."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = [start for start in hours(sessions(url, "2026-11-09", "2026-11-21")) if start < at("2026-11-20 18:30")]
        put(url, [Bar("AAPL", start) for start in starts if start.day not in (11, 12, 13)])
        put(url, [Bar("KO", start) for start in starts if start.day < 13])
        change(
            url,
            """
            UPDATE tickers SET active = false, ended_on = '2026-11-12' WHERE ticker = 'KO';
            INSERT INTO asked_windows (ticker, interval, settled, asked_at)
            VALUES ('AAPL', '1h', '{[2026-11-11T05:00Z, 2026-11-12T05:00Z)}', '2026-11-20T16:05Z');
            INSERT INTO rejected_bars (ticker, interval, start, reason, bar, source, event_id, received_at)
            SELECT 'AAPL', '1h', start, 'spike', '{}', 'replay', '1', '2026-11-20T16:05Z'
              FROM generate_series('2026-11-13T14:30Z'::timestamptz, '2026-11-13T20:30Z', '1 hour') AS start;
            """,
        )
        with serving(url, module_redis_url, now=AFTERNOON) as api:
            yield api


@pytest.mark.parametrize(
    ("query", "code", "again"),
    [
        ("/ohlc/AAPL?start=2026-11-14&end=2026-11-16", "market-closed", None),
        ("/ohlc/AAPL?start=2026-11-26&end=2026-11-27", "market-closed", None),
        ("/ohlc/AAPL?start=2026-11-21", "future", "2026-11-23T15:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-26&interval=1d", "future", "2026-11-27T15:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-25&interval=1w", "future", "2026-11-30T15:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-21&interval=1mo", "future", "2026-12-01T15:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-23T16:00:00Z&end=2026-11-23T20:00:00Z", "future", "2026-11-23T17:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-27T17:30:00Z", "future", "2026-11-27T18:01:00Z"),
        ("/ohlc/AAPL?start=2026-11-20T19:15:00Z&end=2026-11-20T21:00:00Z", "not-finished", "2026-11-20T20:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-18T16:00:00Z&end=2026-11-18T18:00:00Z&interval=1d", "no-bar-starts", None),
        ("/ohlc/AAPL?start=1990-06-04&end=1990-06-09", "beyond-calendar", None),
        ("/ohlc/AAPL?start=2199-01-01", "beyond-calendar", None),
        ("/ohlc/AAPL?start=2026-11-21&end=2026-11-23", "market-closed", None),
        ("/ohlc/AAPL?end=2026-11-09", "before-history", None),
        ("/ohlc/AAPL?start=2026-11-02&end=2026-11-05", "before-history", None),
        ("/ohlc/AAPL?as_of=2026-10-01", "not-fetched-then", None),
        ("/ohlc/AAPL?start=2026-11-18&end=2026-11-19&as_of=2026-11-17", "not-fetched-then", None),
        ("/latest?tickers=MSFT", "not-fetched", "now"),
        ("/latest?tickers=KO", "not-tracked-then", None),
        ("/ohlc/KO?start=2026-11-16&end=2026-11-18", "not-tracked-then", None),
        ("/ohlc/KO?start=2026-11-23", "not-tracked-then", None),
        ("/ohlc/AAPL?start=2026-11-23&as_of=2026-11-18", "not-fetched-then", None),
        ("/ohlc/AAPL?start=2026-11-11&end=2026-11-12", "not-at-provider", None),
        ("/ohlc/AAPL?start=2026-11-12&end=2026-11-13", "not-fetched", "now"),
        ("/ohlc/AAPL?start=2026-11-11&end=2026-11-14", "not-fetched", "now"),
        ("/ohlc/AAPL?start=2026-11-13&end=2026-11-14", "rejected", None),
        ("/ohlc/AAPL?start=2026-11-20T18:30:00Z", "not-finished", "2026-11-20T19:31:00Z"),
        ("/ohlc/AAPL?start=2026-11-19T14:40:00Z&end=2026-11-19T15:20:00Z", "no-bar-starts", None),
        ("/ohlc/MSFT", "not-fetched", "now"),
        ("/ohlc?tickers=MSFT,NVDA&interval=1w", "not-fetched", "now"),
        ("/movers?kind=gainers&basis=session_open", None, None),
        ("/movers?kind=losers", "none-qualifies", "now"),
        ("/coverage?start=2026-11-14&end=2026-11-16", "market-closed", None),
        ("/coverage?start=2026-11-23", "future", "2026-11-23T14:30:00Z"),
        ("/calendar?start=2027-01-02&end=2027-01-04", "market-closed", None),
        ("/calendar?start=1990-06-04&end=1990-06-09", "beyond-calendar", None),
        ("/coverage?detail=totals", "totals-only", None),
        ("/calendar?start=2026-11-26&end=2026-11-27", "market-closed", None),
        ("/splits?ticker=AAPL", "none-known", None),
        ("/disagreements", "not-compared", None),
        ("/search?q=nothing", "no-match", None),
    ],
)
def test_each_empty_response_has_the_expected_reason(api: Api, query: str, code: str | None, again: str | None) -> None:
    """With the time from which there may be items: "now" while a ticker is behind, none where the answer stays."""
    answer = api.json(query)

    assert (answer["count"] == 0) == (code is not None)
    reason = answer["reason"]
    if code is None:
        assert reason is None
    else:
        assert (reason["code"], reason["ask_again_at"]) == (code, "2026-11-20T19:00:00Z" if again == "now" else again)
        assert reason["text"].endswith((".", "?"))


@pytest.fixture(scope="module")
def empty_api(postgres_server: str, migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """An installation that has fetched nothing, whose anonymous readers may see the last 30 days."""
    template = urlsplit(migrated_database).path[1:]
    settings = {"ANONYMOUS_HISTORY_DAYS": "30"}
    with (
        new_database(postgres_server, template) as url,
        serving(url, module_redis_url, now=AFTERNOON, **settings) as api,
    ):
        yield api


DAYS = st.one_of(st.dates(date(2026, 10, 20), date(2026, 12, 20)), st.dates(date(2015, 1, 1), date(2031, 1, 1)))
"""Around the stored history; before it, and beyond the calendar."""
HISTORY = ("/ohlc/AAPL", "/ohlc/KO", "/ohlc/MSFT", "/ohlc/FB", "/ohlc", "/indicators/AAPL", "/indicators/KO")
PATHS = (*HISTORY, "/coverage", "/calendar", "/disagreements", "/latest", "/movers")
WITHOUT_WINDOW = ("/latest", "/movers")


@given(
    path=st.sampled_from(PATHS),
    first=st.one_of(st.none(), DAYS),
    length=st.one_of(st.none(), st.integers(1, 30)),
    hour=st.integers(0, 23),
    interval=st.sampled_from(["1h", "1d", "1w", "1mo"]),
    as_of=st.one_of(st.none(), DAYS),
    limit=st.one_of(st.none(), st.integers(1, 100)),
    is_empty=st.booleans(),
)
@settings(max_examples=300, deadline=None)
def test_no_answer_is_empty_without_a_reason(
    api: Api, empty_api: Api, path: str, first: date | None, length: int | None, hour: int, interval: str,
    as_of: date | None, limit: int | None, is_empty: bool,
) -> None:  # fmt: skip
    """Whatever the window: items, or a reason whose time is not past; or an error that says why not."""
    start = first and datetime(first.year, first.month, first.day, hour, tzinfo=UTC)
    query = {
        "start": start and start.isoformat(),
        "end": start and length and (start + timedelta(days=length)).isoformat(),
        **({"interval": interval, "as_of": as_of and as_of.isoformat(), "limit": limit} if path in HISTORY else {}),
    }
    if path in WITHOUT_WINDOW:
        query = {}
    client = (empty_api if is_empty else api).client
    response = client.get(path, params={name: value for name, value in query.items() if value}, follow_redirects=True)
    answer = response.json()
    if response.status_code != 200:
        assert response.status_code in (400, 401), answer
        assert answer["detail"]
        return

    assert (answer["count"] == 0) == (answer["reason"] is not None), answer
    if answer["reason"] and answer["reason"]["ask_again_at"]:
        assert answer["reason"]["ask_again_at"] >= "2026-11-20T19:00:00Z"


@pytest.mark.parametrize(
    "query",
    ["/ohlc/AAPL?start=2026-11-21", "/ohlc/AAPL?start=2026-11-26&interval=1d",
     "/ohlc/AAPL?start=2026-11-25&interval=1w", "/ohlc/AAPL?start=2026-11-24&interval=1mo",
     "/ohlc/AAPL?start=2026-11-27T17:30:00Z",
     "/ohlc/AAPL?start=2026-11-20T18:30:00Z", "/ohlc/AAPL?start=2026-11-20T19:15:00Z&end=2026-11-23",
     "/coverage?start=2026-11-21&tickers=AAPL"],
)  # fmt: skip
def test_there_are_items_at_the_time_that_is_named_and_not_before(
    database_url: str, redis_url: str, query: str
) -> None:
    """Provided that every bar is stored as soon as it counts as finished."""
    market = sessions(database_url, "2026-11-09", "2026-12-10")

    def answer(now: datetime) -> dict[str, Any]:
        grace = timedelta(minutes=1)
        ended = [start for session in market.sessions for start in session.starts("1h")
                 if session.end("1h", start) + grace <= now]  # fmt: skip
        change(database_url, "DELETE FROM bars")
        put(database_url, [Bar("AAPL", start) for start in ended])
        with serving(database_url, redis_url, now=now.isoformat()) as api:
            return api.json(query)

    first = answer(datetime.fromisoformat(AFTERNOON))
    again = datetime.fromisoformat(first["reason"]["ask_again_at"])

    assert (first["count"], answer(again - timedelta(seconds=1))["count"]) == (0, 0)
    assert answer(again)["count"] > 0
