"""MCP tools: each requests one public path and returns the part that fits a conversation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from functions.mcp import arguments
from functions.mcp.client import Client, Members, name_tools
from functions.mcp.results import Table, count_fitting, write, write_table

Headers = Mapping[str, str]

_DATED = ("as_of", "source", "stale", "reason")
_MAX_MOVERS = 1000
_MAX_FIRINGS = 20
_MAX_FOUND = 100
"""Maximum number of search matches, as in the API."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool; *call* takes an instance of *model* and the headers of the caller, and returns the result's text."""

    name: str
    description: str
    model: type[arguments.Arguments]
    call: Callable[[Any, Headers], Awaitable[str]]
    reads: bool = True


class Tools:
    """The tools over the public functions. The docstring of each is its description for the assistant."""

    def __init__(self, api: Client, insights: Client, alerts: Client) -> None:
        self._api = api
        self._insights = insights
        self._alerts = alerts

    async def latest(self, asked: arguments.Latest, headers: Headers) -> str:
        """Newest hourly bar of each ticker, with the change since the previous close."""
        query = {"tickers": _joined(asked.tickers), "list": asked.list}
        response = await self._api.get("/latest", query, headers)
        columns = "ticker name end close change change_percent previous_close previous_close_at"
        columns = f"{columns} open high low volume is_newest source"
        return _by_ticker(_members(response, _DATED), "bars", columns, _items(response), asked.after)

    async def bars(self, asked: arguments.Bars, headers: Headers) -> str:
        """Open, high, low, close and volume over time. Without a start: the newest bars.

        complete is false for a bar that lacks hours.
        """
        names = {name.strip().upper() for name in ",".join(asked.tickers).split(",")}
        each = max(asked.limit // len(names), 1)
        window = {"interval": asked.interval, "start": asked.start, "end": asked.end, "as_of": asked.as_of}
        query = {"tickers": _joined(asked.tickers), "cursor": asked.cursor, **window}
        while True:
            response = await self._api.get("/ohlc", query | {"limit": each}, headers)
            members = _members(response, (*_DATED, "interval", "known_at", "open_from")) | _next(response)
            columns = "ticker datetime end open high low close volume source"
            table = Table.of("bars", columns if asked.interval == "1h" else f"{columns} complete", _items(response))
            fitting = count_fitting(members, table.rows)
            if fitting == len(table.rows) or each == 1:
                return write_table(members, table)
            each = max(each * fitting // len(table.rows), 1)

    async def movers(self, asked: arguments.Movers, headers: Headers) -> str:
        """Tickers that moved most. definition explains the ranking."""
        limit = min(asked.after + asked.limit + 1, _MAX_MOVERS)
        query = {"kind": asked.kind, "basis": asked.basis, "limit": limit}
        response = await self._api.get("/movers", query, headers)
        items = [_mover(item) for item in _items(response)]
        members = _members(response, (*_DATED, "kind", "basis", "definition"))
        members["not_ranked"] = len(msgspec.json.decode(response["not_ranked"], type=list[msgspec.Raw]))
        columns = "rank ticker name end close change change_percent basis_price basis_at"
        columns = f"{columns} volume volume_ratio range_percent is_newest source"
        table = Table.of("movers", columns, items[asked.after : asked.after + asked.limit])
        shown = count_fitting(members, table.rows)
        if asked.after + shown < len(items):
            members |= {"more": True, "next": {"after": asked.after + shown}}
        return write_table(members, Table(table.name, table.columns, table.rows[:shown]))

    async def insights(self, asked: arguments.Insights, headers: Headers) -> str:
        """Noteworthy events of the last hours, in sentences. Every figure is computed from the bars."""
        hours = asked.hours
        query = {"ticker": asked.ticker, "list": asked.list, "date": asked.session, "cursor": asked.cursor}
        while True:
            response = await self._insights.get("/insights", query | {"limit": hours}, headers)
            members = _members(response, _DATED) | _next(response)
            items = [_hour(item) for item in _items(response)]
            fitting = count_fitting(members, items)
            if fitting == len(items):
                return write(members | {"hours": items})
            if hours == 1:
                return write(members | {"hours": [_shortened(members, items[0])]})
            hours = max(fitting, 1)

    async def coverage(self, asked: arguments.Coverage, headers: Headers) -> str:
        """Expected and stored hourly bars, and the number of missing bars by reason; a row for each incomplete one."""
        query = {"tickers": _joined(asked.tickers), "start": asked.start, "end": asked.end, "detail": "totals"}
        response = await self._api.get("/coverage", query, headers)
        tickers = msgspec.json.decode(response["tickers"], type=list[dict[str, msgspec.Raw]])
        incomplete = [one for one in tickers if _number(one["present"]) < _number(one["expected"])]
        members = _members(response, (*_DATED, "sessions", "definition", "totals"))
        columns = "ticker expected present none_at_provider not_fetched rejected"
        return _by_ticker(members, "incomplete", columns, incomplete, asked.after)

    async def tickers(self, asked: arguments.Tickers, headers: Headers) -> str:
        """Tracked tickers with company names; search finds the ticker of a name."""
        if asked.search:
            response = await self._api.get("/search", {"q": asked.search, "limit": _MAX_FOUND}, headers)
        else:
            response = await self._api.get("/tickers", {}, headers)
        members = _members(response, ("stale", "reason"))
        if asked.search and len(_items(response)) == _MAX_FOUND:
            members["left_out"] = f"Those after the first {_MAX_FOUND}: search for a longer part."
        return _by_ticker(members, "tickers", "ticker name industry", _items(response), asked.after)

    async def status(self, _: arguments.Arguments, headers: Headers) -> str:
        """Market hours, time of the next bar, and age of the data."""
        response = await self._api.get("/status", {}, headers)
        shown = "answered_at simulated market data_age_seconds next_bar_due tickers behind version"
        return write(_members(response, (*_DATED[:3], *shown.split())))

    async def calendar(self, asked: arguments.Calendar, headers: Headers) -> str:
        """Trading days with their hours: half days, holidays (days without a row), open now, next change."""
        response = await self._api.get("/calendar", {"start": asked.start, "end": asked.end}, headers)
        members = _members(response, ("answered_at", "open_now", "next_change_at", "reason"))
        table = Table.of("sessions", "date opens closes half_day", _items(response))
        shown = count_fitting(members, table.rows)
        if shown < len(table.rows):
            members |= {"more": True, "next": {"start": table.rows[shown][0]}}
        return write_table(members, Table(table.name, table.columns, table.rows[:shown]))

    async def alerts(self, _: arguments.Arguments, headers: Headers) -> str:
        """Alerts of the account and their latest firings. Requires a token."""
        rules = await self._alerts.get("/alerts", {}, headers, "items")
        fired = await self._alerts.get("/alerts/firings", {"limit": _MAX_FIRINGS}, headers, "items")
        columns = ("id sentence state last_fired_at", "fired_at kind text corrected")
        tables = [
            Table.of(name, text, _items(found))
            for name, text, found in zip(("alerts", "fired"), columns, (rules, fired), strict=True)
        ]
        return write({one.name: {"columns": one.columns, "rows": one.rows} for one in tables})

    async def set_alert(self, asked: arguments.SetAlert, headers: Headers) -> str:
        """Create an alert of the account. Requires a token. Show the sentence of the result to the user."""
        response = await self._alerts.post("/alerts", msgspec.structs.asdict(asked), headers, "sentence")
        return write({name: response[name] for name in ("id", "sentence", "state")})

    def all(self) -> list[Tool]:
        """Return every tool, with the model of its arguments."""
        models = {
            self.latest: arguments.Latest,
            self.bars: arguments.Bars,
            self.movers: arguments.Movers,
            self.insights: arguments.Insights,
            self.coverage: arguments.Coverage,
            self.tickers: arguments.Tickers,
            self.status: arguments.Arguments,
            self.calendar: arguments.Calendar,
            self.alerts: arguments.Arguments,
            self.set_alert: arguments.SetAlert,
        }
        return [
            Tool(call.__name__, " ".join((call.__doc__ or "").split()), model, call, call != self.set_alert)
            for call, model in models.items()
        ]


def _joined(tickers: Sequence[str] | None) -> str | None:
    return ",".join(tickers) if tickers else None


def _items(response: Members) -> list[dict[str, msgspec.Raw]]:
    return msgspec.json.decode(response["items"], type=list[dict[str, msgspec.Raw]])


def _members(response: Members, names: Sequence[str]) -> dict[str, object]:
    """Return the members *names* that the response has; a reason only if there is one, in terms of the tools."""
    found: dict[str, object] = {name: response[name] for name in names if name in response}
    reason = msgspec.json.decode(response.get("reason", b"null"))
    found.pop("reason", None)
    return found | {"reason": reason | {"text": name_tools(reason["text"])}} if reason else found


def _next(response: Members) -> dict[str, object]:
    """Return the members that continue after a page of the API."""
    cursor = msgspec.json.decode(response["next_cursor"])
    return {"more": True, "next": {"cursor": cursor}} if cursor else {}


def _by_ticker(members: dict[str, object], name: str, columns: str, items: Sequence[Members], after: str | None) -> str:
    """Return a table of the *items* after the ticker *after* that fit, and the members that continue.

    That ticker may have been removed since the previous page.
    """
    tickers = [msgspec.json.decode(item["ticker"], type=str) for item in items]
    after = (after or "").strip().upper()
    if after in tickers:
        wanted = items[tickers.index(after) + 1 :]
    else:
        wanted = [item for item, ticker in zip(items, tickers, strict=True) if ticker > after]
    table = Table.of(name, columns, wanted)
    shown = count_fitting(members, table.rows)
    if shown < len(wanted):
        members |= {"more": True, "next": {"after": wanted[shown - 1]["ticker"]}}
    return write_table(members, Table(name, table.columns, table.rows[:shown]))


def _number(value: msgspec.Raw) -> int:
    return msgspec.json.decode(value, type=int)


def _mover(item: Members) -> dict[str, msgspec.Raw]:
    """Return a mover of the API as one flat object; its volume is the window's."""
    profile, bar, window = (
        msgspec.json.decode(item[name], type=dict[str, msgspec.Raw])
        for name in ("profile", "current_metrics", "window")
    )
    return {**item, **bar, **window, "ticker": profile["ticker"], "name": profile["name"], "end": bar["end"]}


class _Hour(msgspec.Struct):
    datetime: str
    end: str
    complete: bool
    source: str
    insights: list[dict[str, msgspec.Raw]]


def _hour(item: Members) -> dict[str, Any]:
    """Return an hour of the API: its sentences, each with its facts as a table."""
    hour = msgspec.json.decode(msgspec.json.encode(item), type=_Hour)
    return msgspec.structs.asdict(hour) | {"insights": [_insight(one) for one in hour.insights]}


def _insight(item: Members) -> dict[str, Any]:
    facts = msgspec.json.decode(item["facts"], type=list[dict[str, msgspec.Raw]])
    table = Table.of("facts", "metric ticker basis text value unit superseded", facts)
    kept = {name: item[name] for name in ("insight", "sentiment", "tickers", "generator")}
    return kept | {"columns": table.columns, "facts": table.rows}


def _shortened(members: Mapping[str, object], hour: dict[str, Any]) -> dict[str, Any]:
    """Return *hour* with as many of its insights as fit, and the number of those that are left out."""
    insights = hour["insights"]
    shell = hour | {"insights": [], "left_out": "9999 insights: ask for those of one ticker"}
    shown = count_fitting(dict(members) | shell, insights)
    left_out = f"{len(insights) - shown} insights: ask for those of one ticker"
    return hour | {"insights": insights[:shown], "left_out": left_out}
