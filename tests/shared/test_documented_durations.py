"""The table of durations in docs/architecture.md is that of the code."""

import importlib
import re

import pytest

from tests.reading import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text()
ROWS = re.findall(r"^\| ((?:`_?[A-Z_]+`,? )+)in ((?:`[a-z_/]+\.py`(?:, )?)+) \| ([\d., ]+) \|", TEXT, re.MULTILINE)


@pytest.mark.parametrize(("names", "files", "seconds"), ROWS)
def test_each_constant_has_the_documented_value(names: str, files: str, seconds: str) -> None:
    """Each row names constants of a module, or of each of several, and as many values in their order."""
    values = [float(value.replace(",", "")) for value in seconds.split(", ")]
    for file in re.findall(r"([a-z_/]+)\.py", files):
        package = "functions" if (ROOT / "functions" / f"{file}.py").is_file() else "shared"
        module = importlib.import_module(f"{package}.{file.replace('/', '.')}")

        assert [float(getattr(module, name)) for name in re.findall(r"\w+", names)] == values


def test_every_row_is_read() -> None:
    """No row escapes the pattern above."""
    table = TEXT.partition("| constant | seconds | promise |\n")[2].partition("\n\n")[0]

    assert len(ROWS) == table.count("\n")
