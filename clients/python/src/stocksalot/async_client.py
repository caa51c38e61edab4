"""Asynchronous client."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from typing import Any, Literal, Self, Unpack
from urllib.parse import quote

import httpx

from stocksalot import models
from stocksalot.errors import ConnectionFailedError, error_of
from stocksalot.exchange import Exchange, Options, parameters
from stocksalot.options import BarOptions, Basis, HistoryOptions, Instant, MoverKind
from stocksalot.response import Response


class AsyncClient:
    """Asynchronous client of the deployment at *url*, such as `http://localhost:8080/api`.

    The token is *token* or the variable STOCKSALOT_TOKEN. A request that the server has no room for is repeated up to
    *retries* times after the time that it names, if that is at most *most_wait* seconds. Answers are kept with their
    tags: what has not changed is not sent again.
    """

    def __init__(
        self, url: str, token: str | None = None, *, retries: int = 3, most_wait: float = 60, timeout: float = 30
    ) -> None:
        options = Options(token, retries, most_wait)
        self._exchange = Exchange(options)
        self._http = httpx.AsyncClient(
            base_url=url.rstrip("/") + "/", headers=options.headers, timeout=timeout, follow_redirects=True
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def get(self, path: str, query: Mapping[str, object] | None = None) -> Response[Any]:
        """Return the JSON at *path* of the API; the methods below know the types of theirs."""
        request = self._http.build_request("GET", path.lstrip("/"), params=parameters(query or {}))
        url = str(request.url)
        request.headers.update(self._exchange.headers(url))
        attempt = 0
        while True:
            answer = await self._send(request)
            wait = self._exchange.wait(answer, attempt)
            if wait is None:
                return self._exchange.receive(url, answer)
            attempt += 1
            await asyncio.sleep(wait)

    async def _send(self, request: httpx.Request) -> httpx.Response | httpx.TransportError:
        try:
            return await self._http.send(request)
        except httpx.TransportError as error:
            return error

    async def download(self, name: str) -> bytes:
        """Return the file *name* of the manifest, such as `bars-2026-11.parquet`."""
        try:
            answer = await self._http.get(f"files/{_segment(name)}")
        except httpx.TransportError as error:
            raise ConnectionFailedError(f"The server does not respond: {error}") from error
        if not answer.is_success:
            raise error_of(answer)
        return answer.content

    async def iterate_bars(
        self, tickers: Iterable[str] | str, **options: Unpack[BarOptions]
    ) -> AsyncIterator[models.HourlyBar | models.LongerBar]:
        """Yield the bars of all pages; *limit* is that of a page. Without a start, the newest page comes first."""
        while True:
            page = await self.bars(tickers, **options)
            for item in page.items:
                yield item
            if not page.next_cursor:
                return
            options["cursor"] = page.next_cursor

    async def iterate_indicators(
        self, ticker: str, indicators: Iterable[str] | str | None = None, **options: Unpack[HistoryOptions]
    ) -> AsyncIterator[models.IndicatorItem]:
        """Yield the items of all pages, as `iterate_bars` does."""
        while True:
            page = await self.indicators(ticker, indicators, **options)
            for item in page.items:
                yield item
            if not page.next_cursor:
                return
            options["cursor"] = page.next_cursor

    async def tickers(self) -> Response[models.TickersResponse]:
        """All tracked tickers."""
        return await self.get("/tickers")

    async def ticker(self, ticker: str) -> Response[models.ProfileResponse]:
        """Profile of a company."""
        return await self.get(f"/tickers/{_segment(ticker)}")

    async def search(self, q: str, *, limit: int = 10) -> Response[models.SearchResponse]:
        """Tickers by the start of the ticker or a part of the name."""
        return await self.get("/search", {"q": q, "limit": limit})

    async def latest(
        self, *, tickers: Iterable[str] | str | None = None, fields: Iterable[str] | str | None = None
    ) -> Response[models.LatestResponse]:
        """Newest hourly bar of each ticker."""
        return await self.get("/latest", {"tickers": tickers, "fields": fields})

    async def overview(self) -> Response[models.OverviewResponse]:
        """The whole market in one small answer."""
        return await self.get("/overview")

    async def bars(self, tickers: Iterable[str] | str, **options: Unpack[BarOptions]) -> Response[models.BarsResponse]:
        """One page of bars, the newest ones without a start."""
        return await self.get("/ohlc", {"tickers": tickers, **options})

    async def indicators(
        self, ticker: str, indicators: Iterable[str] | str | None = None, **options: Unpack[HistoryOptions]
    ) -> Response[models.IndicatorsResponse]:
        """One page of indicators, such as `["sma:50", "rsi"]`; without any, all of them."""
        return await self.get(f"/indicators/{_segment(ticker)}", {"indicators": indicators, **options})

    async def movers(
        self, *, kind: MoverKind = "gainers", basis: Basis = "previous_close", limit: int = 10
    ) -> Response[models.MoversResponse]:
        """Tickers that moved most."""
        return await self.get("/movers", {"kind": kind, "basis": basis, "limit": limit})

    async def insights(
        self,
        *,
        date: date | str | None = None,
        ticker: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Response[models.InsightsResponse]:
        """Sentences about the last hours, each figure with its bars."""
        return await self.get("/insights", {"date": date, "ticker": ticker, "limit": limit, "cursor": cursor})

    async def coverage(
        self,
        *,
        tickers: Iterable[str] | str | None = None,
        start: Instant = None,
        end: Instant = None,
        detail: Literal["sessions", "totals"] = "sessions",
    ) -> Response[models.CoverageResponse]:
        """Expected and stored bars of each session, and why bars are missing."""
        return await self.get("/coverage", {"tickers": tickers, "start": start, "end": end, "detail": detail})

    async def splits(self, *, ticker: str | None = None) -> Response[models.SplitsResponse]:
        """Splits of shares."""
        return await self.get("/splits", {"ticker": ticker})

    async def calendar(self, *, start: Instant = None, end: Instant = None) -> Response[models.CalendarResponse]:
        """Sessions of the exchange."""
        return await self.get("/calendar", {"start": start, "end": end})

    async def status(self) -> Response[models.StatusResponse]:
        """Market hours, and the age of the data."""
        return await self.get("/status")

    async def manifest(self) -> Response[models.ManifestResponse]:
        """Files of bars by month."""
        return await self.get("/files/manifest.json")


def _segment(text: str) -> str:
    """Return *text* as a segment of a path."""
    return quote(text, safe="")
