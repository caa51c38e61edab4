"""/ohlc in the forms that programs read: Arrow columns, and cells that no spreadsheet computes."""

import csv
import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as arrow
import pyarrow.ipc
import pytest

from tests.conftest import new_database
from tests.reading import Api, Bar, at, change, hours, put, serving, serving_process, sessions

ARROW = "application/vnd.apache.arrow.file"


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Two weeks of AAPL, and of XOM without volumes."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-09", "2026-11-21"))
        put(url, [Bar("AAPL", start, f"{100 + place}.{place:05}") for place, start in enumerate(starts)])
        put(url, [Bar("XOM", start, "50", None) for start in starts])
        yield url


def table(content: bytes) -> arrow.Table:
    """The table in an Arrow file."""
    return arrow.ipc.open_file(content).read_all()


@pytest.mark.parametrize("path", ["/ohlc/AAPL?limit=70", "/ohlc?tickers=XOM,AAPL", "/ohlc/XOM?interval=1w", "/ohlc/BA"])
def test_columns_say_what_json_says(api: Api, path: str) -> None:
    """Every column of every row; prices are exact decimals, instants are instants, an unknown volume is null."""
    answer = api.get(path, accept=ARROW)
    whole = api.json(path)
    found = table(answer.content)

    rows = [
        {name: f"{value:%Y-%m-%dT%H:%M:%SZ}" if name in ("datetime", "end") else
               value.isoformat() if name == "date" else value
         for name, value in row.items()}
        for row in found.to_pylist()
    ]  # fmt: skip
    names = {"name", "stored_company_name"}
    assert rows == [{key: value for key, value in item.items() if key not in names} for item in whole["items"]]
    assert found.schema.field("close").type == arrow.decimal128(38, 8)
    assert answer.headers["content-type"] == ARROW
    assert answer.headers["x-source"] == (whole["source"] or "")
    assert api.get(f"{path}{'&' if '?' in path else '?'}format=arrow").content == answer.content


def test_no_digit_is_lost(database_url: str, redis_url: str) -> None:
    """A price with more digits than usual makes its column finer."""
    put(database_url, [Bar("AAPL", at("2026-11-20 14:30"))])

    with serving(database_url, redis_url) as api:
        change(database_url, "UPDATE bars SET low = 99.000000000123", redis_url)
        (low,) = table(api.get("/ohlc/AAPL?format=arrow").content)["low"].to_pylist()

    assert low == Decimal("99.000000000123")


def test_without_arrow_it_says_so(database: str, redis_url: str, tmp_path: Path) -> None:
    """Where pyarrow is not installed, asking for it is 406 with what to ask for instead; nothing else is missed."""
    (tmp_path / "pyarrow.py").write_text("raise ImportError('not installed')")
    with serving_process(database, redis_url, PYTHONPATH=f"{tmp_path}:{Path(__file__).parents[2]}") as api:
        for asked in (
            api.get("/ohlc/AAPL?format=arrow", 406),
            api.get("/ohlc/AAPL", 406, accept=ARROW),
        ):
            assert asked.json()["type"] == "https://stocksalot.tech/problems/format-unavailable"
            assert "csv" in asked.json()["detail"]
        assert api.get("/ohlc/AAPL?format=csv").status_code == 200
        assert api.get("/ohlc/AAPL", accept=f"{ARROW};q=0.5, application/json").json()["count"] > 0


def test_no_cell_is_a_formula(database_url: str, redis_url: str) -> None:
    """The one text that is not ours, the name of a source, cannot make a spreadsheet compute something."""
    put(database_url, [Bar("AAPL", at("2026-11-20 14:30"), source='=HYPERLINK("http://evil.example","x")')])

    with serving(database_url, redis_url) as api:
        (row,) = csv.DictReader(io.StringIO(api.get("/ohlc/AAPL?format=csv").text, newline=""))

    assert row["source"] == '\'=HYPERLINK("http://evil.example","x")'
    assert not [cell for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(
    ("path", "name"),
    [("/ohlc/brk.a?interval=1d&format=csv", "BRK.A-1d.csv"), ("/ohlc?format=ndjson", "ohlc-1h.ndjson")],
)
def test_a_saved_table_has_a_name(api: Api, path: str, name: str) -> None:
    """A browser saves it under what it is."""
    assert api.get(path).headers["content-disposition"] == f'attachment; filename="{name}"'
