"""Client of a running `up`: status, ticks and their results, and the actions of the application."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from knative.local.loopback import loopback_client
from knative.local.running_copies import is_running, registered_folders


class NotRunningError(Exception):
    """No runner uses the folder."""


class RefusedError(Exception):
    """A function or the runner refused a request; the message says why."""


@dataclass(frozen=True)
class TickResult:
    """The result of a tick: the last status code of its function, and the type of the event it led to."""

    code: int | None
    led_to: str | None


class RunnerClient:
    """The runner with the control API at *gateway* and the public port at *url*."""

    def __init__(self, gateway: str, url: str, services: Mapping[str, str] | None = None) -> None:
        self.gateway = gateway
        self.url = url
        self.services = services or {}
        self._client = loopback_client(120)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def status(self) -> dict[str, Any]:
        """Return the state of functions, queues, schedules and services."""
        return self._checked("status", await self._client.get(f"{self.gateway}/-/status"))

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the JSON at the public *path*; RefusedError with the reason of an error."""
        return self._checked(path, await self._client.get(self.url + path, params=query))

    async def get_function(self, path: str) -> dict[str, Any]:
        """Return the JSON at *path*, /<namespace>/<function>/<path>, which need not be public."""
        return self._checked(path, await self._client.get(self.gateway + path))

    async def post_function(self, path: str, data: Mapping[str, Any]) -> dict[str, Any]:
        """POST JSON to a function at *path*, which need not be public, and return the JSON of its response."""
        return self._checked(path, await self._client.post(self.gateway + path, json=data))

    async def deliver(self, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """POST an event to a function at *path*, and the event it replies with to the broker; return the reply.

        RefusedError when the function fails, ConnectionError when the broker does not accept the reply.
        """
        reply = await self._client.post(self.gateway + path, headers=headers, content=body)
        if reply.is_error:
            raise RefusedError(f"{path} answered {reply.status_code}: {_reason(reply)}")
        if reply.status_code == 200:
            attributes = {
                name: value for name, value in reply.headers.items() if name.startswith(("ce-", "content-type"))
            }
            ingress = (await self.status())["ingress"]
            if (await self._client.post(ingress, headers=attributes, content=reply.content)).is_error:
                raise ConnectionError("the broker did not accept the reply; see `logs runner`")
        return reply

    async def act(self, action: str, arguments: Sequence[str]) -> list[str]:
        """Run an action of the application and return its lines; RefusedError when it fails."""
        answer = await self._client.post(f"{self.gateway}/-/{action}", params={"argument": list(arguments)})
        if answer.is_error:
            raise RefusedError(answer.json()["error"])
        return answer.json()["lines"]

    async def tick(self, name: str, data: Mapping[str, Any] | None = None) -> TickResult:
        """Send a tick and wait until it, and the event it led to, have been processed.

        *name* is a PingSource or the `job` of one: LookupError when there is none. ConnectionError when the broker
        does not accept the tick.
        """
        answer = await self._client.post(
            f"{self.gateway}/-/tick", params={"name": name}, content=json.dumps(data) if data else b""
        )
        if answer.status_code == 404:
            raise LookupError(answer.json()["error"])
        if answer.is_error:
            raise ConnectionError(answer.json()["error"])
        tick = answer.json()
        if not tick["subscribers"]:
            return TickResult(None, None)
        first = await self._result(tick["trace"], tick["type"])
        led_to = first["reply_type"]
        # A queue that filters by more than the type may never get it.
        if led_to and any(queue["filter"] == {"type": led_to} for queue in (await self.status())["queues"]):
            await self._result(tick["trace"], led_to)
        return TickResult(first["code"], led_to)

    async def _result(self, trace: str, of_type: str) -> dict[str, Any]:
        """Wait for the first result of an event of a type within a trace."""
        while True:
            answer = await self._client.get(f"{self.gateway}/-/results", params={"trace": trace})
            for result in self._checked("results", answer)["results"]:
                if result["type"] == of_type:
                    return result
            await asyncio.sleep(0.05)

    @staticmethod
    def _checked(path: str, answer: httpx.Response) -> dict[str, Any]:
        if answer.is_error:
            raise RefusedError(f"{path} answered {answer.status_code}: {_reason(answer)}")
        return answer.json()


def _reason(answer: httpx.Response) -> str:
    """Return the text of a problem+json (RFC 9457), or of another error."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = answer.json()
        faults = "; ".join(f"{one.get('parameter')}: {one.get('detail')}" for one in problem.get("errors", []))
        return faults or problem.get("detail") or problem.get("title", "")
    return answer.text.strip()


def find(folder: Path) -> RunnerClient:
    """Return the client of the runner that uses *folder*; NotRunningError when none does."""
    if not is_running(folder):
        others = [other for other in registered_folders() if is_running(other)]
        text = f"; there runs, with --folder: {', '.join(map(str, others))}" if others else ""
        raise NotRunningError(f"nothing runs in {folder}: start it with `python -m knative.local up`{text}")
    running = json.loads((folder / "running.json").read_text() or "{}")
    if "gateway" not in running:
        raise NotRunningError(f"the runner in {folder} is still starting")
    return RunnerClient(running["gateway"], running["url"], running["services"])


def find_folder(chosen: Path | None, port: int | None, root: Path) -> Path:
    """Return the folder of a run: the *chosen* one, that of *port*, else the only one that runs, else that of 8080."""
    if chosen or port:
        return chosen or root / str(port)
    default = root / "8080"
    running = [folder for folder in registered_folders() if is_running(folder)]
    return running[0] if len(running) == 1 and not is_running(default) else default
