"""The built page in a browser without functions: files from the build, answers of the API from the recorded shapes."""

import json
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.browser import BUILD
from tests.page.test_shapes import FOLDER

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

URL = "http://page.test"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".woff2": "font/woff2"}
_HOUR = {"datetime": "2026-11-27T17:30:00Z", "end": "2026-11-27T18:00:00Z"}


class FakeApi:
    """Answers every request of a page: *answers* by path, a status for an error, None for no answer at all."""

    def __init__(self, stocks: int = 2) -> None:
        self.requests: list[str] = []
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
        answer = self.answers.get(path, 404)
        if isinstance(answer, int):
            problem = {"type": "/problems/x", "title": "Out of order", "status": answer}
            route.fulfill(status=answer, content_type="application/problem+json", body=json.dumps(problem))
        elif answer is not None:
            headers = {"Content-Type": "application/json", "Cache-Control": "max-age=600"}
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


def _send_file(route: "Route", path: str) -> None:
    name = path.strip("/") or "index"
    candidates = [BUILD / name, BUILD / f"{name}.html", BUILD / "200.html"]
    file = next(one for one in candidates if one.is_file())
    route.fulfill(body=Path(file).read_bytes(), content_type=_TYPES.get(file.suffix, "application/octet-stream"))
