"""/insights over HTTP: as the api answers, in pages, with events at a door of their own."""

import gzip
import json
import time
from collections.abc import Iterator

import psycopg
import pytest

from tests.insights_harness import (
    TICK,
    Insights,
    active_tickers,
    full_market,
    keep_active,
    put_rows,
    random_walk,
    serving_insights,
    trading_days,
)
from tests.waiting import wait_until


def test_history_by_date_ticker_and_page(database_url: str, redis_url: str) -> None:
    """A day's hours, a company's insights, and pages that lead back without a gap."""
    full_market(database_url, 26)
    with serving_insights(database_url, redis_url, INSIGHTS_HISTORY_HOURS="21") as insights:
        insights.event()
        everything = insights.all_items("?limit=4")
        thursday = insights.items("?date=2026-11-19&limit=35")
        ticker = everything[3]["insights"][-1]["tickers"][0]
        about = insights.items(f"?ticker={ticker.lower()}&limit=35")
        none = insights.get("?date=2026-01-02").json()
        answer = insights.get("?limit=4")

    assert [hour["datetime"] for hour in everything] == sorted((hour["datetime"] for hour in everything), reverse=True)
    assert len(everything) == 21
    assert {hour["session"] for hour in thursday} == {"2026-11-19"}
    assert len(thursday) == 7
    assert about
    assert all(ticker in one["tickers"] for hour in about for one in hour["insights"])
    assert (none["count"], none["items"], none["as_of"]) == (0, [], None)
    assert answer.headers["link"] == f'<?limit=4&cursor={answer.json()["next_cursor"]}>; rel="next"'


WRONG = (
    ("?date=2026-13-01", 400, "date"),
    ("?limit=36", 400, "limit"),
    ("?limit=0", 400, "limit"),
    ("?cursor=x", 400, "cursor"),
    ("?ticker=%F0%9F%92%A9", 400, "ticker"),
    ("?ticker=ZZZZ", 404, "ZZZZ"),
    ("?ticker=APPL", 404, "Did you mean AAPL"),
    ("?what=1", 400, "what"),
    ("?limit=1&limit=2", 400, "once"),
    ("/AAPL", 404, "path"),
)
EMPTY = (
    ("?date=2026-11-21", "market-closed", None),
    ("?date=2026-11-26", "market-closed", None),
    ("?date=2026-11-23", "future", "2026-11-23T15:31:00Z"),
    ("?date=2026-01-05", "before-history", None),
    ("?date=2026-11-20&significance=999", "none-qualifies", None),
    ("?ticker=brk-a", "none-qualifies", "2026-11-23T15:31:00Z"),
    ("?cursor=before-1", "last-page", None),
)


def test_what_cannot_be_answered_is_a_problem(shared_insights: Insights) -> None:
    """Each wrong question gets problem+json that names what to change."""
    for query, status, word in WRONG:
        answer = shared_insights.get(query, status)

        assert answer.headers["content-type"] == "application/problem+json", query
        assert word in answer.json()["detail"], query


def test_an_empty_answer_says_why(shared_insights: Insights) -> None:
    """With the time from which there may be insights; on Friday evening."""
    for query, code, again in EMPTY:
        answer = shared_insights.get(query).json()

        assert (answer["count"], answer["reason"]["code"]) == (0, code), query
        assert answer["reason"]["ask_again_at"] == again, query
    assert shared_insights.get("?limit=1").json()["reason"] is None


@pytest.fixture
def shared_insights(database_url: str, redis_url: str) -> Iterator[Insights]:
    """Return the function with a small market that it has described."""
    keep_active(database_url, ["AAPL", "KO", "MSFT", "NKE", "V", "XOM"])
    starts = [start for session in trading_days(database_url, 22).sessions for start in session.starts("1h")]
    put_rows(database_url, random_walk(active_tickers(database_url), starts))
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        yield insights


def test_it_answers_as_the_api_does(shared_insights: Insights) -> None:
    """ETag and 304, gzip, HEAD, Cache-Control, a request id, limits in headers, 405 for what only reads."""
    answer = shared_insights.get("", X_Request_ID="mine")
    again = shared_insights.get("", 304, If_None_Match=answer.headers["etag"])
    packed = shared_insights.client.build_request("GET", "/insights", headers={"Accept-Encoding": "gzip"})
    raw = shared_insights.client.send(packed, stream=True)
    body = b"".join(raw.iter_raw())
    head = shared_insights.client.head("/insights")
    post = shared_insights.client.post("/insights")
    preflight = shared_insights.client.options("/insights")

    assert answer.headers["x-request-id"] == "mine"
    assert again.content == b""
    assert raw.headers["content-encoding"] == "gzip"
    assert json.loads(gzip.decompress(body)) == answer.json()
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(answer.content))
    assert "max-age=" in answer.headers["cache-control"]
    assert "ratelimit" in answer.headers
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert preflight.status_code == 204
    assert answer.json()["stale"] is False


def test_events_are_taken_at_their_own_path_only(shared_insights: Insights) -> None:
    """An event at the path that the public route leads to is no event; a request that is none gets an error."""
    headers = {"ce-id": "1", "ce-source": "x", "ce-type": TICK, "ce-specversion": "1.0"}

    assert shared_insights.client.post("/insights", headers=headers, content=b"{}").status_code == 405
    assert shared_insights.client.post("/", headers=headers, content=b"{}").status_code == 404
    assert shared_insights.client.post("/insights/events", headers=headers, content=b"{}").status_code == 404
    assert shared_insights.client.post("/events", content=b"{}").status_code == 400
    assert shared_insights.client.get("/events").status_code == 405


def test_without_postgres_what_is_kept_is_served_as_stale(shared_insights: Insights) -> None:
    """Postgres away: the copy with `stale: true`, 503 for a query without a copy, 5xx for events: try again."""
    fresh = shared_insights.get().json()
    server, name = shared_insights.database_url.rsplit("/", 1)
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        time.sleep(5.2)  # Redis's copy of the epoch is used for five seconds
        stale = shared_insights.get()
        unknown = shared_insights.get("?limit=3", 503)
        event = shared_insights.event()
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    wait_until(lambda: shared_insights.client.get("/insights?limit=3").status_code == 200)

    assert (fresh["stale"], stale.json()) == (False, {**fresh, "stale": True})
    assert stale.headers["x-stale"] == "true"
    assert unknown.headers["retry-after"]
    assert event.status_code >= 500
    assert shared_insights.event().status_code == 204
