"""/ohlc: days, weeks and months, derived from the hourly bars of their sessions."""

from tests.api.sixty_sessions import api as api
from tests.api.sixty_sessions import database as database
from tests.reading import Api


def test_a_day_is_made_of_its_session(api: Api, database: str) -> None:
    """Open of the first hour, close of the last, extremes of all, volume in sum; named by the session's opening."""
    rows = api.items("/ohlc/AAPL?start=2026-11-05&end=2026-11-06")

    (day,) = api.items("/ohlc/AAPL?interval=1d&start=2026-11-05&end=2026-11-06")

    assert day == {
        "ticker": "AAPL",
        "name": "Apple Inc.",
        "stored_company_name": "Apple Inc.",
        "interval": "1d",
        "date": "2026-11-05",
        "datetime": "2026-11-05T14:30:00Z",
        "timestamp": 1793889000,
        "end": "2026-11-05T21:00:00Z",
        "open": rows[0]["open"],
        "high": rows[-1]["high"],
        "low": rows[0]["low"],
        "close": rows[-1]["close"],
        "volume": sum(row["volume"] for row in rows),
        "source": "simulated",
        "sessions": 1,
        "bars": 7,
        "bars_expected": 7,
        "complete": True,
    }


def test_five_days_are_five_sessions(api: Api) -> None:
    """interval=1d&limit=5 are the last five sessions: not Thanksgiving, but the half day after it, of four hours."""
    items = api.items("/ohlc/AAPL?interval=1d&limit=5")

    assert [(item["date"], item["end"][11:16], item["bars"], item["complete"]) for item in items] == [
        ("2026-11-20", "21:00", 7, True),
        ("2026-11-23", "21:00", 7, True),
        ("2026-11-24", "21:00", 7, True),
        ("2026-11-25", "21:00", 7, True),
        ("2026-11-27", "18:00", 4, True),
    ]


def test_weeks_keep_to_new_york_when_the_clocks_change(api: Api) -> None:
    """The weeks on both sides of the end of summer time open an hour apart in UTC, and hold 35 bars each."""
    items = api.items("/ohlc/AAPL?interval=1w&start=2026-10-25&end=2026-11-08")

    assert [(item["date"], item["datetime"], item["end"], item["sessions"], item["bars"]) for item in items] == [
        ("2026-10-26", "2026-10-26T13:30:00Z", "2026-10-30T20:00:00Z", 5, 35),
        ("2026-11-02", "2026-11-02T14:30:00Z", "2026-11-06T21:00:00Z", 5, 35),
    ]


def test_a_short_week_begins_with_its_first_session(api: Api) -> None:
    """The week of Labor Day is named by its Monday and opens on Tuesday; that of Thanksgiving has four sessions."""
    items = api.items("/ohlc/AAPL?interval=1w&start=2026-09-01")

    found = {item["date"]: (item["datetime"], item["sessions"], item["bars_expected"]) for item in items}
    assert found["2026-09-07"] == ("2026-09-08T13:30:00Z", 4, 28)
    assert found["2026-11-23"] == ("2026-11-23T14:30:00Z", 4, 25)


def test_months_are_calendar_months_at_the_exchange(api: Api) -> None:
    """A month is named by its first day and opens with its first session."""
    items = api.items("/ohlc/AAPL?interval=1mo")

    assert [(item["date"], item["datetime"], item["sessions"], item["complete"]) for item in items] == [
        ("2026-09-01", "2026-09-01T13:30:00Z", 21, True),
        ("2026-10-01", "2026-10-01T13:30:00Z", 22, True),
        ("2026-11-01", "2026-11-02T14:30:00Z", 20, False),
    ]
    assert (items[-1]["bars"], items[-1]["bars_expected"]) == (130, 137), "the session of 30 November is to come"


def test_a_gap_shows_in_a_derived_bar(api: Api) -> None:
    """A day that lacks hours says how many it has; a volume that is not known of every hour is not known."""
    (day,) = api.items("/ohlc/XOM?interval=1d&start=2026-11-05&end=2026-11-06")

    assert (day["bars"], day["bars_expected"], day["complete"], day["volume"]) == (2, 7, False, None)


def test_a_derived_bar_is_in_the_window_if_it_starts_there(api: Api) -> None:
    """A window that begins on a Wednesday does not cut a week in two: it begins with the next one."""
    items = api.items("/ohlc/AAPL?interval=1w&start=2026-11-04&end=2026-11-16")

    assert [(item["date"], item["complete"]) for item in items] == [("2026-11-09", True)]


def test_as_of_is_the_end_of_the_newest_hour(api: Api) -> None:
    """The answer is as of the end of the newest stored bar in it, also where that went into a longer one."""
    assert api.json("/ohlc/AAPL?interval=1mo")["as_of"] == "2026-11-27T18:00:00Z"
    assert api.json("/ohlc/KO?interval=1mo")["as_of"] == "2026-11-06T21:00:00Z"
    assert api.json("/ohlc?tickers=AAPL,KO&interval=1d")["source"] == "mixed"
