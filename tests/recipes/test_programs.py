"""Recipes of spreadsheets, Python and JavaScript: run as they stand, on a running system."""

import csv
import io
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from tests.reading import ROOT
from tests.recipes.conftest import Deployment
from tests.recipes.documents import FOLDER, blocks

RECIPES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
PROGRAMS = [(recipe, number) for recipe in RECIPES for number in range(len(blocks(recipe, "python")))]


def run_python(deployment: Deployment, recipe: str, number: int, folder: Path) -> str:
    """Return the output of a block of a recipe, which ran in *folder*."""
    program = deployment.local(blocks(recipe, "python")[number])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder, env=deployment.environment(), capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("recipe", "number"), PROGRAMS)
def test_a_program_runs(deployment: Deployment, recipe: str, number: int, tmp_path: Path) -> None:
    """Each prints something, or writes its file."""
    output = run_python(deployment, recipe, number, tmp_path)

    assert "AAPL" in output or list(tmp_path.iterdir())


def test_ghostfolio_gets_a_history(deployment: Deployment, tmp_path: Path) -> None:
    """The file has a date and a price a day, separated as its import expects."""
    run_python(deployment, "ghostfolio", 0, tmp_path)
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


@pytest.mark.parametrize("number", range(len(blocks("javascript", "js"))))
def test_javascript_runs(deployment: Deployment, number: int, tmp_path: Path) -> None:
    """In the project's own Node.js."""
    program = tmp_path / "recipe.mjs"
    program.write_text(deployment.local(blocks("javascript", "js")[number]))
    command = ["scripts/npm", "exec", "--no", "--", "node", str(program)]

    done = subprocess.run(command, cwd=ROOT / "frontend", capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    assert re.search(
        r"^AAPL [0-9.]+ -?[0-9.]+ %$" if number == 0 else r"^10 days from 2026-", done.stdout, re.MULTILINE
    )


@pytest.mark.parametrize("url", re.findall(r'IMPORTDATA\("([^"]+)"\)', (FOLDER / "sheets.md").read_text()))
def test_sheets_gets_cells(deployment: Deployment, url: str) -> None:
    """A number alone, or a table whose rows are as long as its head; nothing in it is a formula."""
    rows = list(csv.reader(io.StringIO(deployment.get(url).text)))

    if "format=text" in url:
        assert len(rows) == 1
        assert float(rows[0][0]) > 0
    else:
        assert len(rows) > 3
        assert {len(row) for row in rows} == {len(rows[0])}
        assert not [cell for row in rows for cell in row if cell.startswith(("=", "@"))]


def test_excel_gets_its_columns(deployment: Deployment) -> None:
    """Every column that the query gives a type is there, with values of it."""
    (block,) = blocks("excel", "text")
    (url,) = re.findall(r'Web\.Contents\("([^"]+)"', block)
    typed = dict(re.findall(r'{"(\w+)", ([\w. ]+)}', block))
    rows = list(csv.DictReader(io.StringIO(deployment.get(url).text)))

    assert typed == {"date": "type date", "close": "Currency.Type", "volume": "Int64.Type"}
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["date"])
        assert re.fullmatch(r"\d+(\.\d{1,4})?", row["close"])
        assert row["volume"].isdigit()


def test_every_recipe_is_listed() -> None:
    """The table leads to each of them."""
    listed = re.findall(r"\(([a-z-]+)\.md\)", (FOLDER / "README.md").read_text())

    assert sorted(listed) == RECIPES
