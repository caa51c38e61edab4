"""/ohlc: windows, pages, and the formats that tools read."""

import csv
import io
import json
from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import urljoin

import psycopg
import pytest

from tests.api.sixty_sessions import HISTORY, starts_of
from tests.api.sixty_sessions import api as api
from tests.api.sixty_sessions import database as database
from tests.reading import Api, Bar, at, hours, put, serving, sessions


def test_the_newest_bars_come_without_asking_for_a_window(api: Api, database: str) -> None:
    """`limit` without `start` means the newest ones, oldest first."""
    items = api.items("/ohlc/AAPL?limit=5")

    assert [item["datetime"] for item in items] == starts_of(database, *HISTORY)[-5:]


def test_descending_starts_with_the_newest(api: Api, database: str) -> None:
    """`order=desc` turns the rows round, and begins at the end of a window."""
    names = starts_of(database, "2026-11-02", "2026-11-07")

    assert [
        item["datetime"] for item in api.items("/ohlc/AAPL?limit=3&order=desc&start=2026-11-02&end=2026-11-07")
    ] == [*reversed(names[-3:])]


def test_a_window_is_half_open(api: Api) -> None:
    """A bar that starts at `start` is in, one that starts at `end` is out; instants may have any offset, or be Unix."""
    expected = ["2026-11-05T14:30:00Z", "2026-11-05T15:30:00Z"]

    for window in (
        "start=2026-11-05T14:30:00Z&end=2026-11-05T16:30:00Z",
        "start=2026-11-05T09:30:00-05:00&end=2026-11-05T11:30:00-05:00",
        "start=2026-11-05T15:30:00+01:00&end=2026-11-05T17:30:00%2B01:00",
        "start=1793889000&end=1793896200",
    ):
        assert [item["datetime"] for item in api.items(f"/ohlc/AAPL?{window}")] == expected, window


def test_a_date_is_a_day_at_the_exchange(api: Api, database: str) -> None:
    """start=A&end=B with dates are the sessions from A to before B, whatever UTC says of midnight."""
    items = api.items("/ohlc/AAPL?start=2026-11-02&end=2026-11-04")

    assert [item["datetime"] for item in items] == starts_of(database, "2026-11-02", "2026-11-04")


def test_an_hourly_bar_says_when_it_ends(api: Api) -> None:
    """The last bar of a session is half an hour long; all others an hour."""
    items = api.items("/ohlc/AAPL?start=2026-11-20&end=2026-11-21")

    assert [item["end"][11:16] for item in items] == ["15:30", "16:30", "17:30", "18:30", "19:30", "20:30", "21:00"]


@pytest.mark.parametrize("limit", [1, 7, 100])
@pytest.mark.parametrize("query", ["start=2026-09-01", "", "order=desc", "start=2026-10-01&end=2026-11-01&order=desc"])
def test_walking_the_cursors_gives_exactly_the_whole(api: Api, query: str, limit: int) -> None:
    """Page after page, forwards or backwards, of one ticker: every bar of the window once, none else."""
    window = query.replace("order=desc", "").strip("&")
    whole = api.items(f"/ohlc/XOM?limit=5000&{window}")

    walked = walk(api, f"/ohlc/XOM?{query}&limit={limit}".replace("?&", "?"))

    assert sorted(walked, key=lambda item: item["timestamp"]) == whole
    if "desc" in query:
        assert walked == whole[::-1]
    elif query:
        assert walked == whole


@pytest.mark.parametrize("interval", ["1h", "1d", "1w", "1mo"])
@pytest.mark.parametrize("query", ["", "start=2026-08-31"])
def test_walking_several_tickers_gives_each_whole(api: Api, interval: str, query: str) -> None:
    """Every page holds the tickers in order, each in order of time; tickers that are through drop out."""
    tickers = ["AAPL", "KO", "XOM"]

    walked = walk(api, f"/ohlc?tickers=XOM,AAPL,KO,KO&interval={interval}&limit=9&{query}".rstrip("&"))

    for ticker in tickers:
        whole = api.items(f"/ohlc/{ticker}?interval={interval}&limit=5000")
        mine = [item for item in walked if item["ticker"] == ticker]
        assert sorted(mine, key=lambda item: item["timestamp"]) == whole


def walk(api: Api, path: str) -> list[dict[str, Any]]:
    """All items from *path* on, following the Link header as a client would."""
    items: list[dict[str, Any]] = []
    for _ in range(1000):
        answer = api.get(path)
        page = answer.json(parse_float=Decimal)
        keys = [(item["ticker"], item["timestamp"] * (-1 if "order=desc" in path else 1)) for item in page["items"]]
        assert all(one < other for one, other in pairwise(keys))
        items += page["items"]
        if not page["next_cursor"]:
            assert "next" not in answer.links
            return items
        path = urljoin(path, answer.links["next"]["url"])
        assert page["next_cursor"] in path
    pytest.fail(f"no end after {len(items)} items")


def test_a_tampered_cursor_is_refused(api: Api) -> None:
    """A cursor that was changed, cut, or belongs to another query is a 400."""
    path = "/ohlc/AAPL?start=2026-09-01&limit=10"
    cursor = api.json(path)["next_cursor"]
    changed = [
        cursor[:place] + ("A" if cursor[place] != "A" else "B") + cursor[place + 1 :] for place in range(len(cursor))
    ]

    for word in [*changed, cursor[:-1], cursor + "A", "x", "%00", ""]:
        problem = api.get(f"{path}&cursor={word}", 400).json()
        assert [fault["parameter"] for fault in problem["errors"]] == ["cursor"], word
    for other in (
        "/ohlc/MSFT?start=2026-09-01&limit=10",
        "/ohlc/AAPL?start=2026-09-02&limit=10",
        "/ohlc/AAPL?start=2026-09-01&limit=10&interval=1d",
        "/ohlc/AAPL?limit=10",
        "/ohlc?start=2026-09-01&limit=10",
    ):
        assert api.get(f"{other}&cursor={cursor}", 400).json()["type"].endswith("/bad-parameter"), other
    assert api.json(f"{path.replace('10', '3')}&cursor={cursor}")["count"] == 3, "a page may be longer or shorter"
    same = "/ohlc/AAPL?start=2026-09-01T04:00:00Z&limit=10"
    assert api.json(f"{same}&cursor={cursor}")["count"] == 10, "a date begins at midnight in New York"


def test_too_many_bars_for_one_answer_is_refused(api: Api) -> None:
    """An answer holds 5000 bars: of two tickers, 2500 each."""
    problem = api.get("/ohlc?tickers=AAPL,MSFT&limit=2501", 400).json()

    assert problem["errors"] == [
        {"parameter": "limit", "detail": "should be at most 2500 for 2 tickers: a response has at most 5000 bars"}
    ]
    assert api.json("/ohlc?tickers=AAPL,MSFT&limit=2500")["count"] > 800


def test_all_tickers_are_meant_when_none_is_named(api: Api) -> None:
    """/ohlc alone answers the newest bars of every ticker that is tracked."""
    answer = api.json("/ohlc?limit=2")

    assert [item["ticker"] for item in answer["items"]] == ["AAPL", "AAPL", "KO", "KO", "MSFT", "MSFT", "XOM", "XOM"]


QUERIES = ["/ohlc/AAPL?limit=20", "/ohlc?tickers=AAPL,XOM&limit=9", "/ohlc/XOM?interval=1w", "/ohlc/BA"]


@pytest.mark.parametrize("path", QUERIES)
def test_a_spreadsheet_reads_what_json_says(api: Api, path: str) -> None:
    """CSV has a head, CRLF, every digit, and nothing where a value is unknown; `format` or Accept asks for it."""
    answer = api.get(path, accept="text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))

    expected = [
        {name: "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
         for name, value in item.items() if name not in ("name", "stored_company_name")}
        for item in api.items(path)
    ]  # fmt: skip
    assert rows == expected
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.text.count("\r\n") == answer.text.count("\n") == len(expected) + 1
    assert api.get(f"{path}{'&' if '?' in path else '?'}format=csv").content == answer.content


@pytest.mark.parametrize("path", QUERIES)
def test_line_wise_tools_read_what_json_says(api: Api, path: str) -> None:
    """NDJSON is one item a line; what JSON has around them is in headers."""
    answer = api.get(path, accept="application/x-ndjson")
    whole = api.json(path)

    assert [json.loads(line, parse_float=Decimal) for line in answer.text.splitlines()] == whole["items"]
    assert (answer.headers["x-as-of"], answer.headers["x-source"]) == (whole["as_of"] or "", whole["source"] or "")
    assert ("next" in answer.links) == bool(whole["next_cursor"])


def test_a_format_that_is_not_offered_is_refused(api: Api) -> None:
    """`format` is one of three; an Accept header that names none of them gets JSON."""
    assert api.get("/ohlc/AAPL?format=xml", 400).json()["errors"][0]["parameter"] == "format"
    assert api.get("/ohlc/AAPL", accept="text/html").headers["content-type"] == "application/json"


def test_hours_are_as_stored(api: Api, database: str) -> None:
    """Every stored bar of a ticker comes out of one big answer, figure by figure."""
    with psycopg.connect(database, options="-c timezone=UTC") as connection:
        stored = connection.execute(
            """
            SELECT start, open, high, low, close, volume, source, revision
              FROM bars
             WHERE ticker = 'AAPL'
             ORDER BY start
            """
        ).fetchall()

    items = api.items("/ohlc/AAPL?limit=5000")

    names = ("open", "high", "low", "close", "volume", "source", "revision")
    assert [(at(item["datetime"][:16].replace("T", " ")), *(item[name] for name in names)) for item in items] == stored


@pytest.mark.parametrize("interval", ["1h", "1d"])
def test_an_item_carries_the_names_of_the_first_system(database_url: str, redis_url: str, interval: str) -> None:
    """JSON items have the company's name of now and the stored one, whatever is in them; tables have neither."""
    put(database_url, [Bar("AAPL", start) for start in hours(sessions(database_url, "2026-11-19", "2026-11-21"))])
    name = 'Apple "{"ticker":"AAPL",\\ ümlaut'
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE companies SET name = %s WHERE ticker = 'AAPL'", [name])
        [(stored,)] = connection.execute("SELECT name FROM tickers WHERE ticker = 'AAPL'").fetchall()

    with serving(database_url, redis_url) as api:
        items = api.items(f"/ohlc/AAPL?interval={interval}")
        table = api.get(f"/ohlc/AAPL?interval={interval}&format=csv").text

    assert {(item["name"], item["stored_company_name"]) for item in items} == {(name, stored)}
    assert "name" not in table.splitlines()[0]
