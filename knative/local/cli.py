"""Command line of the runner: its verbs and those of the application."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
from rich.console import Console

from knative.local import backup, console, systemd_unit
from knative.local.activator import ScaleOverrides
from knative.local.broker import BrokerError
from knative.local.client import NotRunningError, RefusedError, find, find_folder
from knative.local.event_loop import run
from knative.local.extension import Extension
from knative.local.manifest_schema import ManifestError
from knative.local.processes import ROOT
from knative.local.run import Options, up, upstream_folder
from knative.local.run_folder import CannotRunError
from knative.local.services import CannotStartError, lock_folder
from knative.local.services.postgres_upgrade import move_data, version_to_move

DEFAULT_PORT = 8080
_EXPECTED = (
    BrokerError,
    CannotRunError,
    CannotStartError,
    ConnectionError,
    LookupError,
    ManifestError,
    NotRunningError,
    RefusedError,
)


def main(extension: Extension, arguments: list[str] | None = None) -> int:
    """Run the verb of the command line; return the exit code."""
    chosen = make_parser(extension).parse_args(arguments)
    try:
        return _run_verb(extension, chosen, _folder(chosen))
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, BaseExceptionGroup):  # of tasks that ran side by side
            cause = cause.exceptions[0]
        text = _explain(cause)
        if text is None:
            raise
        print(f"error: {text}", file=sys.stderr)
        return 1


def _folder(chosen: argparse.Namespace) -> Path:
    root = ROOT / ".local"
    if chosen.verb in ("up", "install-service", "uninstall-service", "restore"):
        return chosen.folder or root / str(chosen.port or DEFAULT_PORT)
    return find_folder(chosen.folder, chosen.port, root)


def _run_verb(extension: Extension, chosen: argparse.Namespace, folder: Path) -> int:
    settings = backup.read_settings()
    match chosen.verb:
        case "up":
            scale = ScaleOverrides(chosen.idle, chosen.min_scale)
            port = chosen.port or DEFAULT_PORT
            offer_postgres_upgrade(folder / upstream_folder(chosen.upstream) / "postgres", settings, yes=chosen.yes)
            options = Options(folder, chosen.overlay, port, scale, chosen.upstream, chosen.manual, chosen.host)
            run(up(options, extension))
        case "status":
            asyncio.run(_show_status(folder))
        case "logs":
            console.show_logs(folder / "logs", chosen.function, chosen.lines, follow=chosen.follow)
        case "backup":
            print(backup.back_up(chosen.file, folder, settings))
        case "restore":
            print(backup.restore(chosen.file, folder, settings, replace=chosen.replace))
        case "psql":
            return backup.open_psql(folder, settings, chosen.arguments)
        case "install-service":
            port = chosen.port or DEFAULT_PORT
            host = ("--host", chosen.host) if chosen.host else ()
            arguments = ["--port", str(port), "--folder", str(folder), *host]
            lines = systemd_unit.install_unit(f"{extension.namespace}-{port}", arguments, chosen.host or "localhost")
            print("\n".join(lines))
        case "uninstall-service":
            name = f"{extension.namespace}-{chosen.port or DEFAULT_PORT}"
            print("\n".join(systemd_unit.uninstall(name, folder)))
        case verb:
            return asyncio.run(extension.verbs[verb](chosen, folder))
    return 0


def offer_postgres_upgrade(folder: Path, settings: Mapping[str, str], *, yes: bool) -> None:
    """Move the private Postgres's data to today's version when another one made them, and the user agrees."""
    if settings.get("DATABASE_URL") or not folder.exists():
        return
    with lock_folder(folder.parent):
        made_by = version_to_move(folder, settings.get("PATH", ""))
        if made_by is None:
            return
        question = f"PostgreSQL {made_by} made the data in {folder / 'data'}. Move a copy of it to the current version?"
        if not yes and not (sys.stdin.isatty() and input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")):
            raise CannotRunError(f"{question} Nothing was changed: confirm with --yes (make run ARGS=--yes)")
        print(move_data(folder, settings, made_by), file=sys.stderr)


def _explain(error: BaseException) -> str | None:
    """Return the sentence for a user, None for a fault of the runner itself."""
    if isinstance(error, httpx.HTTPError):
        return f"the runner or a function cannot be reached: {error}"
    if isinstance(error, _EXPECTED):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return None


async def _show_status(folder: Path) -> None:
    client = find(folder)
    try:
        console.show_status(await client.status(), client.services, Console())
    finally:
        await client.close()


def _at_least(least: float, kind: Callable[[str], float], most: float = float("inf")) -> Callable[[str], float]:
    """Return a parser of numbers from *least* to *most*."""

    def number(text: str) -> float:
        value = kind(text)
        if not least <= value <= most:
            limit = f"between {least} and {most}" if most < float("inf") else f"at least {least}"
            raise argparse.ArgumentTypeError(f"{text} must be {limit}")
        return value

    return number


def make_parser(extension: Extension) -> argparse.ArgumentParser:
    """Return the parser of all verbs, those of the application included."""
    parser = argparse.ArgumentParser(prog="python -m knative.local", description=__doc__)
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument("--port", type=_at_least(1, int, 65535), help="the public port (8080)")
    shared.add_argument("--folder", type=Path, help="the folder of data and logs (.local/<port>)")
    verbs = parser.add_subparsers(dest="verb", required=True)

    def add(name: str, *, help: str) -> argparse.ArgumentParser:  # noqa: A002
        return verbs.add_parser(name, parents=[shared], help=help)

    starting = add("up", help="run the application of the manifests until Ctrl-C")
    starting.add_argument(
        "--overlay",
        type=Path,
        default=ROOT / "knative" / "overlays" / "local",
        help="folder of the manifests (knative/overlays/local)",
    )
    starting.add_argument("--yes", action="store_true", help="move data of an older PostgreSQL without asking")
    starting.add_argument(
        "--idle", type=_at_least(0, float), help="seconds after which an idle replica ends (manifests)"
    )
    starting.add_argument("--min-scale", type=_at_least(0, int), help="replicas of each function that stay (manifests)")
    starting.add_argument(
        "--upstream",
        choices=sorted(extension.upstreams),
        help="use a fake upstream on this machine instead of the real one",
    )
    starting.add_argument("--manual", action="store_true", help="send no scheduled ticks")
    starting.add_argument("--host", help="the address to listen on (loopback)")
    service = add("install-service", help="write and start a user service of systemd that runs the application")
    service.add_argument("--host", help="the address to listen on (loopback)")
    add("uninstall-service", help="stop and remove the service")
    add("status", help="show functions, queues, schedules and services")
    logs = add("logs", help="show the logs of functions and of the runner")
    logs.add_argument("function", nargs="?", help="one function, or `runner`; without it, all")
    logs.add_argument("--lines", type=_at_least(0, int), default=20, help="last lines of each log (20)")
    logs.add_argument("--follow", "-f", action="store_true", help="continue with new lines until Ctrl-C")
    add("backup", help="write the database and the token secret to a file").add_argument(
        "file", type=Path, help="the file to write, such as stocksalot.backup"
    )
    restoring = add("restore", help="load a backup")
    restoring.add_argument("file", type=Path, help="a file that backup wrote")
    restoring.add_argument("--replace", action="store_true", help="replace the data that the database holds")
    psql = add("psql", help="open the database")
    psql.add_argument("arguments", nargs="*", help="arguments of psql, after --")
    extension.add_verbs(add)
    return parser
