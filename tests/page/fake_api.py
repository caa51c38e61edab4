"""The built page in a browser without functions: files from the build, answers of the API from the recorded shapes."""

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.browser import BUILD
from tests.page.test_shapes import FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

URL = "http://page.localhost"
"""A host that browsers take for a secure one, as notifications want it."""

_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
OFFLINE = "offline"
RETRY_AFTER = 40
"""Seconds that a 429 asks to wait."""

_HOUR = {"datetime": "2026-11-27T17:30:00Z", "end": "2026-11-27T18:00:00Z"}


class FakeApi:
    """Answers every request of a page: *answers* by path, with or without its query.

    A status stands for an error, None for no answer at all, OFFLINE for a network that is gone.
    """

    def __init__(self, stocks: int = 2) -> None:
        self.requests: list[str] = []
        self.max_age = 600
        self.answers: dict[str, Any] = {"/status": recorded("status"), "/insights": recorded("insights")}
        self.answers |= market_of(stocks)

    def open(self, page: "Page", path: str = "/") -> "Page":
        """Open *path* of the page."""
        page.route(f"{URL}/**", self._answer)
        page.goto(URL + path, wait_until="commit")
        return page

    def set(self, answer: Any) -> "FakeApi":
        """Give *answer* to every request of the API."""
        self.answers = dict.fromkeys(self.answers, answer)
        return self

    def _answer(self, route: "Route") -> None:
        parts = urlsplit(route.request.url)
        if not parts.path.startswith("/api/"):
            _send_file(route, parts.path)
            return
        path = parts.path.removeprefix("/api")
        self.requests.append(f"{path}?{parts.query}" if parts.query else path)
        answer = self.answers.get(self.requests[-1], self.answers.get(path, 404))
        if answer == OFFLINE:
            route.abort()
        elif isinstance(answer, int):
            problem = {"type": "/problems/x", "title": "Out of order", "status": answer}
            headers = {"Content-Type": "application/problem+json"}
            if answer == 429:
                headers["Retry-After"] = str(RETRY_AFTER)
            route.fulfill(status=answer, headers=headers, body=json.dumps(problem))
        elif answer is not None:
            headers = {"Content-Type": "application/json", "Cache-Control": f"max-age={self.max_age}"}
            route.fulfill(status=200, headers=headers, body=json.dumps(answer))


def recorded(name: str) -> Any:
    """The answer that tests/shapes has."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def market_of(stocks: int) -> dict[str, Any]:
    """/latest, /overview, /movers and /tickers of that many stocks, half of them up."""
    latest, overview, movers, tickers = map(recorded, ("latest", "overview", "movers", "tickers"))
    names = [f"S{number:03}" for number in range(stocks)]
    quotes, companies, ranked = [], [], []
    for number, ticker in enumerate(names):
        sign = 1 if number % 2 else -1
        quote = {**latest["items"][0], **_HOUR, "ticker": ticker, "name": f"Stock {number}", "is_newest": True}
        quotes.append({**quote, "close": 100 + sign, "previous_close": 100, "change": sign, "change_percent": sign})
        company = {**overview["items"][0], "ticker": ticker, "industry": "Technology"}
        companies.append({**company, "market_cap_millions": 10_000 - number, "closes": [100, 100 + sign]})
        mover = deepcopy(movers["items"][0])
        mover["profile"] |= {"ticker": ticker, "name": f"Stock {number}"}
        ranked.append(mover)
    hours = [{"datetime": "2026-11-27T16:30:00Z", "end": "2026-11-27T17:30:00Z"}, _HOUR]
    as_of = _HOUR["end"] if stocks else None
    return {
        "/latest": {**latest, "as_of": as_of, "count": stocks, "items": quotes},
        "/overview": {
            **overview,
            "as_of": as_of,
            "count": stocks,
            "hours": hours if stocks else [],
            "items": companies,
        },
        "/movers": {**movers, "as_of": as_of, "items": ranked[:6]},
        "/tickers": {**tickers, "count": stocks, "items": [{**tickers["items"][0], "ticker": name} for name in names]},
    }


def stock_of(ticker: str) -> dict[str, Any]:
    """Return the other responses for the page of a stock: four sessions of hours and days, none missing."""
    hours, days, coverage = map(recorded, ("hours", "days", "coverage"))
    sessions = [(23, 7), (24, 7), (25, 7), (27, 4)]
    starts = [_start(day, hour) for day, count in sessions for hour in range(count)]
    hours["items"] = [_bar(hours["items"][0], ticker, start, number) for number, start in enumerate(starts)]
    days["items"] = [_bar(days["items"][0], ticker, _start(day, 0), number) for number, (day, _) in enumerate(sessions)]
    for answer in (hours, days):
        answer["series"][0]["ticker"] = ticker
    coverage["totals"] |= {"expected": len(starts), "present": len(starts)}
    return {
        f"/tickers/{ticker}": {**recorded("ticker"), "ticker": ticker},
        f"/ohlc/{ticker}": hours,
        f"/ohlc/{ticker}?interval=1d&limit=254": days,
        "/ohlc": days,
        "/coverage": coverage,
        "/splits": {**recorded("splits"), "items": []},
        "/disagreements": {**recorded("disagreements"), "items": []},
    }


def _start(day: int, hour: int) -> datetime:
    return datetime(2026, 11, day, 14 + hour, 30, tzinfo=UTC)


def _bar(bar: dict[str, Any], ticker: str, start: datetime, number: int) -> dict[str, Any]:
    times = {"datetime": f"{start:%FT%TZ}", "timestamp": int(start.timestamp())}
    end = start + timedelta(minutes=30 if f"{start:%d %H}" == "27 17" else 60)
    return {**bar, **times, "ticker": ticker, "end": f"{end:%FT%TZ}", "close": 100 + number % 5}


def _send_file(route: "Route", path: str) -> None:
    name = path.strip("/") or "index"
    named = "stocks/_" if name.startswith("stocks/") else name
    candidates = [BUILD / named, BUILD / f"{named}.html", BUILD / "200.html"]
    file = next(one for one in candidates if one.is_file())
    route.fulfill(body=Path(file).read_bytes(), content_type=_TYPES.get(file.suffix, "application/octet-stream"))
