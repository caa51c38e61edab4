"""Write the published contract anew: `python -m functions.contract` after a change of any function's contract."""

import json
from collections.abc import Mapping
from pathlib import Path

from functions.contract.document import FUNCTIONS, make_document
from functions.contract.page import make_page

API = FUNCTIONS / "api"


def make_files() -> Mapping[Path, str]:
    """Return the files that api serves, each with what should stand in it."""
    document = make_document()
    return {
        API / "openapi.json": json.dumps(document, indent=1, ensure_ascii=False) + "\n",
        API / "docs.html": make_page(document),
    }


if __name__ == "__main__":
    for path, text in make_files().items():
        path.write_text(text)
