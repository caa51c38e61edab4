"""/ohlc?as_of=: what was known at an instant, from bars and the versions behind them."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
import pytest

from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving, sessions

REVISE = """
    INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source,
                               received_at, superseded_at)
    VALUES (%(ticker)s, '1h', %(start)s, %(revision)s, %(price)s, %(price)s, %(price)s, %(price)s, %(volume)s,
            %(source)s, %(received)s, %(superseded)s)
"""
FRIDAY = at("2026-11-20 14:30")


def revise(database: str, start: datetime, revision: int, price: str, received: datetime, superseded: datetime) -> None:
    """Put a version of AAPL's bar behind the one that stands."""
    with psycopg.connect(database) as connection:
        connection.execute(
            REVISE,
            {"ticker": "AAPL", "start": start, "revision": revision, "price": price, "volume": 1, "source": "replay",
             "received": received, "superseded": superseded},
        )  # fmt: skip


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Three weeks of AAPL and KO, each bar fetched two minutes after it ended; one of AAPL was revised twice since."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-02", "2026-11-21"))
        put(
            url,
            [Bar(ticker, start, f"{100 + place}") for ticker in ("AAPL", "KO") for place, start in enumerate(starts)],
        )
        revise(url, FRIDAY, 0, "90", at("2026-11-20 15:32"), at("2026-11-20 18:00"))
        revise(url, FRIDAY, 1, "91", at("2026-11-20 18:00"), at("2026-11-20 20:00"))
        change(
            url,
            f"""
            UPDATE bars
               SET revision = 2, received_at = '2026-11-20 20:00Z'
             WHERE ticker = 'AAPL'
               AND start = '{FRIDAY:%Y-%m-%d %H:%M}Z'
            """,
        )
        yield url


@pytest.mark.parametrize(
    ("instant", "newest", "close", "revision"),
    [
        ("2026-11-20T15:31:00Z", "2026-11-19T20:30:00Z", None, None),
        ("2026-11-20T15:32:00Z", "2026-11-20T14:30:00Z", "90", 0),
        ("2026-11-20T17:59:59Z", "2026-11-20T16:30:00Z", "90", 0),
        ("2026-11-20T18:00:00Z", "2026-11-20T16:30:00Z", "91", 1),
        ("2026-11-20T20:00:00Z", "2026-11-20T18:30:00Z", "198.5", 2),
        ("2026-11-20T22:00:00Z", "2026-11-20T20:30:00Z", "198.5", 2),
    ],
)
def test_each_bar_is_as_it_stood_then(
    api: Api, instant: str, newest: str, close: str | None, revision: int | None
) -> None:
    """The version that had been fetched by then, its number with it; what had not been fetched yet is not there."""
    answer = api.json(f"/ohlc/AAPL?as_of={instant}&limit=20")

    assert answer["items"][-1]["datetime"] == newest
    assert answer["known_at"] == instant
    found = {item["datetime"]: (item["close"], item["revision"]) for item in answer["items"]}
    assert found.get("2026-11-20T14:30:00Z") == (close and (Decimal(close), revision))


def test_as_of_after_everything_equals_no_as_of(api: Api) -> None:
    """An instant after everything is the same question as none."""
    items = api.items("/ohlc/AAPL")

    assert api.items("/ohlc/AAPL?as_of=2026-11-20T21:59:00Z") == items
    assert api.json("/ohlc/AAPL")["known_at"] is None


def test_before_anything_was_fetched_nothing_is_known(api: Api) -> None:
    """The answer is whole and empty."""
    answer = api.json("/ohlc?as_of=2026-10-01")

    assert (answer["count"], answer["items"], answer["as_of"], answer["next_cursor"]) == (0, [], None, None)
    assert api.items("/ohlc?interval=1w&as_of=2026-10-01") == []


def test_longer_bars_are_made_of_what_was_known(api: Api) -> None:
    """A day asked for as of noon has the hours until noon, at the prices that they had then."""
    (day,) = api.items("/ohlc/AAPL?interval=1d&limit=1&as_of=2026-11-20T18:00:00Z")

    assert (day["date"], day["bars"], day["complete"]) == ("2026-11-20", 3, False)
    assert (day["open"], day["low"], day["source"]) == (91, 91, "mixed")
    (whole,) = api.items("/ohlc/AAPL?interval=1d&limit=1")
    assert (whole["bars"], whole["complete"], whole["source"]) == (7, True, "simulated")
    (week,) = api.items("/ohlc/AAPL?interval=1w&limit=1&as_of=2026-11-17T12:00:00Z")
    assert (week["date"], week["bars"], week["bars_expected"]) == ("2026-11-16", 7, 35)


@pytest.mark.parametrize("interval", ["1h", "1d"])
@pytest.mark.parametrize("query", ["", "start=2026-11-03", "order=desc"])
def test_pages_with_as_of_return_all_bars_known_then(api: Api, interval: str, query: str) -> None:
    """Cursors go on in what was known then, and serve no other instant."""
    then = "as_of=2026-11-20T18:00:00Z"
    path = f"/ohlc?tickers=AAPL,KO&interval={interval}&{then}&{query}".rstrip("&")
    whole = api.items(f"{path}&limit=2500")
    walked: list[dict[str, Any]] = []
    page, cursor = f"{path}&limit=4", ""
    while page:
        answer = api.get(page)
        walked += answer.json(parse_float=Decimal)["items"]
        cursor = answer.json()["next_cursor"] or cursor
        page = urljoin(page, answer.links["next"]["url"] or "") if answer.links else ""

    assert sorted(walked, key=_key) == sorted(whole, key=_key)
    other = path.replace("18:00:00Z", "18:00:01Z")
    assert api.get(f"{other}&limit=4&cursor={cursor}", 400).json()["errors"][0]["parameter"] == "cursor"


def _key(item: dict[str, Any]) -> tuple[str, int]:
    return item["ticker"], item["timestamp"]


def test_a_response_about_the_past_is_kept_for_an_hour(database_url: str, redis_url: str) -> None:
    """A past state does not change; the state at a future instant may."""
    put(database_url, [Bar("AAPL", FRIDAY, "100")])
    with serving(database_url, redis_url) as api:
        first = api.get("/ohlc/AAPL?as_of=2026-11-20T16:00:00Z")
        assert (first.json()["count"], first.headers["cache-control"].split(", ")[1]) == (1, "max-age=3600")
        assert "max-age=3600" not in api.get("/ohlc/AAPL?as_of=2026-11-21").headers["cache-control"]
