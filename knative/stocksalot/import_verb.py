"""Verb `import`: show how CSV files of bars are understood, ask, and hand their bars and refused lines to store."""

import asyncio
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console

from knative.local.client import RunnerClient, find
from knative.local.extension import AddParser
from knative.stocksalot.confirmation import ask_confirmation
from knative.stocksalot.import_events import make_events, read_files
from knative.stocksalot.import_report import report_lines
from shared.calendar.trading import EXCHANGE_ZONE, Session, TradingCalendar
from shared.connections.single_connection import connect_once
from shared.events.types import BarsFetched, BarsStored

_STORE = "/stocksalot/store"


def add_import(add: AddParser) -> ArgumentParser:
    """Add the verb."""
    parser = add("import", help="store the bars of CSV files of your own")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="CSV, plain or gzip, of any vendor")
    parser.add_argument("--yes", action="store_true", help="store without asking")
    parser.add_argument("--ticker", help="the ticker of the files, if neither a column nor the file's name has it")
    parser.add_argument("--zone", help="the time zone of times that name none: America/New_York")
    parser.add_argument("--interval", help="the length of the bars: 1min, 5min, 30min, 1h")
    parser.add_argument("--dates", choices=("us", "eu"), help="whether 02/03/2026 is in February (us) or March (eu)")
    parser.add_argument("--decimal", choices=(".", ","), help="the decimal mark")
    parser.add_argument("--columns", default="", help="of files without a header: datetime,open,high,low,close,volume")
    parser.add_argument("--allow-gaps", action="store_true", help="store hours that lack some of their minutes")
    return parser


async def import_files(arguments: Namespace, folder: Path) -> int:
    """Show the content of the files, and store it after a yes."""
    console = Console(soft_wrap=True, markup=False, highlight=False)
    client = find(folder)
    try:
        calendar = read_calendar(await client.act("sessions", []))
        # The clock of the system, which CLOCK may have set.
        now = datetime.fromisoformat((await client.get("/api/status"))["answered_at"])
        tickers = [one["ticker"] for one in (await client.get("/api/tickers"))["items"]]
        found = await asyncio.to_thread(read_files, arguments, calendar, tickers, now)
        for line in report_lines(found):
            console.print(line)
        if not found.bars and not found.refused:
            return 1
        if not arguments.yes and not await asyncio.to_thread(ask_confirmation, f"Store {found.bar_count} bars?"):
            return 1
        events = make_events(found, now)
        replies = await send(client, events)
        console.print(_summary(replies))
        if failed := len(events) - len(replies):
            console.print(f"{failed} of {len(events)} events could not be stored: `replay --list` shows the reason")
        return 1 if found.unreadable or failed else 0
    finally:
        await client.close()


async def send(client: RunnerClient, events: Mapping[str, BarsFetched]) -> list[BarsStored]:
    """Deliver *events* to store by their ids, and return the results."""
    replies: list[BarsStored] = []
    for event_id, event in events.items():
        headers = {
            "ce-specversion": "1.0",
            "ce-id": event_id,
            "ce-type": BarsFetched.TYPE,
            "ce-source": "/stocksalot/import",
            "content-type": "application/json",
        }
        reply = await client.deliver(_STORE, headers, event.to_json())
        if reply.status_code == 200:
            replies.append(BarsStored.from_json(reply.content))
    return replies


def list_sessions(environment: Mapping[str, str], _: str, __: Sequence[str]) -> list[str]:
    """Return all sessions of the exchange, a line each: open and close."""
    with connect_once(environment["DATABASE_URL"]) as connection:
        rows = connection.execute("SELECT opens, closes FROM sessions ORDER BY opens").fetchall()
    return [f"{opens.isoformat()} {closes.isoformat()}" for opens, closes in rows]


def read_calendar(lines: Sequence[str]) -> TradingCalendar:
    """Return the calendar of the lines of `list_sessions`."""
    pairs = [tuple(map(datetime.fromisoformat, line.split())) for line in lines]
    return TradingCalendar([Session(opens.astimezone(EXCHANGE_ZONE).date(), opens, closes) for opens, closes in pairs])


def _summary(replies: Sequence[BarsStored]) -> str:
    counts = {
        name: sum(getattr(one, name) for one in replies) for name in ("inserted", "revised", "unchanged", "rejected")
    }
    text = ", ".join(f"{count} {name}" for name, count in counts.items())
    return f"stored: {text}" + (" (the reasons are in rejected_bars)" if counts["rejected"] else "")
