"""StocksALot's verbs, start action, replay and import for the local runner."""

import os
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from rich.console import Console

from functions.ingest.settings import Providers
from functions.store.catalogue import read_catalogue
from functions.store.ticker_list import find_list_faults
from knative.local.client import find
from knative.local.extension import AddParser, Extension, FakeUpstream
from knative.local.processes import ROOT
from knative.stocksalot.corrections import (
    add_corrections,
    list_rejections,
    rejections,
    request_closing,
    request_split,
    request_withdrawal,
)
from knative.stocksalot.history import backfill, explain_tick, fill_history
from knative.stocksalot.import_verb import add_import, import_files, list_sessions
from knative.stocksalot.model_verb import add_try_model, try_model
from shared.events.types import TickRefused
from shared.runtime import clock
from shared.runtime.settings import SettingsError, read_settings

JOBS = ("alerts", "bars", "companies", "compare", "insights")


def add_verbs(add: AddParser) -> None:
    """Add the verbs `tick`, with a window to fill, `import`, `replay`, `try-model`, and corrections of bars."""
    add_import(add)
    add_corrections(add)
    add_try_model(add)
    ticking = add("tick", help="send a tick now")
    ticking.add_argument("job", help="a PingSource or its job: alerts, bars, companies, compare or insights")
    ticking.add_argument("--tickers", help="only these: AAPL,MSFT")
    ticking.add_argument("--start", help="fetch bars from this day on: 2025-11-01")
    ticking.add_argument("--end", help="up to this day")
    ticking.add_argument(
        "--again", action="store_true", help="fetch the stored bars of the window too, and revise them"
    )
    ticking.add_argument("--wait", action="store_true", help="wait for the provider's budget instead of ending")
    pruning = add("prune", help="delete rejected bars, revisions, dead letters and so on that are older than DAYS")
    pruning.add_argument("days", nargs="?", type=int, default=400, help="age in days, at least 30 (400)")
    replay = add("replay", help="send dead letters again")
    replay.add_argument("ids", nargs="*", type=int, help="only these; without any, all")
    replay.add_argument("--list", action="store_true", help="list them and send nothing")


async def tick(arguments: Namespace, folder: Path) -> int:
    """Send a tick; with a start, ticks until the window is filled."""
    chosen = {
        "tickers": arguments.tickers and arguments.tickers.split(","),
        "start": arguments.start,
        "end": arguments.end,
        "again": arguments.again,
    }
    data = {name: value for name, value in chosen.items() if value}
    console = Console(soft_wrap=True, highlight=False)
    if arguments.again and not (arguments.job == "bars" and arguments.start):
        console.print("--again fetches the bars of a window: state it, as in `tick bars --again --start 2025-11-01`")
        return 2
    client = find(folder)
    try:
        if arguments.job == "bars" and arguments.start:
            return 0 if await backfill(client, data, wait=arguments.wait, console=console) else 1
        outcome = await client.tick(arguments.job, data)
        text = explain_tick(outcome) if arguments.job in JOBS else f"responded {outcome.code}"
        if arguments.job == "insights" and outcome.code == 204:
            text = "no hour is due"
        elif arguments.job == "alerts":
            text = "messages are due" if outcome.led_to else "nothing is due"
        console.print(f"{arguments.job}: {text}")
        return 0 if outcome.code in (200, 204) and outcome.led_to != TickRefused.TYPE else 1
    finally:
        await client.close()


async def replay(arguments: Namespace, folder: Path) -> int:
    """Send dead letters again, or list them, a line each with its reason."""
    client = find(folder)
    console = Console(soft_wrap=True, markup=False, highlight=False)
    try:
        if arguments.list:
            letters = (await client.get_function("/stocksalot/store/dead-letters"))["items"]
            if not letters:
                console.print("no dead letters")
            for letter in letters:
                at = letter["last_at"][5:16].replace("T", " ")
                head = f"{letter['id']}  {letter['type']}  {letter['event_id']}  {letter['arrivals']}x  {at}"
                console.print(f"{head}  {letter['reason']}")
        else:
            sent = await client.act("replay", [str(number) for number in arguments.ids])
            console.print("\n".join(f"sent again: {letter}" for letter in sent) or "no dead letters")
    finally:
        await client.close()
    return 0


def send_dead_letters(environment: Mapping[str, str], ingress: str, arguments: Sequence[str]) -> list[str]:
    """Send dead letters to the broker again, as the Job in a cluster does."""
    from functions.store.replay import replay as replay_letters

    sent = replay_letters(environment["DATABASE_URL"], ingress, [int(one) for one in arguments])
    return [f"{letter.id} {letter.type}: {letter.reason}" for letter in sent]


async def prune(arguments: Namespace, folder: Path) -> int:
    """Delete records older than a number of days, and say how many."""
    client = find(folder)
    try:
        deleted = await client.act("prune", [str(arguments.days)])
        Console(highlight=False).print("\n".join(deleted) or f"nothing ended more than {arguments.days} days ago")
    finally:
        await client.close()
    return 0


def prune_records(environment: Mapping[str, str], ingress: str, arguments: Sequence[str]) -> list[str]:  # noqa: ARG001
    """Delete old records, as the Job in a cluster does."""
    from functions.store.prune import parse_days
    from functions.store.prune import prune as prune_tables

    before = clock.now() - timedelta(days=parse_days(list(arguments)))
    rows = prune_tables(environment["DATABASE_URL"], before)
    return [f"{table}: {count} deleted" for table, count in rows.items() if count]


def check_settings(function: str, environment: Mapping[str, str]) -> list[str]:
    """Return the errors that a function would report for its settings at start."""
    if not (ROOT / "functions" / function / "settings.py").exists():
        return []
    try:
        settings = read_settings(import_module(f"functions.{function}.settings").Settings, environment)
    except SettingsError as error:
        return [str(error)]
    tickers = [ticker.strip() for ticker in environment.get("TICKERS", "").split(",") if ticker.strip()]
    catalogue = [str(company["ticker"]) for company in read_catalogue()]
    return [
        *(_replay_faults(settings) if isinstance(settings, Providers) else ()),
        *find_list_faults(tickers, catalogue),
    ]


def _replay_faults(settings: Providers) -> Iterator[str]:
    """Yield the faults of the files to replay: ingest reads them at its first fetch."""
    for file in settings.replay_files:
        if not (Path(file).is_file() and os.access(file, os.R_OK)):
            yield f"REPLAY_FILES: {file} is not a readable file"


def fake_provider_settings(ports: Mapping[str, int], page: str) -> dict[str, str]:
    """Return the settings of ingest and alerts for the fake world at *ports*; *page* is the address of the page."""
    url = f"http://127.0.0.1:{ports['port']}"
    return {
        "PROVIDERS": "twelvedata,alpaca",
        "ALPACA_BASE_URL": url,
        "ALPACA_KEY_ID": "fake",
        "ALPACA_SECRET_KEY": "fake",
        "TWELVEDATA_BASE_URL": url,
        # Enough keys to fill the history of 50 tickers within the budgets of one minute.
        "TWELVEDATA_API_KEYS": ",".join(f"fake-{number}" for number in range(1, 8)),
        "FINNHUB_BASE_URL": f"{url}/api/v1",
        "FINNHUB_API_KEY": "fake",
        # The fake takes what alerts send, too: /hooks, /push, /mail and /ntfy show it.
        "ALERTS_PRIVATE_TARGETS": "allowed",
        "PUBLIC_URL": page,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(ports["mail-port"]),
        "SMTP_SECURITY": "none",
        "SMTP_USER": "",
        "SMTP_PASSWORD": "",
        "SMTP_FROM": "alerts@stocksalot.example",
    }


STOCKSALOT = Extension(
    namespace="stocksalot",
    add_verbs=add_verbs,
    verbs={
        "tick": tick,
        "replay": replay,
        "import": import_files,
        "split": request_split,
        "withdraw": request_withdrawal,
        "closing": request_closing,
        "rejections": rejections,
        "try-model": try_model,
        "prune": prune,
    },
    at_start=fill_history,
    check=check_settings,
    actions={
        "replay": send_dead_letters,
        "sessions": list_sessions,
        "rejections": list_rejections,
        "prune": prune_records,
    },
    upstreams={"fake": FakeUpstream("tests.fakes.market_data", fake_provider_settings, ("port", "mail-port"))},
)
