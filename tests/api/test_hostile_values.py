"""Every parameter of every path with values that no reader means: an answer that the document has, never a 5xx."""

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

from functions.api.openapi import router
from tests.reading import Api

DOCUMENT = json.loads((Path(__file__).parents[2] / "functions" / "api" / "openapi.json").read_text())
OPERATIONS = {
    route.path: DOCUMENT["paths"][route.path]["get"] for route in router.routes if isinstance(route, APIRoute)
}
"""Of the function api; the document has those of the others too."""
VALUES = [
    "0000-00-00", "0000-00-00T00:00:00Z", "2026-13-01", "2026-02-30", "9999-12-31T23:59:60Z", "2026-11-20T24:00:00Z",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B23:59", "10.0", "9" * 309, "-" + "9" * 309, "1e400", "1_0",
    "%2B1", "0x10", "NaN", "Infinity", "%D9%A3", "%00", "a%00b", "%ED%A0%80", "%F0%9F%98%80", "%FF", "%0D%0AX:1", "%20",
    "", "'", "%25", "%5C", "..%2F..", "AAPL,,KO", ",", "null", "{}", "[]", "true", "A" * 3000,
]  # fmt: skip


def fill(path: str, text: str) -> str:
    """*path* with *text* for its ticker."""
    return path.replace("{ticker}", text)


def assert_documented(api: Api, target: str, operation: dict[str, Any]) -> None:
    """Check that the answer to a GET of *target* is one of *operation*'s, and a problem where it is an error."""
    answer = api.client.get(target)
    assert str(answer.status_code) in operation["responses"], f"{target}: {answer.status_code} {answer.text[:300]}"
    assert answer.status_code < 500, f"{target}: {answer.text[:300]}"
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json", target


@pytest.mark.parametrize("path", OPERATIONS)
def test_every_parameter_value_gets_a_documented_response(api: Api, path: str) -> None:
    """Each query parameter alone, the path's own, and one that is unknown."""
    operation = OPERATIONS[path]
    names = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
    for text in VALUES:
        for name in [*names, "other"]:
            assert_documented(api, f"{fill(path, 'AAPL')}?{name}={text}", operation)
        if "{" in path and text:
            assert_documented(api, fill(path, text), operation)


def test_a_cursor_is_of_one_path(api: Api) -> None:
    """A cursor that one path has made is a 400 on each other one that takes cursors, and cut or padded on its own."""
    cursor = api.json("/ohlc/AAPL?limit=2")["next_cursor"]
    others = ["/ohlc/KO?", "/ohlc?tickers=AAPL,KO&", "/ohlc/AAPL?interval=1d&", "/rejections?"]
    spoilt = (cursor[:-1], cursor + "A", cursor[::-1], cursor.swapcase())
    asked = [f"{path}limit=2&cursor={cursor}" for path in others]
    asked += [f"/ohlc/AAPL?limit=2&cursor={one}" for one in spoilt]

    assert {target: api.client.get(target).status_code for target in asked} == dict.fromkeys(asked, 400)
    assert api.client.get(f"/ohlc/AAPL?limit=2&cursor={cursor}").status_code == 200
