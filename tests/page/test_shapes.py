"""The answers that the page relies on keep their shapes; the page's own tests read the same files.

A change that is meant is written down by `make shapes`, and then shows in the page's tests whether it understands it.
"""

import json
import os
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.running import System
from tests.waiting import wait_until

FOLDER = Path(__file__).parents[1] / "shapes"
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")

READ = {
    "status": "/status",
    "latest": "/latest",
    "overview": "/overview",
    "tickers": "/tickers",
    "ticker": "/tickers/NVDA",
    "hours": "/ohlc/NVDA?interval=1h&limit=161",
    "days": "/ohlc/NVDA?interval=1d&limit=23",
    "movers": "/movers?kind=gainers&basis=previous_close&limit=6",
    "coverage": "/coverage?tickers=NVDA",
    "disagreements": "/disagreements?tickers=PG",
    "splits": "/splits?ticker=PG",
    "indicators": "/indicators/NVDA?indicators=sma:20,vwap&limit=161",
    "insights": "/insights",
    "problem": "/tickers/NOSUCH",
}

Shape = str | list[Any] | dict[str, Any]


def shape_of(value: Any) -> Shape:
    """The shape of a JSON value: types by name, `|` between alternatives, `?` at keys that may be absent."""
    if isinstance(value, dict):
        return {key: shape_of(part) for key, part in value.items()}
    if isinstance(value, list):
        found: Shape | None = None
        for item in value:
            found = shape_of(item) if found is None else either(found, shape_of(item))
        return [] if found is None else [found]
    if isinstance(value, str):
        return "instant" if INSTANT.fullmatch(value) else "day" if DAY.fullmatch(value) else "text"
    return "null" if value is None else "boolean" if isinstance(value, bool) else "number"


def either(one: Shape, other: Shape) -> Shape:
    """The shape of what is of one shape or of another."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        names = {key.removesuffix("?") for key in (*one, *other)}
        joined: dict[str, Any] = {}
        for name in sorted(names):
            found = [
                part for shape in (one, other) for key in (name, f"{name}?") if (part := shape.get(key)) is not None
            ]
            always = name in one and name in other
            joined[name if always else f"{name}?"] = found[0] if len(found) == 1 else either(found[0], found[1])
        return joined
    if isinstance(one, list) and isinstance(other, list):
        return [either(one[0], other[0])] if one and other else one or other
    alternatives = {name for shape in (one, other) for name in str(shape).split("|")}
    return "|".join(sorted(alternatives))


def trimmed(value: Any) -> Any:
    """The value with as few items in each list as show the whole shape of it."""
    if isinstance(value, dict):
        return {key: trimmed(part) for key, part in value.items()}
    if not isinstance(value, list):
        return value
    kept: list[Any] = []
    for item in value:
        if shape_of([*kept, item]) != shape_of(kept):
            kept.append(item)
    return [trimmed(item) for item in kept]


@pytest.fixture(scope="module")
def answers(market: System) -> Iterator[dict[str, Any]]:
    """Responses of the system by name: those to every reader, and those to one with an account."""
    wait_until(lambda: market.get("/insights")["count"], 30)
    with httpx.Client(base_url=f"{market.url}/api", timeout=30) as client:
        found = {name: client.get(f"{market.url}/api{path}").json() for name, path in READ.items()}
        person = {"email": f"shapes-{secrets.token_hex(4)}@example.com", "password": secrets.token_urlsafe(16)}
        found["account"] = client.post("/users/register", data=person).json()
        found["login"] = client.post(
            "/token", data={"username": person["email"], "password": person["password"]}
        ).json()
        client.headers["Authorization"] = f"Bearer {found['login']['access_token']}"
        wish = {"name": "notebook", "scopes": found["login"].get("scopes", ["read"]), "expires_in_days": 30}
        found["token"] = client.post("/tokens", json=wish).json()
        found["tokens"] = client.get("/tokens").json()
        yield found
        client.request("DELETE", "/users/me", data={"password": person["password"]})


@pytest.mark.parametrize("name", [*READ, "account", "login", "token", "tokens"])
def test_an_answer_keeps_the_shape_that_the_page_relies_on(answers: dict[str, Any], name: str) -> None:
    """Keys, types and what may be null are those of the file that the page's tests read."""
    file = FOLDER / f"{name}.json"
    if os.environ.get("RENEW_SHAPES"):
        file.write_text(json.dumps(without_secrets(trimmed(answers[name])), indent=1, ensure_ascii=False) + "\n")

    assert shape_of(answers[name]) == shape_of(json.loads(file.read_text())), "if this is meant: make shapes"


def without_secrets(value: Any) -> Any:
    """The answer with a token that opens nothing, and somebody's address."""
    text = json.dumps(value)
    text = re.sub(r"sal_[0-9A-Za-z]+", "sal_" + "0" * 36, text)
    return json.loads(re.sub(r"shapes-[0-9a-f]+@", "somebody@", text))


def test_trimming_keeps_the_shape() -> None:
    """The shape of a response shows which members may be absent or null, and the items of its lists."""
    value = {
        "items": [{"a": 1}, {"a": 2}, {"a": None, "b": ["2026-11-27"]}, {"a": 4, "b": []}],
        "at": "2026-11-27T18:00:00Z",
    }

    assert shape_of(value) == {"at": "instant", "items": [{"a": "null|number", "b?": ["day"]}]}
    assert shape_of(trimmed(value)) == shape_of(value)
    assert len(trimmed(value)["items"]) == 2
