"""/indicators: values at their bars, what is not whole, pages, formats and the history of strangers."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from functions.api.indicator_models import IndicatorsResponse
from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving, sessions

EVENING = "2026-11-27T22:00:00+00:00"


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Sixty sessions of AAPL, rising by a dollar an hour; of KO without one bar; of XOM, of two sources."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-09-01", "2026-11-28"))
        put(url, [Bar("AAPL", start, f"{100 + place}", 1000 + place) for place, start in enumerate(starts)])
        gap = at("2026-11-18 16:30")
        put(url, [Bar("KO", start, f"{100 + place % 5}") for place, start in enumerate(starts) if start != gap])
        put(url, [Bar("XOM", start, "50", None if start == at("2026-11-25 16:30") else 10) for start in starts])
        change(url, "UPDATE bars SET source = 'replay' WHERE ticker = 'XOM' AND start > '2026-11-24 16:00Z'")
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over them, on the evening of the half day after Thanksgiving."""
    with serving(database, module_redis_url, EVENING) as api:
        yield api


def test_a_value_stands_at_its_bar(api: Api) -> None:
    """The mean of three closes, and the bar that it belongs to, as /ohlc names it."""
    answer = api.json("/indicators/AAPL?indicators=sma:3&limit=2")
    bars = api.items("/ohlc/AAPL?limit=4")

    IndicatorsResponse.model_validate(answer)
    assert [item["values"] for item in answer["items"]] == [
        {"sma_3": sum(bar["close"] for bar in bars[1 + last : 4 + last]) / 3} for last in (-1, 0)
    ]
    for item, bar in zip(answer["items"], bars[2:], strict=True):
        assert all(item[name] == bar[name] for name in ("ticker", "datetime", "timestamp", "end", "close", "source"))
        assert (item["complete"], item["incomplete"]) == (True, {})
    assert answer["indicators"] == [
        {"name": "sma:3", "values": ["sma_3"], "bars": 3, "definition": "Mean of the last 3 closes"}
    ]


def test_all_usual_indicators_come_without_a_parameter(api: Api) -> None:
    """Seven of them, eleven values, all complete where the history is long enough."""
    answer = api.json("/indicators/AAPL?limit=1")

    IndicatorsResponse.model_validate(answer)
    (item,) = answer["items"]
    assert [one["name"] for one in answer["indicators"]] == [
        "sma:20", "ema:20", "rsi:14", "macd:12:26:9", "bollinger:20:2", "atr:14", "vwap",
    ]  # fmt: skip
    assert len(item["values"]) == 11
    assert item["complete"] is True
    assert item["values"]["rsi_14"] == 100, "it has only risen"


@pytest.mark.parametrize("interval", ["1h", "1d", "1w", "1mo"])
def test_a_page_does_not_change_a_value(api: Api, interval: str) -> None:
    """The same values on one page and on many, in either order, and from a start within the history."""
    path = f"/indicators/KO?interval={interval}&indicators=sma:2,ema:3,rsi:2,macd:2:3:2,bollinger:2:1.5,atr:2,vwap"
    whole = api.items(f"{path}&limit=500")

    cursor, pages = "", []
    while cursor is not None:
        page = api.json(f"{path}&limit={max(len(whole) // 3, 1)}{cursor and f'&cursor={cursor}'}")
        pages = [*page["items"], *pages]
        cursor = page["next_cursor"]
    late = whole[len(whole) // 2]["datetime"]

    assert pages == whole
    assert api.items(f"{path}&limit=500&order=desc") == whole[::-1]
    assert api.items(f"{path}&limit=500&start={late}") == whole[len(whole) // 2 :]


def test_too_few_bars_are_a_warm_up(api: Api) -> None:
    """At first there is no value; an exponential average is complete once its first mean weighs nothing any more."""
    items = api.items("/indicators/AAPL?indicators=sma:3,ema:3&start=2026-09-01&limit=20")

    assert [item["incomplete"].get("sma_3") for item in items[:4]] == ["warm-up", "warm-up", None, None]
    assert [item["values"]["sma_3"] is None for item in items[:4]] == [True, True, False, False]
    assert items[2]["values"]["ema_3"] is not None
    settled = [index for index, item in enumerate(items) if item["complete"]]
    assert settled == list(range(12, 20)), "after 10 more bars the first mean weighs less than a thousandth"


def test_a_missing_bar_is_said_as_long_as_a_value_rests_on_both_sides(api: Api) -> None:
    """A mean of three over a gap is incomplete at the two bars whose window crosses it, VWAP for all of the session."""
    items = api.items("/indicators/KO?indicators=sma:3,vwap&start=2026-11-18&end=2026-11-20")

    assert [(item["datetime"][8:13], item["incomplete"]) for item in items[:9]] == [
        ("18T14", {}),
        ("18T15", {}),
        ("18T17", {"sma_3": "gap", "vwap": "gap"}),
        ("18T18", {"sma_3": "gap", "vwap": "gap"}),
        ("18T19", {"vwap": "gap"}),
        ("18T20", {"vwap": "gap"}),
        ("19T14", {}),
        ("19T15", {}),
        ("19T16", {}),
    ]
    assert all(value is not None for item in items for value in item["values"].values())


def test_a_longer_bar_that_lacks_hours_is_a_gap_and_one_that_runs_is_unfinished(api: Api) -> None:
    """Values rest on the day without an hour as long as it is in their window; the month of today is not over."""
    days = api.items("/indicators/KO?interval=1d&indicators=sma:2,vwap&start=2026-11-17&end=2026-11-21")
    (month,) = api.items("/indicators/KO?interval=1mo&indicators=sma:2,vwap&limit=1")

    assert [(day["datetime"][8:10], day["incomplete"]) for day in days] == [
        ("17", {}),
        ("18", {"sma_2": "gap", "vwap": "gap"}),
        ("19", {"sma_2": "gap"}),
        ("20", {}),
    ]
    assert month["incomplete"] == {"sma_2": "unfinished", "vwap": "unfinished"}


def test_a_volume_that_is_not_known_or_of_another_source_is_said(api: Api) -> None:
    """The session's price is null from a bar without a volume on, and incomplete where the source changes."""
    items = api.items("/indicators/XOM?indicators=vwap&start=2026-11-24&end=2026-11-28")

    found = {item["datetime"][8:13]: (item["values"]["vwap"], item["incomplete"].get("vwap")) for item in items}
    assert found["24T15"][1] is None
    assert found["24T17"] == (Decimal("50.166667"), "source-changed")
    assert found["25T15"] == (Decimal("50.166667"), None)
    assert found["25T16"] == found["25T20"] == (None, "volume-unknown")
    assert found["27T14"] == (Decimal("50.166667"), None)
    (day,) = api.items("/indicators/XOM?interval=1d&indicators=vwap&start=2026-11-25&end=2026-11-26")
    assert (day["values"], day["incomplete"]) == ({"vwap": None}, {"vwap": "volume-unknown"})


def test_a_day_has_the_price_of_its_last_hour(api: Api) -> None:
    """VWAP of a day is that of its session, from the hours."""
    (day,) = api.items("/indicators/AAPL?interval=1d&indicators=vwap&start=2026-11-20&end=2026-11-21")
    bars = api.items("/ohlc/AAPL?start=2026-11-20&end=2026-11-21")
    hourly = api.items("/indicators/AAPL?indicators=vwap&start=2026-11-20&end=2026-11-21")

    spent = sum((bar["high"] + bar["low"] + bar["close"]) / 3 * bar["volume"] for bar in bars)
    assert day["values"] == hourly[-1]["values"]
    assert abs(day["values"]["vwap"] - spent / sum(bar["volume"] for bar in bars)) < Decimal("0.000001")


def test_columns_say_what_json_says(api: Api) -> None:
    """CSV has a column for each value and for why it is incomplete; NDJSON has the items."""
    path = "/indicators/KO?indicators=sma:3,macd:2:3:2&start=2026-11-18&end=2026-11-19"
    items = api.items(path)

    answer = api.get(f"{path}&format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [{name: str(value) for name, value in item["values"].items()} for item in items] == [
        {name[7:]: value for name, value in row.items() if name.startswith("values.")} for row in rows
    ]
    assert [row["incomplete.sma_3"] for row in rows] == [item["incomplete"].get("sma_3", "") for item in items]
    assert [row["close"] for row in rows] == [str(item["close"]) for item in items]
    assert answer.headers["content-disposition"] == 'attachment; filename="KO-1h-indicators.csv"'
    assert len(api.get(path, accept="application/x-ndjson").text.splitlines()) == len(items)


def test_no_bars_have_a_reason(api: Api) -> None:
    """A weekend."""
    answer = api.json("/indicators/AAPL?start=2026-11-21&end=2026-11-22")

    IndicatorsResponse.model_validate(answer)
    assert (answer["count"], answer["reason"]["code"]) == (0, "market-closed")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("nosuch", "has no nosuch"),
        ("sma:1", "from 2 to 400 bars in sma"),
        ("sma:401", "from 2 to 400 bars in sma"),
        ("rsi:201", "from 2 to 200 bars in rsi"),
        ("macd:26:12:9", "fewer bars first in macd"),
        ("macd:12", "macd as macd:12:26:9, or macd alone"),
        ("bollinger:20:2.55", "in tenths"),
        ("bollinger:20:11", "0.1 to 10"),
        ("vwap:5", "should have vwap as vwap"),
        (",", "should list indicators"),
        (",".join(f"sma:{length}" for length in range(2, 13)), "at most 10"),
    ],
)
def test_what_is_asked_wrongly_says_what_to_change(api: Api, asked: str, said: str) -> None:
    """Names, numbers of parameters and bounds."""
    (error,) = api.get(f"/indicators/AAPL?indicators={asked}", 400).json()["errors"]

    assert error["parameter"] == "indicators"
    assert said in error["detail"]


def test_a_stranger_gets_nothing_that_rests_on_older_bars(database: str, redis_url: str) -> None:
    """Without a token the first open bars are a warm-up, with a start as without; older bars need a token."""
    with serving(database, redis_url, EVENING, ANONYMOUS_HISTORY_DAYS="30") as api:
        newest = api.json("/indicators/AAPL?indicators=sma:3&limit=5000")
        started = api.json("/indicators/AAPL?indicators=sma:3&start=2026-10-28&limit=5000")
        api.get("/indicators/AAPL?start=2026-10-27", 401)

    assert newest["open_from"] == "2026-10-28T04:00:00Z"
    assert newest["items"][0]["datetime"] == "2026-10-28T13:30:00Z"
    assert [item["incomplete"] for item in newest["items"][:3]] == [{"sma_3": "warm-up"}, {"sma_3": "warm-up"}, {}]
    assert started["items"] == newest["items"]
