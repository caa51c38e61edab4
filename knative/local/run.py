"""`up`: the services, then the application, from the first line on the screen to the last child process."""

import asyncio
import fcntl
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from knative.local import history, processes
from knative.local.activator import Scale
from knative.local.client import RunnerClient
from knative.local.cluster import Cluster
from knative.local.environment import of_machine, read_env
from knative.local.generated_secrets import generate_secrets
from knative.local.kustomize import build
from knative.local.lint import lint
from knative.local.listener import bind
from knative.local.manifests import Application, Job, interpret
from knative.local.services import Services, start_services
from knative.local.services.ports import free_port
from knative.local.services.server import tail

log = logging.getLogger(__name__)


class CannotRunError(Exception):
    """Why `up` cannot go on, in words for the one who typed it."""


@dataclass(frozen=True)
class Options:
    """What the command line says. *manual*: no tick is sent that nobody asked for."""

    folder: Path
    overlay: Path
    port: int
    scale: Scale
    upstream: str | None = None
    manual: bool = False


async def up(options: Options) -> None:
    """Run until SIGINT or SIGTERM; a second one does not wait for requests that are still running.

    CannotRunError, ManifestError, CannotStartError or BrokerError when that cannot be.
    """
    run = Run(options)
    running = asyncio.create_task(run.live())

    def stop() -> None:
        if running.cancelling():
            run.hurry()
        else:
            say("stopping")
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        say("stopped")


def say(text: str) -> None:
    """Tell the one who waits what is going on."""
    print(text, file=sys.stderr, flush=True)
    log.info("%s", text)


class Run:
    """One run of an application with its services."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._folder = options.folder.resolve()
        self._outside = {**read_env(processes.ROOT / ".env"), **os.environ}
        self._cluster: Cluster | None = None

    def hurry(self) -> None:
        """End the functions at once, whatever they are doing."""
        if self._cluster:
            self._cluster.activator.kill()

    async def live(self) -> None:
        """Start everything in order, say that it is ready, and go on until cancelled; then stop it in reverse order."""
        application = self._read()
        async with AsyncExitStack() as stack:
            tell = stack.enter_context(self._claim())
            public = self._bind()
            services = await stack.enter_async_context(self._services())
            given = {"DATABASE_URL": services.postgres_url, "REDIS_URL": services.redis_url}
            given |= generate_secrets(self._folder, self._outside)
            notes = list(services.notes)
            if self._options.upstream:
                given |= await stack.enter_async_context(self._upstream())
                notes.append(f"bars are those of a fake upstream at {given['TWELVEDATA_BASE_URL']}")
            machine = of_machine(self._outside)
            for job in application.jobs:
                await self._work_off(job, {**machine, **job.environment.resolve(self._outside, given)})
            self._cluster = Cluster(
                application,
                {
                    name: {**machine, **function.environment.resolve(self._outside, given)}
                    for name, function in application.functions.items()
                },
                self._folder,
                public=public,
                amqp_url=services.amqp_url,
                scale=self._options.scale,
            )
            await stack.enter_async_context(self._cluster)
            url = f"http://localhost:{self._options.port}"
            tell({"url": url, "gateway": self._cluster.gateway_url, "services": _addresses(services)})
            print("  ".join(["ready", url, *(f"({note})" for note in notes)]), flush=True)
            await self._go_on(RunnerClient(self._cluster.gateway_url, url))

    async def _go_on(self, client: RunnerClient) -> None:
        """Send the ticks that nobody asks for, until cancelled."""
        assert self._cluster is not None  # noqa: S101
        assert self._cluster.schedule is not None  # noqa: S101
        try:
            if self._options.manual:
                await asyncio.Event().wait()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._cluster.schedule.run())
                group.create_task(history.fill(client))
        finally:
            await client.close()

    def _read(self) -> Application:
        documents = build(self._options.overlay)
        application = interpret(documents)
        for warning in lint(documents):
            say(f"warning: {warning}")
        return application

    @contextmanager
    def _claim(self) -> Iterator[Callable[[Mapping[str, object]], None]]:
        """Make the folder this run's own; what is told goes to `running.json`, where the other verbs find it."""
        for name in ("logs", "processes"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        running = self._folder / "running.json"
        with (self._folder / "lock").open("wb") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotRunError(f"port {self._options.port} is in use by {_who(running)}") from None
            if count := processes.end_leftovers(self._folder):
                say(f"ended {count} processes that an earlier run left behind")
            about = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            running.write_text(json.dumps(about))
            _log_to(self._folder / "logs" / "runner.log")
            try:
                yield lambda more: _replace(running, json.dumps({**about, **more}))
            finally:
                running.unlink(missing_ok=True)

    def _bind(self) -> list[socket.socket]:
        try:
            return bind(self._options.port)
        except OSError as error:
            raise CannotRunError(
                f"port {self._options.port} cannot be used ({error.strerror}): choose another with --port"
            ) from error

    @asynccontextmanager
    async def _services(self) -> AsyncIterator[Services]:
        say("starting Postgres, Redis and RabbitMQ")
        # What a fake provider says is stored under the real one's name: it must never meet real bars.
        data = self._folder / "-".join(filter(None, ("services", self._options.upstream)))
        starting = asyncio.ensure_future(asyncio.to_thread(start_services, data, self._outside))
        try:
            yield await asyncio.shield(starting)
        finally:
            # Even when this is cancelled meanwhile, the thread goes on to start them.
            services = await starting
            await asyncio.to_thread(services.stop)

    @asynccontextmanager
    async def _upstream(self) -> AsyncIterator[dict[str, str]]:
        port = free_port()
        say("starting the fake upstream")
        command = ("python", "-m", "tests.fakes.market_data", "--port", str(port))
        process = await processes.spawn("upstream", command, of_machine(self._outside), self._folder)
        try:
            if not await processes.listens(process, port):
                raise CannotRunError(f"the fake upstream ended:\n{tail(self._folder / 'logs' / 'upstream.log')}")
            url = f"http://127.0.0.1:{port}"
            yield {
                "PROVIDERS": "twelvedata",
                "TWELVEDATA_BASE_URL": url,
                # Enough of them to fill the history of 50 tickers within one minute's budgets.
                "TWELVEDATA_API_KEYS": ",".join(f"fake-{number}" for number in range(1, 8)),
                "FINNHUB_BASE_URL": f"{url}/api/v1",
                "FINNHUB_API_KEY": "fake",
            }
        finally:
            await processes.stop(process, 5)
            await processes.ended(process, self._folder)

    async def _work_off(self, job: Job, environment: Mapping[str, str]) -> None:
        say(f"running Job {job.name}")
        process = await processes.spawn(job.name, job.command, environment, self._folder)
        try:
            code = await processes.ended(process, self._folder)
        except asyncio.CancelledError:
            await processes.stop(process, 10)
            await processes.ended(process, self._folder)
            raise
        if code:
            said = tail(self._folder / "logs" / f"{job.name}.log")
            raise CannotRunError(f"Job {job.name} failed with {code}; its log ends with:\n{said}")


def _who(running: Path) -> str:
    try:
        about = json.loads(running.read_text())
        return f"another run, pid {about['pid']}, since {about['since']}"
    except (OSError, ValueError, KeyError):
        return "another run"


def _replace(path: Path, text: str) -> None:
    """Write *path* so that no reader sees half of it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)


def _log_to(path: Path) -> None:
    """Send the runner's own log to *path*; what a developer must know at once goes to the screen as well."""
    file = logging.FileHandler(path)
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s"))
    screen = logging.StreamHandler(sys.stderr)
    screen.setLevel(logging.WARNING)
    screen.setFormatter(logging.Formatter("%(levelname)s %(message)s"))
    ours = logging.getLogger("knative")
    ours.setLevel(logging.INFO)
    ours.addHandler(screen)
    logging.basicConfig(level=logging.WARNING, handlers=[file])


def _addresses(services: Services) -> dict[str, str]:
    """Return where the services are, without user and password."""
    urls = {"postgres": services.postgres_url, "redis": services.redis_url, "rabbitmq": services.amqp_url or ""}
    return {name: url.rpartition("@")[2].rpartition("//")[2] or "in memory" for name, url in urls.items()}
