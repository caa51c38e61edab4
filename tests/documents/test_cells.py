"""Recipes of spreadsheets and of imports: what their formulas, queries and programs load, cell by cell."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.documents.blocks import DOCUMENTS, blocks
from tests.documents.conftest import Deployment
from tests.running import ROOT

FOLDER = ROOT / "docs" / "recipes"
FORMULAS = sorted(
    {url for path in DOCUMENTS for url in re.findall(r'(?:IMPORTDATA|WEBSERVICE)\("(http[^"]+)"\)', path.read_text())}
)


def test_ghostfolio_gets_a_history(deployment: Deployment, tmp_path: Path) -> None:
    """The file has a date and a price a day, separated as its import expects."""
    program = deployment.local(blocks("ghostfolio", "python")[0])
    subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=deployment.environment(), check=True, timeout=60)
    lines = (tmp_path / "AAPL.csv").read_text().splitlines()

    assert lines[0] == "date;marketPrice"
    assert len(lines) == 31
    assert all(re.fullmatch(r"2026-\d\d-\d\d;\d+(\.\d+)?", line) for line in lines[1:])


def test_duckdb_runs_the_query(deployment: Deployment, tmp_path: Path) -> None:
    """The query of the block, on the file that its address has."""
    (block,) = blocks("duckdb", "sql")
    query = block[block.index("SELECT") :]
    (url,) = re.findall(r"'(http[^']+)'", query)
    file = tmp_path / "bars.parquet"
    file.write_bytes(deployment.get(url).content)

    with duckdb.connect() as connection:
        rows = connection.execute(query.replace(url, str(file))).fetchall()

    assert len(rows) == 5
    assert rows[0][2] >= rows[-1][2] > 0


@pytest.mark.parametrize("url", FORMULAS)
def test_a_formula_gets_cells(deployment: Deployment, url: str) -> None:
    """A number alone, or a table whose rows are as long as its head; nothing in it is a formula."""
    rows = list(csv.reader(io.StringIO(deployment.get(url).text)))

    if "format=text" in url:
        assert len(rows) == 1
        assert float(rows[0][0]) > 0
    else:
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]


@pytest.mark.parametrize("page", ["recipes/excel.md", "api.md"])
def test_a_query_gets_its_columns(deployment: Deployment, page: str) -> None:
    """Every column that the query of Excel gives a type is there, with values of it."""
    text = (ROOT / "docs" / page).read_text()
    (block,) = re.findall(r"^```powerquery\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (url,) = re.findall(r'Web\.Contents\("([^"]+)"', block)
    typed = dict(re.findall(r'{"(\w+)", ([\w. ]+)}', block))
    form = {
        "type date": r"\d{4}-\d\d-\d\d",
        "type datetimezone": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ",
        "Currency.Type": r"\d+(\.\d{1,4})?",
        "Int64.Type": r"\d+",
    }

    rows = list(csv.DictReader(io.StringIO(deployment.get(url).text)))

    assert len(rows) >= 20
    assert len(typed) >= 2
    assert [row for row in rows for name, kind in typed.items() if not re.fullmatch(form[kind], row[name])] == []


def test_every_recipe_is_listed() -> None:
    """The table leads to each of them."""
    listed = re.findall(r"\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())

    assert sorted(listed) == sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
