"""A running `up`, as the other verbs see it: its status, its ticks, and what became of them."""

import asyncio
import fcntl
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx


class NotRunningError(Exception):
    """There is nobody to talk to."""


class RefusedError(Exception):
    """A function did not take the question; the message says why."""


class RunnerClient:
    """The runner whose own answers are at *gateway* and whose public port is at *url*."""

    def __init__(self, gateway: str, url: str, services: Mapping[str, str] | None = None) -> None:
        self.url = url
        self.services = services or {}
        self._gateway = gateway
        self._client = httpx.AsyncClient(trust_env=False, timeout=120)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def status(self) -> dict[str, Any]:
        """Return what runs, what waits, and what happened last."""
        return (await self._client.get(f"{self._gateway}/-/status")).raise_for_status().json()

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        """Return the JSON that the public *path* answers; RefusedError with its reason when that is an error."""
        answer = await self._client.get(self.url + path, params=query)
        if answer.is_error:
            raise RefusedError(f"{path} answered {answer.status_code}: {_reason(answer)}")
        return answer.json()

    async def dead_letters(self) -> list[dict[str, Any]]:
        """Return the dead letters that wait for a person, as store tells of them."""
        answer = await self._client.get(f"{self._gateway}/stocksalot/store/dead-letters")
        return answer.raise_for_status().json()["items"]

    async def replay(self, ids: Sequence[int]) -> list[str]:
        """Send the dead letters *ids* (none: all) again, and return a line for each; RefusedError for failures."""
        answer = await self._client.post(f"{self._gateway}/-/replay", params={"id": list(ids)})
        if answer.is_error:
            raise RefusedError(answer.json()["error"])
        return answer.json()["sent"]

    async def tick(self, job: str, data: Mapping[str, Any] | None = None) -> "Outcome":
        """Send a tick of *job* and wait until it, and the event it led to, have been dealt with.

        LookupError for a job that no schedule has, ConnectionError when the broker does not take the tick.
        """
        before = await self.status()
        answer = await self._client.post(
            f"{self._gateway}/-/tick", params={"job": job}, content=json.dumps(data) if data else b""
        )
        if answer.status_code == 404:
            raise LookupError(answer.json()["error"])
        if answer.is_error:
            raise ConnectionError("the broker did not take the tick; see `logs runner`")
        first = {queue["name"] for queue in before["queues"] if queue["filter"].get("job") == job}
        queue = await self._dealt_with(before, first)
        if queue["last_code"] != 200:
            return Outcome(queue["last_code"], None)
        following = await self._dealt_with(before, {queue["name"] for queue in before["queues"]} - first)
        return Outcome(queue["last_code"], following["filter"].get("type"))

    async def _dealt_with(self, before: dict[str, Any], names: set[str]) -> dict[str, Any]:
        """Wait until one of the queues *names* has got rid of an event since *before*, and return it."""
        done = {queue["name"]: queue["done"] for queue in before["queues"]}
        while True:
            for queue in (await self.status())["queues"]:
                if queue["name"] in names and queue["done"] > done[queue["name"]]:
                    return queue
            await asyncio.sleep(0.05)


@dataclass(frozen=True)
class Outcome:
    """What became of a tick: the status that its function answered at last, and the type of the event it led to."""

    code: int | None
    led_to: str | None


def _reason(answer: httpx.Response) -> str:
    """Return what a problem+json says (RFC 9457), or the plain text of another error."""
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = answer.json()
        faults = "; ".join(f"{one.get('parameter')}: {one.get('detail')}" for one in problem.get("errors", []))
        return faults or problem.get("detail") or problem.get("title", "")
    return answer.text.strip()


def find(folder: Path) -> RunnerClient:
    """Return the runner whose data is in *folder*; NotRunningError when none is."""
    try:
        with (folder / "lock").open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        pass
    except BlockingIOError:
        running = json.loads((folder / "running.json").read_text() or "{}")
        if "gateway" not in running:
            raise NotRunningError(f"{folder} is just being started") from None
        return RunnerClient(running["gateway"], running["url"], running["services"])
    raise NotRunningError(f"nothing runs in {folder}: start it with `python -m knative.local up`")
