"""The command line: `python -m knative.local up | tick JOB | status | replay | logs`."""

import argparse
import asyncio
import sys
from pathlib import Path

import httpx
from rich.console import Console

from knative.local import console as tables
from knative.local.activator import Scale
from knative.local.broker import BrokerError
from knative.local.client import NotRunningError, RefusedError, find
from knative.local.history import backfill, explain
from knative.local.manifest_schema import ManifestError
from knative.local.processes import ROOT
from knative.local.run import CannotRunError, Options, up
from knative.local.services import CannotStartError
from shared.events.types import TickRefused

_OURS = (
    BrokerError,
    CannotRunError,
    CannotStartError,
    ConnectionError,
    LookupError,
    ManifestError,
    NotRunningError,
    RefusedError,
)


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder or ROOT / ".local" / str(asked.port)
    try:
        match asked.verb:
            case "up":
                scale = Scale(asked.idle, asked.min_scale)
                options = Options(folder, asked.overlay, asked.port, scale, asked.upstream, asked.manual)
                asyncio.run(up(options))
            case "tick":
                return asyncio.run(_tick(asked, folder))
            case "status":
                asyncio.run(_status(folder))
            case "replay":
                asyncio.run(_replay(asked, folder))
            case "logs":
                tables.show_logs(folder / "logs", asked.function, asked.lines, follow=asked.follow)
    except KeyboardInterrupt:
        return 130
    except httpx.HTTPError as error:
        return _complain(f"the runner or a function cannot be reached: {error}")
    except _OURS as error:
        return _complain(str(error))
    return 0


def _complain(text: str) -> int:
    print(f"error: {text}", file=sys.stderr)
    return 1


async def _status(folder: Path) -> None:
    client = find(folder)
    try:
        tables.show_status(await client.status(), client.services, Console())
    finally:
        await client.close()


async def _tick(asked: argparse.Namespace, folder: Path) -> int:
    given = {"tickers": asked.tickers and asked.tickers.split(","), "start": asked.start, "end": asked.end}
    data = {name: value for name, value in given.items() if value}
    console = Console(soft_wrap=True, highlight=False)
    client = find(folder)
    try:
        if asked.job == "bars" and asked.start:
            return 0 if await backfill(client, data, wait=asked.wait, console=console) else 1
        outcome = await client.tick(asked.job, data)
        console.print(f"{asked.job}: {explain(outcome)}")
        return 0 if outcome.code in (200, 204) and outcome.led_to != TickRefused.TYPE else 1
    finally:
        await client.close()


async def _replay(asked: argparse.Namespace, folder: Path) -> None:
    """Send dead letters again, or list them."""
    client = find(folder)
    try:
        if asked.list:
            tables.show_dead_letters(await client.dead_letters(), Console())
        else:
            sent = await client.replay(asked.ids)
            print("\n".join(f"sent again: {one}" for one in sent) or "there is nothing to send again")
    finally:
        await client.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m knative.local", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port", type=int, default=8080, help="the public port (8080)")
    shared.add_argument("--folder", type=Path, help="where data and logs are kept (.local/<port>)")
    verbs = parser.add_subparsers(dest="verb", required=True)

    run = verbs.add_parser("up", parents=[shared], help="run the application of the manifests until Ctrl-C")
    run.add_argument("--overlay", type=Path, default=ROOT / "knative" / "overlays" / "local", help="which manifests")
    run.add_argument("--idle", type=float, help="seconds after which an idle copy ends (as the manifests say)")
    run.add_argument("--min-scale", type=int, help="copies of each function that stay (as the manifests say)")
    run.add_argument("--upstream", choices=["fake"], help="ask a fake provider on this machine over HTTP")
    run.add_argument("--manual", action="store_true", help="send no ticks but those of the tick verb")

    tick = verbs.add_parser("tick", parents=[shared], help="fire a schedule now")
    tick.add_argument("job", help="bars or companies")
    tick.add_argument("--tickers", help="only these: AAPL,MSFT")
    tick.add_argument("--start", help="fill from this day on: 2025-11-01")
    tick.add_argument("--end", help="up to this day")
    tick.add_argument("--wait", action="store_true", help="wait for the provider's budget instead of ending")

    verbs.add_parser("status", parents=[shared], help="what runs and what waits")

    replay = verbs.add_parser("replay", parents=[shared], help="send dead letters again")
    replay.add_argument("ids", nargs="*", type=int, help="only these; all without any")
    replay.add_argument("--list", action="store_true", help="send nothing, show them")

    logs = verbs.add_parser("logs", parents=[shared], help="what functions and the runner have written")
    logs.add_argument("function", nargs="?", help="one of them, or runner; all without it")
    logs.add_argument("--lines", type=int, default=20, help="how many of the last lines of each (20)")
    logs.add_argument("--follow", "-f", action="store_true", help="go on with new lines until Ctrl-C")
    return parser


if __name__ == "__main__":
    sys.exit(main())
