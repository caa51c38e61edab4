"""No result is longer than 40 kB, none is cut without a word, and the rest can be asked for."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest

from functions.mcp import arguments
from functions.mcp.client import Client, Members
from functions.mcp.tools import Tools
from tests.mcp.conftest import Assistant

MOST = 40_000


class Recorded(Client):
    """Client that answers with a recorded response, as a function with very many tickers would."""

    def __init__(self, response: Mapping[str, Any]) -> None:
        self._response = response

    async def get(
        self, path: str, query: Mapping[str, object], headers: Mapping[str, str], member: str = "stale"
    ) -> Members:
        """Return the recorded response with as many items as are asked for, and a cursor if there are more."""
        items, limit = self._response["items"], int(str(query.get("limit") or 10_000))
        page = {**self._response, "items": items[:limit]}
        if "next_cursor" in page:
            page["next_cursor"] = "more" if limit < len(items) else None
        return msgspec.json.decode(json.dumps(page), type=dict[str, msgspec.Raw])


def sent_size(text: str) -> int:
    """Return the size of *text* in the message that carries it."""
    return len(json.dumps(text, ensure_ascii=False).encode()) + 300


def many(item: Mapping[str, Any], count: int = 1000) -> list[dict[str, Any]]:
    """Return *item* for many tickers."""
    return [
        {**item, "ticker": f"T{number:04}", "name": 'A "long" name \\ of 40 characters or more'}
        for number in range(count)
    ]


@pytest.mark.parametrize(("tool", "path"), [("latest", "/latest"), ("tickers", "/tickers")])
def test_a_thousand_tickers_come_in_pages_without_a_gap(assistant: Assistant, tool: str, path: str) -> None:
    """Each page says how to go on; together they are all tickers, once each and in order."""
    response = assistant.system.get(path)
    whole = response | {"items": many(response["items"][0]), "count": 1000}
    tools = Tools(Recorded(whole), Recorded({}), Recorded({}))
    seen, asked = list[str](), dict[str, Any]()
    model = {"latest": arguments.Latest, "tickers": arguments.Tickers}[tool]
    for _ in range(20):
        text = asyncio.run(getattr(tools, tool)(model(**asked), {}))
        assert sent_size(text) <= MOST
        page = json.loads(text)
        table = "bars" if tool == "latest" else tool
        seen += [row[0] for row in page[table]]
        if not page.get("more"):
            break
        asked = page["next"]

    assert seen == [item["ticker"] for item in whole["items"]]
    assert asked, "one page held all"


@pytest.mark.parametrize(("after", "first"), [("KO", "LLY"), (" ko ", "LLY"), ("KP", "LLY"), ("ZZZ", None)])
def test_a_page_goes_on_after_a_ticker_that_is_gone(assistant: Assistant, after: str, first: str | None) -> None:
    """In any letters, listed or not: the tickers behind it, never all of them again."""
    for tool, table in (("latest", "bars"), ("tickers", "tickers")):
        rows = assistant.rows(table, tool, after=after)
        assert next((row["ticker"] for row in rows), None) == first


def test_a_search_that_finds_too_much_says_so(assistant: Assistant) -> None:
    """The API returns a hundred matches at most; a result of so many says that it may lack some."""
    item = assistant.system.get("/tickers")["items"][0]
    for count, said in ((99, False), (100, True)):
        tools = Tools(
            Recorded({"stale": False, "reason": None, "items": many(item, count)}), Recorded({}), Recorded({})
        )
        text = asyncio.run(tools.tickers(arguments.Tickers(search="T"), {}))
        assert ("left_out" in json.loads(text)) == said


def test_movers_go_on_after_a_rank(assistant: Assistant) -> None:
    """At most 100 a page; the next begins with the rank after."""
    first = assistant.answer("movers", kind="active", limit=20)
    second = assistant.answer("movers", kind="active", limit=100, **first["next"])

    ranks = [row[0] for row in [*first["movers"], *second["movers"]]]
    assert ranks == list(range(1, assistant.system.get("/movers", kind="active", limit=1000)["count"] + 1))
    assert "more" not in second


def test_most_bars_of_most_tickers_fit_and_go_on(assistant: Assistant) -> None:
    """Twenty tickers and 300 bars: a page that fits, and a cursor that continues each ticker where it ended."""
    tickers = [item["ticker"] for item in assistant.system.get("/tickers")["items"][:20]]
    query = {"tickers": tickers, "interval": "1h", "limit": 300, "start": "2026-11-16"}
    seen = set[tuple[str, str]]()
    for _ in range(20):
        result = assistant.call("bars", **query)
        assert len(result.model_dump_json()) <= MOST
        page = json.loads(result.content[0].text)  # pyright: ignore[reportAttributeAccessIssue]
        keys = {(row[0], row[1]) for row in page["bars"]}
        assert not keys & seen
        seen |= keys
        if not page.get("more"):
            break
        query |= page["next"]

    api = assistant.system.get("/ohlc", tickers=",".join(tickers), start="2026-11-16")["items"]
    assert seen == {(item["ticker"], item["datetime"]) for item in api}


def test_hours_of_very_many_insights_are_shortened_and_say_so(assistant: Assistant) -> None:
    """Hours that do not fit come in pages; of one hour alone the first insights, and how many are left out."""
    response = assistant.system.get("/insights", limit=1)
    (hour,) = response["items"]
    short = Tools(Recorded({}), Recorded(response | {"items": [hour] * 40}), Recorded({}))
    page = json.loads(asyncio.run(short.insights(arguments.Insights(hours=7), {})))
    assert page["more"]
    long = {**hour, "insights": hour["insights"] * 60}
    tools = Tools(Recorded({}), Recorded(response | {"items": [long] * 7}), Recorded({}))

    text = asyncio.run(tools.insights(arguments.Insights(hours=7), {}))

    assert sent_size(text) <= MOST
    (shown,) = json.loads(text)["hours"]
    left = len(long["insights"]) - len(shown["insights"])
    assert shown["left_out"] == f"{left} insights: ask for those of one ticker"


def test_the_list_of_tools_is_short(assistant: Assistant) -> None:
    """All tools with their arguments take at most 8 kB of a conversation."""
    listed = assistant.talk(lambda client: client.list_tools())

    assert len(listed.model_dump_json(by_alias=True, exclude_none=True)) <= 8000
    assert {tool.name for tool in listed.tools} == {tool.name for tool in Tools(*[Recorded({})] * 3).all()}
