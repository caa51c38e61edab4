"""Writes the generated files: run `python -m functions.contract` after a change of a model or a route."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from functions.contract.document import FUNCTIONS, make_document
from functions.contract.page import make_page
from functions.contract.python_types import make_types
from functions.contract.settings_reference import ROOT, make_reference


def make_files() -> Mapping[Path, str]:
    """Return each generated file with its content."""
    document = make_document()
    return {
        FUNCTIONS / "api" / "openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        FUNCTIONS / "api" / "docs.html": make_page(document) + "\n",
        FUNCTIONS / "page" / "names.json": json.dumps(_names(), indent=1, ensure_ascii=False) + "\n",
        ROOT / "docs" / "reference" / "settings.md": make_reference(),
        ROOT / "clients" / "python" / "src" / "stocksalot" / "models.py": make_types(document),
    }


def _names() -> dict[str, str]:
    """Return the names of the catalogue's companies by ticker, for the titles of their pages."""
    with (FUNCTIONS / "store" / "catalogue.csv").open(newline="") as file:
        return {row["ticker"]: row["name"] for row in csv.DictReader(file)}


if __name__ == "__main__":
    for path, text in make_files().items():
        path.write_text(text)
