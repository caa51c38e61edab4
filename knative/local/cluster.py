"""A running application: its functions, broker and schedule behind the gateway and the front door."""

import asyncio
import secrets
import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from knative.local.activator import Activator, Revision, ScaleOverrides
from knative.local.application import Application, Name
from knative.local.broker import Broker
from knative.local.control_api import Gateway, local_url
from knative.local.extension import Extension
from knative.local.front_door import FrontDoor
from knative.local.listener import Listener, bind
from knative.local.loopback import loopback_client
from knative.local.schedule import TYPE, Schedule


@dataclass(frozen=True)
class Connections:
    """Connections of a cluster: front door sockets, RabbitMQ, and the identity of its queues there."""

    public: Sequence[socket.socket]
    amqp_url: str | None = None
    identity: str = ""


class Cluster:
    """Runs *application* while it is entered; on exit, open requests finish first.

    *folder* holds logs and process records. BrokerError when RabbitMQ cannot be used, OSError when a socket cannot.
    """

    def __init__(
        self,
        application: Application,
        environments: Mapping[Name, Mapping[str, str]],
        folder: Path,
        connections: Connections,
        *,
        scale: ScaleOverrides | None = None,
        extension: Extension | None = None,
    ) -> None:
        self._application = application
        self._extension = extension
        inner, secret = bind(0), secrets.token_hex(16)
        self.gateway_url = f"http://127.0.0.1:{inner[0].getsockname()[1]}/{secret}"
        self._environments = {name: self._localize(environment) for name, environment in environments.items()}
        self.activator = Activator(application.functions, self._environments, folder, scale)
        self._gateway = Gateway(self.activator, secret)
        self._doors = (
            Listener(self._gateway, inner),
            Listener(FrontDoor(application.routes, self.activator.revisions), connections.public),
        )
        triggers = [
            replace(
                trigger,
                subscriber_url=local_url(trigger.subscriber_url, self.gateway_url),
                dead_letter_url=local_url(trigger.dead_letter_name, self.gateway_url),
            )
            for trigger in application.triggers
        ]
        self._broker = Broker(
            connections.amqp_url,
            *application.broker,
            triggers,
            secret=secret,
            identity=connections.identity,
            declared=folder / "queues",
        )
        self.schedule = Schedule((), "", loopback_client(None))
        self.restarts: Mapping[str, int] = {}
        """Restarts of each private server."""
        self._stack = AsyncExitStack()

    def _localize(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return *environment* with the local addresses of functions."""
        hosts = {host for function in self._application.functions.values() for host in function.hosts}
        return {
            name: local_url(value, self.gateway_url)
            if value.startswith("http://") and urlsplit(value).hostname in hosts
            else value
            for name, value in environment.items()
        }

    async def __aenter__(self) -> Self:
        """Start everything; functions start with a request, or now up to their min-scale."""
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
        client = await self._stack.enter_async_context(loopback_client(None))
        self.schedule = Schedule(self._application.ping_sources, self._broker.ingress_url, client)
        self._gateway.actions = {
            "GET status": self._answer_status,
            "GET results": self._answer_results,
            "POST tick": self._answer_tick,
            **{f"POST {name}": self._answer_action for name in (self._extension.actions if self._extension else ())},
        }
        self._stack.push_async_callback(self._finish_requests)
        await public.start()
        self.activator.keep_warm()
        return self

    async def _finish_requests(self) -> None:
        await asyncio.gather(self._doors[1].stop(), self.activator.stop())

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the functions, then the broker."""
        await self._stack.aclose()

    async def _answer_status(self, _: Request) -> Response:
        return JSONResponse(await self.status())

    async def _answer_results(self, request: Request) -> Response:
        results = self._broker.results(request.query_params.get("trace", ""))
        return JSONResponse({"results": [vars(result) for result in results]})

    async def _answer_tick(self, request: Request) -> Response:
        name = request.query_params.get("name", "")
        source = self.schedule.find(name)
        if source is None:
            return JSONResponse({"error": f"no PingSource has the name or the job {name}"}, 404)
        tick = await self.schedule.send(source, (await request.body()).decode() or None)
        attributes = {"type": TYPE, **source.extensions}
        subscribers = [
            trigger.name
            for trigger in self._application.triggers
            if attributes.items() >= {**trigger.filter_attributes}.items()
        ]
        if tick.error:
            return JSONResponse({"error": f"the broker did not accept the tick: {tick.error}"}, 502)
        return JSONResponse({"source": source.name, "type": TYPE, "trace": tick.trace, "subscribers": subscribers}, 202)

    async def _answer_action(self, request: Request) -> Response:
        assert self._extension is not None  # noqa: S101
        action = self._extension.actions[request.url.path.rpartition("/")[2]]
        environment = {name: value for one in self._environments.values() for name, value in one.items()}
        arguments = request.query_params.getlist("argument")
        try:
            lines = await asyncio.to_thread(action, environment, self._broker.ingress_url, arguments)
        except (OSError, RuntimeError, ValueError) as error:
            return JSONResponse({"error": str(error)}, 502)
        return JSONResponse({"lines": list(lines)})

    async def status(self) -> dict[str, Any]:
        """Return the state of functions, queues and schedules as JSON values."""
        queues = await self._broker.status()
        filters = {trigger.name: dict(trigger.filter_attributes) for trigger in self._application.triggers}
        ticks = self.schedule.ticks
        return {
            "ingress": self._broker.ingress_url,
            "functions": [_function(revision) for revision in self.activator.revisions.values()],
            "queues": [
                {
                    "name": name,
                    "filter": filters.get(name, {}),
                    "ready": queue.ready,
                    **vars(queue.counts),
                    "done": queue.counts.delivered + queue.counts.dead_lettered + queue.counts.lost,
                }
                for name, queue in queues.items()
            ],
            "restarts": dict(self.restarts),
            "ticks": [
                {
                    "source": source.name,
                    "job": source.extensions.get("job"),
                    "last": ticks[source.name].time.isoformat(timespec="seconds") if source.name in ticks else None,
                    "accepted": ticks[source.name].accepted if source.name in ticks else None,
                    "next": waited.isoformat() if (waited := self.schedule.next.get(source.name)) else None,
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
