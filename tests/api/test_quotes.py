"""Quotes for whatever shows quotes: tickers, fields, one number, a search, the calendar, and tables as files."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import urlsplit

import pytest
from pydantic import BaseModel

from functions.api import mover_models, quality_models, response_models, status_models, tables
from tests.conftest import new_database
from tests.reading import Api, Bar, change, hours, put, serving, sessions

TABLES = ("/tickers", "/search?q=a", "/latest", "/latest/AAPL", "/movers?basis=previous_bar&kind=volatile", "/coverage",
          "/calendar")  # fmt: skip


@pytest.fixture(scope="module")
def api(postgres_server: str, migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over two sessions of four tickers; FB was renamed."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-19", "2026-11-21"))
        change(url, "INSERT INTO tickers (ticker, name) VALUES ('BRK.B', '=Berkshire, \"B\"')")
        change(url, "INSERT INTO tickers (ticker, name, active, renamed_to) VALUES ('OLD', 'Old Inc', false, 'KO')")
        change(url, "INSERT INTO tickers (ticker, name, active, renamed_to) VALUES ('OLDER', 'Old Inc', false, 'OLD')")
        change(url, "UPDATE tickers SET renamed_to = 'KO' WHERE ticker = 'AAPL'")
        change(url, "INSERT INTO tickers (ticker, name, active, renamed_to) VALUES ('GO.A', 'Go', false, 'KO')")
        put(url, [Bar(name, start, f"{100 + n}.10") for name in ("AAPL", "BRK.B", "KO", "META")
                  for n, start in enumerate(starts)])  # fmt: skip
        with serving(url, module_redis_url) as api:
            yield api


def test_a_sensor_gets_its_tickers_and_fields_alone(api: Api) -> None:
    """In the order of the fields, each value as it stands in the whole response."""
    whole = {item["ticker"]: item for item in api.items("/latest")}
    some = api.json("/latest?tickers=KO,AAPL&fields=close,ticker,session")

    assert [list(item.items()) for item in some["items"]] == [
        [(name, whole[ticker][name]) for name in ("close", "ticker", "session")] for ticker in ("AAPL", "KO")
    ]
    assert some["as_of"] == "2026-11-20T21:00:00Z"


@pytest.mark.parametrize(("field", "text"), [("close", "113.60\n"), ("ticker", "AAPL\n"), ("is_newest", "true\n")])
def test_one_value_is_one_line_of_text(api: Api, field: str, text: str) -> None:
    """With the stored digits, and headers for the time and the source."""
    answer = api.get(f"/latest/AAPL?fields={field}&format=text")

    assert answer.text == text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (answer.headers["x-as-of"], answer.headers["x-source"]) == ("2026-11-20T21:00:00Z", "simulated")


def test_accept_chooses_text_where_one_field_has_it(api: Api) -> None:
    """By weight; JSON where several fields have no form as text; the parameter wins."""
    one = "/latest/AAPL?fields=close"

    assert api.get(one, accept="text/plain").text == "113.60\n"
    assert api.get(one, accept="text/plain;q=0.5, application/json").json()["close"]
    assert api.get(one, accept="text/*").headers["content-type"].startswith("text/csv")
    assert api.get(f"{one},ticker", accept="text/plain").headers["content-type"] == "application/json"
    assert api.get(f"{one}&format=csv", accept="text/plain").headers["content-type"].startswith("text/csv")


def test_an_empty_ranking_says_whether_any_ticker_could_be_measured(api: Api) -> None:
    """A usual volume needs five sessions, of which there are two; a falling price needs one that fell."""
    volume, losers = (api.json(f"/movers?kind={kind}&basis=session_open") for kind in ("unusual_volume", "losers"))

    assert volume["reason"]["code"] == "none-measured"
    assert volume["reason"]["text"] == "No ticker can be measured: 4 lack a bar that the measure needs."
    assert losers["reason"]["code"] == "none-qualifies"
    assert losers["reason"]["text"] == "Of 4 tickers that could be measured none fell."


@pytest.mark.parametrize(("query", "accept"), [("", "text/csv"), ("&format=json", "text/csv"), ("", "*/*")])
def test_the_next_page_has_the_format_of_the_first(api: Api, query: str, accept: str) -> None:
    """Whether Accept or the parameter chose it, and whatever the next request accepts."""
    first = api.get(f"/ohlc/AAPL?limit=5{query}", accept=accept)
    link = first.headers["link"].partition(">")[0].removeprefix("<")
    later = api.get(f"/ohlc/AAPL{link}", accept="*/*")

    assert later.headers["content-type"] == first.headers["content-type"]
    if query:
        assert api.get(f"/ohlc/AAPL{link}", accept="text/csv").json()["count"] == 5


@pytest.mark.parametrize("spelling", ["BRK.B", "brk.b", "BRK-B", "brk-b", "BRK/B", "BRK%2FB"])
def test_spellings_of_a_ticker_are_one_ticker(api: Api, spelling: str) -> None:
    """In paths and in lists."""
    assert api.json(f"/latest/{spelling}")["ticker"] == "BRK.B"
    assert {item["ticker"] for item in api.items(f"/ohlc/{spelling}?limit=2")} == {"BRK.B"}
    assert [item["ticker"] for item in api.items(f"/latest?tickers=KO,{spelling}")] == ["BRK.B", "KO"]


@pytest.mark.parametrize(
    ("path", "location"),
    [("/ohlc/FB?interval=1d", "META?interval=1d"), ("/latest/fb", "META"), ("/ohlc/OLD", "KO"), ("/ohlc/OLDER", "KO"),
     ("/ohlc/GO/A?limit=1", "../KO?limit=1")],
)  # fmt: skip
def test_a_renamed_ticker_leads_to_its_new_name(api: Api, path: str, location: str) -> None:
    """By a redirect that caches keep; in a list it is the new name."""
    answer = api.client.get(path, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (301, location)
    assert "max-age=86400" in answer.headers["cache-control"]
    api.get(path)
    assert [item["ticker"] for item in api.items("/latest?tickers=FB,OLD")] == ["KO", "META"]


def test_the_profile_of_a_renamed_ticker_stays(api: Api) -> None:
    """It says what the ticker is called now."""
    assert api.json("/tickers/OLD")["renamed_to"] == "KO"


@pytest.mark.parametrize("path", ["/latest/APPL", "/ohlc?tickers=KO,APPL", "/ohlc/AAPPL", "/coverage?tickers=APPL"])
def test_an_unknown_ticker_is_told_what_it_resembles(api: Api, path: str) -> None:
    """And one that resembles nothing is told where the tickers are."""
    assert "Did you mean AAPL" in api.get(path, 404).json()["detail"]
    assert "Did you mean" not in api.get("/latest/QQQQQ", 404).json()["detail"]


@pytest.mark.parametrize(
    ("words", "first"),
    [("AAPL", "AAPL"), ("aap", "AAPL"), ("apple", "AAPL"), ("brk-b", "BRK.B"), ("cola", "KO"), ("FB", "META"),
     ("morgan", "MS"), ("K", "KO"), ("%", None), ("_", None), ("xyzzy", None)],
)  # fmt: skip
def test_a_search_finds_tickers_and_names(api: Api, words: str, first: str | None) -> None:
    """The ticker itself first, then those that begin so, then names; nothing in the words is a pattern."""
    found = api.json(f"/search?q={words.replace('%', '%25')}")

    assert (found["items"][0]["ticker"] if found["items"] else None) == first
    assert (found["reason"] is None) == (first is not None)


def test_the_calendar_says_when_the_exchange_trades(api: Api) -> None:
    """Sessions with half days, whether it is open now, and the next change."""
    found = api.json("/calendar?start=2026-11-23&end=2026-12-01")

    assert (found["open_now"], found["next_change_at"]) == (False, "2026-11-23T14:30:00Z")
    assert [(item["date"], item["half_day"], item["bars"]) for item in found["items"]] == [
        ("2026-11-23", False, 7),
        ("2026-11-24", False, 7),
        ("2026-11-25", False, 7),
        ("2026-11-27", True, 4),
        ("2026-11-30", False, 7),
    ]
    assert api.json("/calendar")["count"] > 20


def columns(model: Any, before: str = "") -> Iterator[str]:
    """The members of *model* that are no lists, those of objects in it as `object.member`."""
    for name, field in model.model_fields.items():
        inner = next((one for one in (field.annotation, *get_args(field.annotation)) if is_model(one)), None)
        if "list" in str(field.annotation):
            continue
        if inner:
            yield from columns(inner, f"{name}.")
        else:
            yield before + name


def is_model(kind: Any) -> bool:
    """Whether *kind* is a response model."""
    return isinstance(kind, type) and issubclass(kind, BaseModel)


@pytest.mark.parametrize(
    ("table", "model"),
    [
        (tables.TICKERS, response_models.TickerItem),
        (tables.LATEST, response_models.LatestItem),
        (tables.MOVERS, mover_models.Mover),
        (tables.SESSIONS, status_models.CalendarItem),
        (tables.COVERAGE, quality_models.SessionCoverage),
    ],
)
def test_a_table_has_every_member(table: tuple[str, ...], model: type[BaseModel]) -> None:
    """No figure of the JSON is missing in the file; lists have no column."""
    assert set(table) == set(columns(model))


@pytest.mark.parametrize("path", TABLES)
def test_a_file_says_what_json_says(api: Api, path: str) -> None:
    """Row by row and digit by digit, asked for by parameter or by Accept."""
    joint = "&" if "?" in path else "?"
    whole = api.get(path).json(parse_float=str, parse_int=str)
    items = whole.get("items", [whole])
    text = api.get(f"{path}{joint}format=csv")
    lines = api.get(path, accept="application/x-ndjson")

    assert api.get(path, accept="text/csv").content == text.content
    rows = list(csv.DictReader(io.StringIO(text.text)))
    assert len(rows) == len(items) > 0
    for row, item in zip(rows, items, strict=True):
        flat = dict(flatten(item))
        assert row == {name: cell(flat[name]) for name in row}
    assert [json.loads(line, parse_float=str, parse_int=str) for line in lines.text.splitlines()] == [
        {name: value for name, value in item.items() if "items" in whole or name != "stale"} for item in items
    ]


def flatten(item: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """The members of *item*, those of objects in it as `object.member`."""
    for name, value in item.items():
        if isinstance(value, dict):
            yield from flatten(value, f"{before}{name}.")
        else:
            yield before + name, value


def cell(value: Any) -> str:
    """How *value* is written in CSV."""
    if value is None:
        return ""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    is_number = text.lstrip("-").replace(".", "").isdigit()
    return f"'{text}" if text[:1] in "=+-@" and not is_number else text


def test_an_empty_table_says_why_in_a_header(api: Api) -> None:
    """Where a file has no room for the reason."""
    answer = api.get("/ohlc/AAPL?start=2026-11-21&end=2026-11-22&format=csv")

    assert answer.headers["x-reason"] == "market-closed"
    assert len(answer.text.splitlines()) == 1
    assert Decimal(api.json("/latest/AAPL")["close"]) == Decimal("113.60")
