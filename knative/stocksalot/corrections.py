"""Verbs by which an operator corrects bars and calendar: `split`, `withdraw`, `closing` and `rejections`."""

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from functions.api.rejection_reasons import reason
from knative.local.client import RunnerClient, find
from knative.local.extension import AddParser
from knative.stocksalot.confirmation import ask_confirmation
from shared.connections.single_connection import connect_once

_STORE = "/stocksalot/store"


def add_corrections(add: AddParser) -> None:
    """Add the verbs."""
    split = add("split", help="state a split of shares: the bars before it are converted")
    split.add_argument("ticker", help="such as NVDA")
    split.add_argument("date", help="the first session on the new scale: 2024-06-10")
    split.add_argument("ratio", help="new shares and old shares, 10:1 or 1:20; none if there was no split")
    withdraw = add("withdraw", help="take the bars of a source out of the series; as_of still reads them")
    withdraw.add_argument("source", help="as `source` of the bars says: replay, twelvedata")
    withdraw.add_argument("--tickers", help="only these: AAPL,MSFT")
    withdraw.add_argument("--start", help="from this day on: 2025-11-01")
    withdraw.add_argument("--end", help="up to this day, included")
    withdraw.add_argument("--reason", required=True, help="reason, which is stored")
    withdraw.add_argument("--yes", action="store_true", help="withdraw without asking")
    closing = add("closing", help="state a closing or early close of the exchange that is not in the calendar")
    closing.add_argument("date", help="2025-01-09")
    closing.add_argument("closes", help="closed, New York time such as 13:00, or none to trade as usual")
    rejections = add("rejections", help="list bars that were sent and not stored, with the reason and what to do")
    rejections.add_argument("ticker", nargs="?", help="only this one")
    rejections.add_argument("--limit", type=int, default=20, help="maximum number of bars (20)")


async def request_split(arguments: Namespace, folder: Path) -> int:
    """State a split."""
    client, console = find(folder), _console()
    try:
        request = {"ticker": arguments.ticker, "date": arguments.date, "ratio": arguments.ratio}
        console.print((await client.post_function(f"{_STORE}/splits", request))["detail"])
    finally:
        await client.close()
    return 0


async def request_closing(arguments: Namespace, folder: Path) -> int:
    """State a closing of the exchange."""
    client, console = find(folder), _console()
    try:
        request = {"date": arguments.date, "closes": arguments.closes}
        console.print((await client.post_function(f"{_STORE}/closings", request))["detail"])
    finally:
        await client.close()
    return 0


async def request_withdrawal(arguments: Namespace, folder: Path) -> int:
    """Count the bars, ask, and withdraw them."""
    client, console = find(folder), _console()
    request = {
        "source": arguments.source,
        "reason": arguments.reason,
        "tickers": None if arguments.tickers is None else arguments.tickers.split(","),
        "start": arguments.start,
        "end": arguments.end,
    }
    try:
        found = await _withdraw(client, request | {"preview": True})
        console.print(found["detail"])
        if not found["bars"]:
            return 1
        if not arguments.yes and not await asyncio.to_thread(ask_confirmation, "Withdraw them?"):
            return 1
        console.print((await _withdraw(client, request))["detail"])
    finally:
        await client.close()
    return 0


async def rejections(arguments: Namespace, folder: Path) -> int:
    """List rejected bars, newest first."""
    client, console = find(folder), _console()
    try:
        lines = await client.act(
            "rejections", [f"{arguments.limit}", *([arguments.ticker] if arguments.ticker else [])]
        )
        console.print("\n".join(lines) or "no bar was rejected")
    finally:
        await client.close()
    return 0


def list_rejections(environment: Mapping[str, str], _: str, arguments: Sequence[str]) -> list[str]:
    """Return a few lines for each rejected bar, newest first; the arguments are the limit and a ticker."""
    limit, *tickers = arguments
    with connect_once(environment["DATABASE_URL"]) as connection:
        rows = connection.execute(
            """
            SELECT ticker, coalesce(rfc3339(start), 'no time'), source, reason, detail, bar::text
              FROM rejected_bars
             WHERE cardinality(%(tickers)s::text[]) = 0
                OR ticker = ANY (%(tickers)s)
             ORDER BY id DESC
             LIMIT %(limit)s
            """,
            {"tickers": [ticker.upper() for ticker in tickers], "limit": max(int(limit), 1)},
        ).fetchall()
    return [
        f"{ticker}  {at}  {source}  {code}: {detail}\n    sent: {sent}\n    {reason(code).advice}"
        for ticker, at, source, code, detail, sent in rows
    ]


async def _withdraw(client: RunnerClient, request: dict[str, Any]) -> dict[str, Any]:
    return await client.post_function(f"{_STORE}/withdrawals", request)


def _console() -> Console:
    return Console(soft_wrap=True, markup=False, highlight=False)
