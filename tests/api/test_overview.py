"""/overview: every ticker in columns, with a place for each hour of three sessions."""

from functions.api.response_models import OverviewResponse
from tests.reading import Bar, at, hours, put, serving, sessions


def test_closes_are_one_per_hour_and_null_where_a_bar_is_missing(database_url: str, redis_url: str) -> None:
    """Three sessions, one of them short, have a place for every hour; nothing is carried into a gap."""
    week = hours(sessions(database_url, "2026-11-24", "2026-11-28"))  # Thanksgiving has no hour, Friday has four
    gap = at("2026-11-27 15:30")
    put(database_url, [Bar("AAPL", start, str(100 + place)) for place, start in enumerate(week) if start != gap])
    put(database_url, [Bar("MSFT", week[-2], "400"), Bar("XOM", week[0], "117")])

    with serving(database_url, redis_url, "2026-11-27T19:00:00+00:00") as api:
        overview = OverviewResponse.model_validate(api.json("/overview"))
        movers = {one["profile"]["ticker"]: one for one in api.items("/movers?kind=active&limit=50")}

    shown = [hour.datetime for hour in overview.hours]
    closes = {item.ticker: item.closes for item in overview.items}
    assert shown == week
    assert overview.hours[-1].end == at("2026-11-27 18:00")
    assert [None if close is None else float(close) for close in closes["AAPL"]] == [
        None if start == gap else 100.5 + place for place, start in enumerate(week)
    ]
    assert [place for place, close in enumerate(closes["MSFT"]) if close is not None] == [len(week) - 2]
    assert [place for place, close in enumerate(closes["XOM"]) if close is not None] == [0]
    assert [item.ticker for item in overview.items] == ["AAPL", "MSFT", "XOM"]
    for item in overview.items:
        if window := movers.get(item.ticker, {}).get("window"):
            assert (item.session_volume, item.session_high) == (window["volume"], window["high"])


def test_an_empty_database_has_no_hours(database_url: str, redis_url: str) -> None:
    """Without a bar there is neither an hour nor a ticker."""
    with serving(database_url, redis_url) as api:
        answer = api.json("/overview")

    assert (answer["count"], answer["as_of"], answer["hours"], answer["items"]) == (0, None, [], [])
