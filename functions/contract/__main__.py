"""Writes the generated files: run `python -m functions.contract` after a change of a model or a route."""

import json
from collections.abc import Mapping
from pathlib import Path

from functions.contract.document import FUNCTIONS, make_document
from functions.contract.page import make_page


def make_files() -> Mapping[Path, str]:
    """Return each generated file with its content."""
    document = make_document()
    return {
        FUNCTIONS / "api" / "openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        FUNCTIONS / "api" / "docs.html": make_page(document) + "\n",
    }


if __name__ == "__main__":
    for path, text in make_files().items():
        path.write_text(text)
