"""Files by month: what is in them, when they are built again, and who may read them."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pyarrow as arrow
import pytest
from pyarrow import parquet

from functions.files import manifest
from functions.files.response_models import ManifestResponse
from functions.store.migrate import migrate
from tests.accounts import bearer, serving_tokens
from tests.files.serving import MANIFEST, NOVEMBER, serving_files
from tests.reading import Bar, at, change, put
from tests.waiting import wait_until

OCTOBER = "/files/bars-2026-10.parquet"
REVISE = """
    UPDATE bars SET close = close + 0.01, revision = revision + 1, received_at = '2026-11-27 21:30Z'
     WHERE ticker = 'AAPL' AND start = '2026-11-20 15:30Z'
"""


def table(client: httpx.Client, path: str = NOVEMBER) -> arrow.Table:
    """The table in the file at *path*."""
    return parquet.read_table(BytesIO(client.get(path).raise_for_status().content))


def listed(client: httpx.Client) -> dict[str, Any]:
    """The items of the manifest by name."""
    answer = client.get(MANIFEST).raise_for_status().json()
    ManifestResponse.model_validate(answer)
    return {item["name"]: item for item in answer["items"]}


def test_a_file_has_every_bar_of_its_month(files: httpx.Client, database: str) -> None:
    """All figures as stored, prices as decimals, instants in UTC, by ticker and start."""
    with psycopg.connect(database) as connection:
        stored = connection.execute(
            """
            SELECT ticker, start, open, high, low, close, volume, source, revision, received_at
              FROM bars WHERE start >= '2026-11-01' ORDER BY ticker COLLATE "C", start
            """
        ).fetchall()

    found = table(files)

    names = [name for name in found.column_names if name != "end"]
    assert [tuple(row[name] for name in names) for row in found.to_pylist()] == stored
    assert found.schema.field("close").type == arrow.decimal128(18, 8)
    assert found.schema.field("start").type == arrow.timestamp("ms", "UTC")
    assert found["end"][-1].as_py() == datetime(2026, 11, 27, 18, tzinfo=UTC), "a half day ends early"
    meta = parquet.read_metadata(BytesIO(files.get(NOVEMBER).content))
    assert meta.row_group(0).column(5).compression == "ZSTD"
    assert [one.column_index for one in meta.row_group(0).sorting_columns] == [0, 1]


def test_a_month_is_that_of_the_exchange(files: httpx.Client) -> None:
    """October and November share no session, and the two have all bars."""
    days = [
        {start.astimezone(UTC).date() for start in table(files, path)["start"].to_pylist()}
        for path in (OCTOBER, NOVEMBER)
    ]

    assert (max(days[0]), min(days[1])) == (date(2026, 10, 30), date(2026, 11, 2))


def test_the_manifest_describes_the_files(files: httpx.Client) -> None:
    """Rows, bytes and hash of each are those of what is sent."""
    items = listed(files)

    assert list(items) == ["bars-2026-10.parquet", "bars-2026-11.parquet"]
    for name, item in items.items():
        content = files.get(f"/files/{name}").content
        rows = parquet.read_metadata(BytesIO(content)).num_rows
        assert (item["bytes"], item["sha256"], item["rows"]) == (len(content), sha256(content).hexdigest(), rows)
        assert (item["tickers"], item["needs_token"]) == (3, False)


def test_a_file_is_built_once_and_again_after_a_revision(database_url: str, redis_url: str) -> None:
    """Nothing changes while nothing has changed, in another process too; a revision changes its own month alone."""
    put(database_url, [Bar("AAPL", at(f"2026-{day} 15:30")) for day in ("10-20", "11-20")])
    with serving_files(database_url, redis_url) as one, serving_files(database_url, redis_url) as other:
        before, first = listed(one), one.get(NOVEMBER)
        assert other.get(NOVEMBER).content == first.content
        version = one.get(MANIFEST).json()["version"]
        change(database_url, "UPDATE tickers SET name = name", redis_url)
        wait_until(lambda: other.get(MANIFEST).json()["version"] > version)
        assert listed(other) == before, "a version without another bar builds nothing"
        change(database_url, REVISE, redis_url)
        wait_until(lambda: other.get(NOVEMBER).headers["etag"] != first.headers["etag"])
        wait_until(lambda: listed(one) != before)
        again, after = other.get(NOVEMBER), listed(one)

    assert parquet.read_table(BytesIO(again.content))["close"].to_pylist() == [Decimal("100.51000000")]
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"bars-2026-11.parquet"}
    assert after["bars-2026-11.parquet"]["built_version"] > before["bars-2026-11.parquet"]["built_version"]


def test_a_rename_makes_its_months_again(database_url: str, redis_url: str) -> None:
    """It changes no revision, yet the file has the new name, and the other month stays as it is."""
    put(database_url, [Bar("KO", at("2026-11-20 15:30")), Bar("AAPL", at("2026-10-20 15:30"))])
    with serving_files(database_url, redis_url) as client:
        before, first = listed(client), table(client)
        migrate(database_url, renames={"KO": "COKE"})
        change(database_url, "UPDATE tickers SET name = name", redis_url)
        wait_until(lambda: table(client)["ticker"].to_pylist() == ["COKE"])
        wait_until(lambda: listed(client) != before)
        after = listed(client)

    assert first["ticker"].to_pylist() == ["KO"]
    assert {name for name in before if before[name] != after[name]} == {"bars-2026-11.parquet"}


def test_a_changed_closing_makes_its_month_again(database_url: str, redis_url: str) -> None:
    """The last bar of the day ends earlier."""
    put(database_url, [Bar("KO", at("2026-11-20 20:30")), Bar("AAPL", at("2026-10-20 15:30"))])
    with serving_files(database_url, redis_url) as client:
        before, first = listed(client), table(client)
        change(database_url, "UPDATE sessions SET closes = '2026-11-20 20:45Z' WHERE date = '2026-11-20'", redis_url)
        wait_until(lambda: table(client)["end"].to_pylist() == [at("2026-11-20 20:45")])
        wait_until(lambda: listed(client) != before)
        after = listed(client)

    assert first["end"].to_pylist() == [at("2026-11-20 21:00")]
    assert {name for name in before if before[name] != after[name]} == {"bars-2026-11.parquet"}


def test_the_same_bars_give_the_same_bytes(database_url: str, redis_url: str) -> None:
    """A file that is lost is built again, byte for byte."""
    put(database_url, [Bar(ticker, at("2026-11-20 15:30")) for ticker in ("MSFT", "AAPL")])
    found = []
    for _ in range(2):
        with serving_files(database_url, redis_url) as client:
            found.append(client.get(NOVEMBER).content)
        change(database_url, "DELETE FROM bar_files")

    assert found[0] == found[1]


def test_a_withdrawn_month_is_gone(database_url: str, redis_url: str) -> None:
    """A month without bars has no file."""
    put(database_url, [Bar("AAPL", at("2026-11-20 15:30"))])
    with serving_files(database_url, redis_url) as client:
        assert client.get(NOVEMBER).status_code == 200
        change(database_url, "DELETE FROM bars", redis_url)
        wait_until(lambda: client.get(NOVEMBER).status_code == 404)
        assert listed(client) == {}


def test_a_finer_price_makes_its_file_finer(database_url: str, redis_url: str) -> None:
    """No digit is lost."""
    put(database_url, [Bar("AAPL", at("2026-11-20 15:30"))])
    change(database_url, "UPDATE bars SET low = 99.000000000123")
    with serving_files(database_url, redis_url) as client:
        assert table(client)["low"].to_pylist() == [Decimal("99.000000000123")]


def test_older_months_need_a_token(database: str, redis_url: str) -> None:
    """Without one, the month that begins within the open history; the manifest says of each which is which."""
    with serving_files(database, redis_url, ANONYMOUS_HISTORY_DAYS="30") as client, \
         serving_tokens(database, redis_url) as tokens:  # fmt: skip
        made = tokens.person("reader").make(scopes=["read"])["token"]
        other = tokens.person("other").make(scopes=["account"])["token"]

        assert client.get(OCTOBER).json()["type"].endswith("/token-needed")
        assert client.get(OCTOBER, headers=bearer(other)).json()["type"].endswith("/insufficient-scope")
        assert client.get(OCTOBER, headers=bearer(made)).status_code == 200
        assert client.get(NOVEMBER).status_code == 200
        assert client.head(OCTOBER).status_code == 401
        assert [item["needs_token"] for item in listed(client).values()] == [True, False]


def test_what_cannot_be_built_in_time_is_pending(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest never lists a file that lacks a bar: it names those that are to come, and they come."""
    put(database_url, [Bar("AAPL", at(f"2026-{day} 15:30")) for day in ("10-20", "11-20")])
    with serving_files(database_url, redis_url) as client:
        monkeypatch.setattr(manifest, "_BUILD_SECONDS", -1)
        before = client.get(MANIFEST).json()
        assert client.get(NOVEMBER).status_code == 200
        monkeypatch.undo()
        after = client.get(MANIFEST).json()

    assert (before["pending"], before["items"]) == (["bars-2026-10.parquet", "bars-2026-11.parquet"], [])
    assert (after["pending"], after["count"]) == ([], 2)


@pytest.mark.parametrize(
    "name", ["bars-2026-13.parquet", "bars-2026-1.parquet", "bars-2026-11.csv", "x", "bars-2019-05.parquet"]
)
def test_other_names_are_not_found(files: httpx.Client, name: str) -> None:
    """Neither a month that is none, nor one without bars."""
    assert files.get(f"/files/{name}").json()["type"].endswith("/not-found")


def test_a_file_has_no_parameters(files: httpx.Client) -> None:
    """An unknown parameter is refused, as everywhere."""
    assert files.get(f"{NOVEMBER}?format=csv").status_code == 400


def test_reading_a_stored_file_loads_no_arrow() -> None:
    """The library is loaded where a file is built: the rest of a cold start does not wait for it."""
    imports = "\n".join(path.read_text() for path in Path("functions/files").glob("*.py"))

    assert not [line for line in imports.splitlines() if line.startswith(("import pyarrow", "from pyarrow"))]
