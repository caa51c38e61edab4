"""An application at work: its functions, its broker, its schedule, and the doors to them."""

import asyncio
import logging
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from knative.local.activator import Activator, Revision, Scale
from knative.local.broker import Broker
from knative.local.control_api import Gateway, inside
from knative.local.field_types import next_instant
from knative.local.front_door import FrontDoor
from knative.local.listener import Listener, bind
from knative.local.manifests import Application, Name
from knative.local.schedule import Schedule
from shared.runtime import clock

log = logging.getLogger(__name__)


class Cluster:
    """Runs *application* while it is entered; leaving it, running requests finish first.

    *folder* holds logs and the records of processes, *public* are the front door's sockets.
    BrokerError when RabbitMQ cannot be used, OSError when a socket cannot listen.
    """

    def __init__(
        self,
        application: Application,
        environments: Mapping[Name, Mapping[str, str]],
        folder: Path,
        *,
        public: Sequence[socket.socket],
        amqp_url: str | None = None,
        scale: Scale | None = None,
    ) -> None:
        self._application = application
        inner = bind(0)
        self.gateway_url = f"http://127.0.0.1:{inner[0].getsockname()[1]}"
        environments = {name: self._inside(environment) for name, environment in environments.items()}
        addresses = (environment.get("DATABASE_URL") for environment in environments.values())
        self._database_url = next(filter(None, addresses), "")
        self.activator = Activator(application.functions, environments, folder, scale)
        self._gateway = Gateway(self.activator)
        self._doors = (
            Listener(self._gateway, inner),
            Listener(FrontDoor(application.routes, self.activator.revisions), public),
        )
        namespace, name = application.broker
        triggers = [
            replace(
                trigger,
                subscriber_url=inside(trigger.subscriber_url, self.gateway_url),
                dead_letter_url=inside(trigger.dead_letter_name, self.gateway_url),
            )
            for trigger in application.triggers
        ]
        self._broker = Broker(amqp_url, namespace, name, triggers)
        self.schedule: Schedule | None = None
        self._stack = AsyncExitStack()

    def _inside(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return *environment* with the addresses of functions as they are here."""
        addresses = {one.url: inside(one.url, self.gateway_url) for one in self._application.functions.values()}
        return {name: addresses.get(value, value) for name, value in environment.items()}

    async def __aenter__(self) -> Self:
        """Start everything; functions start when a request comes, or now up to their min-scale."""
        try:
            return await self._start()
        except BaseException:
            await self._stack.aclose()
            raise

    async def _start(self) -> Self:
        inner, public = self._doors
        await inner.start()
        self._stack.push_async_callback(inner.stop)
        self._stack.push_async_callback(self._broker.stop)
        await self._broker.start()
        client = await self._stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=None))  # noqa: S113
        self.schedule = Schedule(self._application.ping_sources, self._broker.ingress_url, client)
        self._gateway.status, self._gateway.schedule = self.status, self.schedule
        self._gateway.replay = self._replay
        self._stack.push_async_callback(self._let_finish)
        await public.start()
        self.activator.keep_warm()
        return self

    async def _replay(self, ids: list[int]) -> list[str]:
        """Send the dead letters *ids* (none: all) to the broker again, as the Job in a cluster does."""
        from functions.store.replay import replay  # the runner runs other applications too

        sent = await asyncio.to_thread(replay, self._database_url, self._broker.ingress_url, ids)
        return [f"{letter.id} {letter.type}: {letter.reason}" for letter in sent]

    async def _let_finish(self) -> None:
        await asyncio.gather(self._doors[1].stop(), self.activator.stop())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop: the functions first, then the broker."""
        await self._stack.aclose()

    async def status(self) -> dict[str, Any]:
        """Return what runs, what waits, and what happened last, as JSON values."""
        queues = await self._broker.status()
        filters = {trigger.name: dict(trigger.filter_attributes) for trigger in self._application.triggers}
        ticks = self.schedule.ticks if self.schedule else {}
        return {
            "ingress": self._broker.ingress_url,
            "functions": [_function(revision) for revision in self.activator.revisions.values()],
            "queues": [
                {
                    "name": name,
                    "filter": filters.get(name, {}),
                    "ready": queue.ready,
                    "delivered": queue.counts.delivered,
                    "retried": queue.counts.retried,
                    "dead_lettered": queue.counts.dead_lettered,
                    "lost": queue.counts.lost,
                    "done": queue.counts.delivered + queue.counts.dead_lettered + queue.counts.lost,
                    "last_code": queue.counts.last_code,
                }
                for name, queue in queues.items()
            ],
            "ticks": [
                {
                    "source": source.name,
                    "job": source.extensions.get("job"),
                    "last": ticks[source.name].time.isoformat(timespec="seconds") if source.name in ticks else None,
                    "accepted": ticks[source.name].accepted if source.name in ticks else None,
                    "next": next_instant(source.schedule, source.timezone, clock.now()).isoformat(),
                }
                for source in self._application.ping_sources
            ],
        }


def _function(revision: Revision) -> dict[str, Any]:
    return {
        "name": revision.function.name,
        "public": revision.function.public,
        "state": revision.state,
        "pids": [replica.pid for replica in revision.replicas],
        "max_scale": revision.function.max_scale,
        "requests": revision.requests,
        "running": revision.running,
        "waiting": revision.waiting,
    }
