"""Problems of the api: each says how to correct it, and no input makes the function fail."""

import psycopg
import pytest

from tests.reading import Api, serving


@pytest.mark.parametrize("path", ["/nothing", "/latest/", "/ohlc/AAPL/more", "/tickers//", "/docs/"])
def test_a_path_that_leads_nowhere_is_a_problem(api: Api, path: str) -> None:
    """404 is problem+json with a stable type, whatever the method."""
    for method in ("GET", "POST", "OPTIONS"):
        answer = api.client.request(method, path)

        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["instance"] == path
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "parameter", "says"),
    [
        ("/latest?limit=3", "limit", "Parameters: fields, format, list, tickers"),
        ("/latest?fields=price", "fields", "has no price. Fields: datetime, timestamp, ticker"),
        ("/latest/AAPL?format=text", "fields", "should name one field"),
        ("/search", "q", "should be a ticker or a part of a name"),
        ("/search?q=%20", "q", "should be a ticker or a part of a name"),
        ("/search?q=%00", "q", "should be a ticker or a part of a name"),
        ("/latest?fields=", "fields", "is empty. Fields: datetime"),
        ("/movers?sort=x", "sort", "Parameters: basis, format, kind, limit"),
        ("/movers?limit=1&limit=2", "limit", "more than once"),
        ("/movers?limit=1001", "limit", "from 1 to 1000"),
        ("/movers?kind=best", "kind", "gainers, losers"),
        ("/ohlc/AAPL?limit=-1", "limit", "from 1 to 5000"),
        ("/ohlc/AAPL?limit=5001", "limit", "from 1 to 5000"),
        ("/ohlc/AAPL?limit=", "limit", "whole number"),
        ("/ohlc/AAPL?limit=99999999999999999999999999", "limit", ""),
        ("/ohlc/AAPL?interval=2h", "interval", "1h, 1d, 1w, 1mo"),
        ("/ohlc/AAPL?start=2026-11-05&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-06&end=2026-11-05", "end", "later than start"),
        ("/ohlc/AAPL?start=2026-11-05T09:30:00", "start", "offset"),
        ("/ohlc/AAPL?start=2026-02-30", "start", "should be a date"),
        ("/ohlc/AAPL?start=0000-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?start=0001-01-01", "start", "between 1970 and 2199"),
        ("/ohlc/AAPL?start=99999-01-01", "start", "should be a date"),
        ("/ohlc/AAPL?end=9999-12-31", "end", "1970"),
        ("/ohlc/AAPL?end=999999999999", "end", ""),
        ("/ohlc/AAPL?start=2026", "start", "Unix seconds of at least 9 digits"),
        ("/coverage?end=202611", "end", "Unix seconds of at least 9 digits"),
        ("/ohlc/AAPL?as_of=-100000000", "as_of", "should be a date"),
        ("/ohlc/AAPL?start=%00", "start", "should be a date"),
        ("/ohlc/AAPL?start=%FF", "", "percent encoding"),
        ("/ohlc?tickers=", "tickers", "should list tickers"),
        ("/ohlc?tickers=AAPL,M%00", "tickers", "should be tickers"),
        ("/ohlc?tickers=%C3%9F", "tickers", "should be tickers"),
        ("/coverage?detail=all", "detail", "sessions, totals"),
        ("/?x=1", "x", "Parameters: none"),
    ],
)
def test_a_wrong_parameter_is_named(api: Api, path: str, parameter: str, says: str) -> None:
    """400 is problem+json that names each wrong parameter and says how to correct it."""
    problem = api.get(path, 400).json()

    assert problem["type"] == "https://stocksalot.tech/problems/bad-parameter"
    (fault,) = problem["errors"]
    assert fault["parameter"] == parameter
    assert says in fault["detail"]
    assert parameter in problem["detail"]


def test_all_wrong_parameters_are_named_at_once(api: Api) -> None:
    """Three mistakes in one request are three errors in its problem."""
    errors = api.get("/ohlc/AAPL?limit=0&interval=x&colour=red", 400).json()["errors"]

    assert {fault["parameter"] for fault in errors} == {"limit", "interval", "colour"}


def test_an_unknown_ticker_is_a_404(api: Api) -> None:
    """In the path or in a list, whether it could be a ticker or not."""
    for path in ("/ohlc/NOPE", "/ohlc?tickers=AAPL,NOPE", "/coverage?tickers=NOPE", "/splits?ticker=NOPE",
                 "/ohlc/a%20b", "/tickers/%00", "/tickers/%C3%9F", "/ohlc/" + "A" * 5000):  # fmt: skip
        problem = api.get(path, 404).json()
        assert problem["type"] == "https://stocksalot.tech/problems/unknown-ticker", path
    assert "NOPE" in api.get("/ohlc?tickers=AAPL,NOPE", 404).json()["detail"]


def test_a_fault_of_ours_tells_nothing(database_url: str, redis_url: str) -> None:
    """An unforeseen error is a 500 problem without a word of its text, and the function lives on."""
    with serving(database_url, redis_url) as api:
        with psycopg.connect(database_url) as connection:
            connection.execute("ALTER VIEW newest_bars RENAME TO hidden_bars")
            connection.execute("ALTER FUNCTION derived_bars RENAME TO hidden_function")
        problem = api.get("/ohlc/AAPL?interval=1d", 500)

        assert problem.json()["type"] == "https://stocksalot.tech/problems/internal-error"
        assert "derived_bars" not in problem.text
        assert api.get("/ohlc/AAPL").status_code == 200
