"""For how long others may keep an answer: until the next bar is due."""

import re
from datetime import UTC, datetime

import pytest

from tests.reading import Api, Bar, at, change, put, serving


@pytest.mark.parametrize(
    ("now", "lacking", "seconds"),
    [
        ("2026-11-20T15:31:00+00:00", False, 3600),
        ("2026-11-20T16:30:00+00:00", False, 60),
        ("2026-11-20T16:30:59+00:00", False, 1),
        ("2026-11-20T16:31:00+00:00", False, 5),
        ("2026-11-20T15:31:00+00:00", True, 5),
        ("2026-11-20T20:31:00+00:00", True, 5),
        ("2026-11-21T12:00:00+00:00", False, 5),
    ],
)
def test_caches_may_keep_an_answer_until_the_next_bar_is_due(
    database_url: str, redis_url: str, now: str, lacking: bool, seconds: int
) -> None:
    """max-age ends when the next bar counts as finished; while one is overdue it is a matter of seconds."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker NOT IN ('AAPL', 'MSFT')")
    put(database_url, [Bar(ticker, at("2026-11-20 14:30")) for ticker in ("AAPL", "MSFT")[: 1 if lacking else 2]])

    with serving(database_url, redis_url, now) as api:
        ages = {path: api.get(path).headers["cache-control"] for path in ("/latest", "/ohlc/AAPL", "/movers")}

    assert ages == dict.fromkeys(ages, f"public, max-age={seconds}, stale-if-error=86400")


def test_the_time_that_is_left_runs_down(database_url: str, redis_url: str) -> None:
    """max-age of an unchanged response in constant use counts down."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker <> 'AAPL'")
    put(database_url, [Bar("AAPL", at("2026-11-20 15:30"))])
    clock = f"2026-11-20T17:30:05+00:00 {datetime.now(UTC).isoformat()} 8"

    with serving(database_url, redis_url, CLOCK=clock) as api:
        ages = [60]
        while (age := max_age(api)) <= ages[-1] and age != 5:
            ages.append(age)

    assert age == 5  # overdue: it may come at any moment
    assert len(set(ages)) >= 4


def max_age(api: Api) -> int:
    """Return max-age of the newest bars in seconds."""
    return int(re.findall("max-age=([0-9]+)", api.get("/latest").headers["cache-control"])[0])


def test_nobody_waits_over_a_weekend(database_url: str, redis_url: str) -> None:
    """With complete data and a closed market max-age is an hour, because corrections come at any time."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker <> 'AAPL'")
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30"))])

    with serving(database_url, redis_url, "2026-11-21T12:00:00+00:00") as api:
        assert "max-age=3600," in api.get("/latest").headers["cache-control"]
        assert "max-age=1," in api.get("/status").headers["cache-control"]
