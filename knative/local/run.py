"""`up`: starts the services, then the application, and stops everything in reverse order."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from knative.local import processes
from knative.local.activator import ScaleOverrides
from knative.local.application import Application, Job
from knative.local.client import RunnerClient
from knative.local.cluster import Cluster, Connections
from knative.local.environment import of_machine, read_env
from knative.local.extension import Extension
from knative.local.files import stored_secret
from knative.local.generated_secrets import generate_secrets
from knative.local.kustomize import build
from knative.local.lint import lint
from knative.local.log_files import bound_logs
from knative.local.manifests import interpret
from knative.local.run_folder import CannotRunError, bind_port, lock_run_folder, log_to
from knative.local.services import Services, start_services
from knative.local.services.ports import free_port
from knative.local.services.server import tail
from knative.local.services.supervisor import Supervisor

log = logging.getLogger(__name__)
_FIRST_DATA_SECONDS = 30


@dataclass(frozen=True)
class Options:
    """Options of the command line. *manual*: only the `tick` verb sends ticks."""

    folder: Path
    overlay: Path
    port: int
    scale: ScaleOverrides
    upstream: str | None = None
    manual: bool = False
    host: str | None = None

    @property
    def url(self) -> str:
        """Address of the front door for people on this machine."""
        host = "localhost" if self.host in (None, "0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


def upstream_folder(upstream: str | None) -> str:
    """Return the folder of the services' data.

    Data of a fake upstream are stored under the real provider's name: they must never meet real ones.
    """
    return f"services-{upstream}" if upstream else "services"


async def up(options: Options, extension: Extension | None = None) -> None:
    """Run until SIGINT or SIGTERM; a second signal does not wait for open requests.

    CannotRunError, ManifestError, CannotStartError or BrokerError when the application cannot run.
    """
    run = Run(options, extension)
    running = asyncio.create_task(run.run())

    def stop() -> None:
        if running.cancelling():
            run.kill_functions()
        else:
            report("stopping")
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        report("stopped")


def report(text: str) -> None:
    """Print *text* for the user, and log it."""
    print(text, file=sys.stderr, flush=True)
    log.info("%s", text)


class Run:
    """One run of an application with its services."""

    def __init__(self, options: Options, extension: Extension | None) -> None:
        self._options = options
        self._extension = extension
        self._folder = options.folder.resolve()
        self._settings = {**read_env(processes.ROOT / ".env"), **os.environ}
        self._cluster: Cluster | None = None

    def kill_functions(self) -> None:
        """End the functions at once."""
        if self._cluster:
            self._cluster.activator.kill()

    async def run(self) -> None:
        """Start everything in order, report `ready`, and go on until cancelled; then stop in reverse order."""
        application = self._read()
        async with AsyncExitStack() as stack:
            public = bind_port(self._options.port, self._options.host, self._folder)
            publish = stack.enter_context(lock_run_folder(self._folder))
            log_to(self._folder / "logs" / "runner.log")
            if count := processes.end_leftovers(self._folder):
                report(f"ended {count} processes that an earlier run left behind")
            stack.enter_context(processes.guard_children(self._folder))
            services = await stack.enter_async_context(self._services())
            values = {"DATABASE_URL": services.postgres_url, "REDIS_URL": services.redis_url}
            values |= generate_secrets(self._folder, self._settings)
            notes = list(services.notes)
            if self._options.upstream:
                values |= await stack.enter_async_context(self._fake_upstream(self._options.upstream))
                notes.append(f"data come from a {self._options.upstream} upstream on this machine")
            machine = of_machine(self._settings)
            environments = {
                name: {**machine, **function.environment.resolve_variables(self._settings, values)}
                for name, function in application.functions.items()
            }
            self._check_settings(environments)
            for job in application.jobs:
                await self._run_job(job, {**machine, **job.environment.resolve_variables(self._settings, values)})
            # A private RabbitMQ keeps the names of its queues, and the events in them, over upgrades.
            identity = stored_secret(self._folder / "identity", 4) if self._settings.get("AMQP_URL") else ""
            connections = Connections(public, services.amqp_url, identity)
            self._cluster = Cluster(
                application,
                environments,
                self._folder,
                connections,
                scale=self._options.scale,
                extension=self._extension,
            )
            await stack.enter_async_context(self._cluster)
            supervisor = Supervisor(services.servers, report)
            self._cluster.restarts = supervisor.restarts
            url = self._options.url
            publish({"url": url, "gateway": self._cluster.gateway_url, "services": _addresses(services)})
            ready = "  ".join(["ready", url, *(f"({note})" for note in notes)])
            async with asyncio.TaskGroup() as group:
                group.create_task(supervisor.run())
                group.create_task(bound_logs(self._folder))
                group.create_task(self._send_ticks(self._cluster, RunnerClient(self._cluster.gateway_url, url), ready))

    async def _send_ticks(self, cluster: Cluster, client: RunnerClient, ready: str) -> None:
        """Report `ready` once the first page has data; send scheduled ticks until cancelled."""
        try:
            if self._options.manual:
                print(ready, flush=True)
                await asyncio.Event().wait()
            async with asyncio.TaskGroup() as group:
                group.create_task(cluster.schedule.run())
                if self._extension and self._extension.at_start:
                    has_data = asyncio.Event()
                    group.create_task(self._extension.at_start(client, has_data))
                    try:
                        await asyncio.wait_for(has_data.wait(), _FIRST_DATA_SECONDS)
                    except TimeoutError:
                        log.warning("no data after %d s", _FIRST_DATA_SECONDS)
                print(ready, flush=True)
        finally:
            await client.close()

    def _read(self) -> Application:
        documents = build(self._options.overlay)
        application = interpret(documents)
        for warning in lint(documents):
            report(f"warning: {warning}")
        if self._extension and self._extension.namespace != application.broker[0]:
            self._extension = None
        return application

    def _check_settings(self, environments: Mapping[tuple[str, str], Mapping[str, str]]) -> None:
        if not self._extension:
            return
        faults = [
            fault
            for (_, name), environment in environments.items()
            for fault in self._extension.check(name, environment)
        ]
        if faults:
            raise CannotRunError("; ".join(dict.fromkeys(faults)))

    @asynccontextmanager
    async def _services(self) -> AsyncIterator[Services]:
        report("starting Postgres, Redis and RabbitMQ")
        data = self._folder / upstream_folder(self._options.upstream)
        starting = asyncio.ensure_future(asyncio.to_thread(start_services, data, self._settings))
        try:
            yield await asyncio.shield(starting)
        finally:
            # Even when this is cancelled meanwhile, the thread goes on to start them.
            services = await starting
            await asyncio.to_thread(services.stop)

    @asynccontextmanager
    async def _fake_upstream(self, name: str) -> AsyncIterator[dict[str, str]]:
        fake = self._extension.upstreams.get(name) if self._extension else None
        if fake is None:
            raise CannotRunError(f"this application has no {name} upstream")
        ports = {option: free_port() for option in fake.ports}
        report(f"starting the {name} upstream")
        options = [part for option, port in ports.items() for part in (f"--{option}", str(port))]
        command = ("python", "-m", fake.module, *options)
        process = await processes.spawn("upstream", command, of_machine(self._settings), self._folder)
        try:
            if not all([await processes.listens(process, port) for port in ports.values()]):
                raise CannotRunError(f"the {name} upstream ended:\n{tail(self._folder / 'logs' / 'upstream.log')}")
            yield dict(fake.settings(ports, self._options.url))
        finally:
            await processes.stop(process, 5)
            await processes.wait_for_exit(process, self._folder)

    async def _run_job(self, job: Job, environment: Mapping[str, str]) -> None:
        report(f"running Job {job.name}")
        process = await processes.spawn(job.name, job.command, environment, self._folder)
        try:
            code = await processes.wait_for_exit(process, self._folder)
        except asyncio.CancelledError:
            await processes.stop(process, 10)
            await processes.wait_for_exit(process, self._folder)
            raise
        if code:
            lines = tail(self._folder / "logs" / f"{job.name}.log")
            raise CannotRunError(f"Job {job.name} failed with {code}; its log ends with:\n{lines}")


def _addresses(services: Services) -> dict[str, str]:
    """Return the addresses of the services, without user and password."""
    urls = {"postgres": services.postgres_url, "redis": services.redis_url, "rabbitmq": services.amqp_url or ""}
    return {name: url.rpartition("@")[2].rpartition("//")[2] or "in memory" for name, url in urls.items()}
