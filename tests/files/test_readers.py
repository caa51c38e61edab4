"""Programs that read Parquet, on the files of a running function: over HTTP, or what was downloaded."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import httpx
import pandas
import polars
import pytest

from tests.accounts import serving_tokens
from tests.files.serving import EVENING
from tests.reading import Api, serving_process


@pytest.fixture(scope="module")
def server(database: str, module_redis_url: str) -> Iterator[Api]:
    """The function files as its image runs it."""
    with serving_process(database, module_redis_url, EVENING, K_SERVICE="files", ANONYMOUS_HISTORY_DAYS="30") as api:
        yield api


@pytest.fixture(scope="module")
def token(database: str, module_redis_url: str) -> Iterator[str]:
    """A token of a reader."""
    with serving_tokens(database, module_redis_url) as tokens:
        yield tokens.person("reader").make(scopes=["read"])["token"]


def url(server: Api, name: str) -> str:
    """The address of a file."""
    return f"{server.client.base_url}/files/{name}"


def test_polars_scans_a_file_over_http(server: Api) -> None:
    """It reads the columns and row groups that a query needs, in ranges."""
    found = (
        polars.scan_parquet(url(server, "bars-2026-11.parquet"))
        .filter(polars.col("ticker") == "AAPL")
        .select(polars.col("close").last(), polars.col("start").last())
        .collect()
    )

    assert found["close"].dtype == polars.Decimal(18, 8)
    assert isinstance(found["close"][0], Decimal)
    assert str(found["start"].dtype) == "Datetime(time_unit='ms', time_zone='UTC')"


def test_pandas_reads_a_file_with_a_token(server: Api, token: str) -> None:
    """storage_options are headers of the request."""
    headers = {"Authorization": f"Bearer {token}"}

    bars = pandas.read_parquet(url(server, "bars-2026-10.parquet"), storage_options=headers)

    assert set(bars.ticker) == {"AAPL", "MSFT", "XOM"}
    assert isinstance(bars.close.iloc[0], Decimal)


def test_polars_reads_a_file_with_a_token(server: Api, token: str) -> None:
    """It sends no header of its own: the bytes come from a client that does."""
    answer = httpx.get(url(server, "bars-2026-10.parquet"), headers={"Authorization": f"Bearer {token}"})

    assert polars.read_parquet(answer.raise_for_status().content).height > 400


def test_duckdb_reads_downloaded_files(server: Api, token: str, tmp_path: Path) -> None:
    """Several months as one table, the columns of which have one type."""
    for name in ("bars-2026-10.parquet", "bars-2026-11.parquet"):
        answer = server.client.get(f"/files/{name}", headers={"Authorization": f"Bearer {token}"}).raise_for_status()
        (tmp_path / name).write_bytes(answer.content)

    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT ticker, count(*), max(close) FROM '{tmp_path}/bars-2026-*.parquet' GROUP BY ticker ORDER BY ticker"
        ).fetchall()
        kinds = dict(connection.execute(f"DESCRIBE SELECT * FROM '{tmp_path}/bars-2026-11.parquet'").fetchall()[i][:2]
                     for i in (1, 5))  # fmt: skip

    assert [row[0] for row in rows] == ["AAPL", "MSFT", "XOM"]
    assert rows[0][1] > 280
    assert kinds == {"start": "TIMESTAMP WITH TIME ZONE", "low": "DECIMAL(18,8)"}
