"""Send the ticks of PingSources, when they are due or when somebody asks, as Knative's adapter sends them."""

import asyncio
import logging
import os
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from knative.local.field_types import next_instant
from knative.local.manifests import PingSource
from shared.runtime import clock

log = logging.getLogger(__name__)

TYPE = "dev.knative.sources.ping"
_RETRIED = {404, 413, 425, 429, 502, 503, 504}  # not 500, which the RabbitMQ ingress answers when it could not publish
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
_LATE = 60
"""Seconds after which a tick that slept through its instant, with the machine, is gone: nobody catches up."""


@dataclass(frozen=True)
class Tick:
    """What was sent: the PingSource's name, when (UTC), and whether the broker has it."""

    source: str
    time: datetime
    accepted: bool


class Schedule:
    """The PingSources of an application; *ingress* is the Broker's address."""

    def __init__(self, sources: Sequence[PingSource], ingress: str, client: httpx.AsyncClient) -> None:
        self.ticks: dict[str, Tick] = {}
        self._sources = sources
        self._ingress = ingress
        self._client = client

    def of_job(self, job: str) -> PingSource | None:
        """Return the first PingSource whose events carry *job*, None when there is none."""
        return next((source for source in self._sources if source.extensions.get("job") == job), None)

    async def run(self) -> None:
        """Send each tick when it is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._follow(source, group))

    async def _follow(self, source: PingSource, group: asyncio.TaskGroup) -> None:
        due = clock.now()
        while True:
            due = next_instant(source.schedule, source.timezone, due)
            late = await reach(due)
            if late > _LATE:
                log.warning("%s: the tick of %s is %d s late and is left out", source.name, due.isoformat(), late)
                continue
            group.create_task(self.send(source))

    async def send(self, source: PingSource, data: str | None = None) -> bool:
        """Send a tick of *source*, with *data* in place of its own; False when the event is lost."""
        now = clock.now()
        headers = {
            "ce-specversion": "1.0",
            "ce-id": str(uuid.uuid4()),
            "ce-type": TYPE,
            "ce-source": f"/apis/v1/namespaces/{source.namespace}/pingsources/{source.name}",
            "ce-time": now.isoformat().replace("+00:00", "Z"),
            **{f"ce-{name}": value for name, value in source.extensions.items()},
            "content-type": source.content_type,
            "kn-namespace": source.namespace,
            "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
        }
        accepted = await self._post(source, headers, (source.data if data is None else data).encode())
        self.ticks[source.name] = Tick(source.name, now, accepted)
        return accepted

    async def _post(self, source: PingSource, headers: dict[str, str], body: bytes) -> bool:
        pauses = iter(_PAUSES)
        while True:
            try:
                response = await self._client.post(self._ingress, headers=headers, content=body)
                outcome, again = str(response.status_code), response.status_code in _RETRIED
                if response.is_success:
                    log.info("%s: sent, trace %s", source.name, headers["traceparent"])
                    return True
            except httpx.TransportError as error:
                outcome, again = type(error).__name__, True
            pause = next(pauses, None) if again else None
            if pause is None:
                log.warning("%s: Event is lost (%s)", source.name, outcome)
                return False
            await asyncio.sleep(pause)


async def reach(instant: datetime) -> float:
    """Wait until the clock shows *instant*; return how many real seconds late that is noticed."""
    replayed = bool(os.environ.get("CLOCK"))
    while (left := (instant - clock.now()).total_seconds()) > 0:  # noqa: ASYNC110  no event tells the time
        # A machine may sleep, and a replayed clock runs at any speed: look again before it can be too late.
        await asyncio.sleep(0.02 if replayed else min(left, 30))
    return 0 if replayed else -left
