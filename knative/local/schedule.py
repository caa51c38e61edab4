"""Scheduler: sends the ticks of PingSources when they are due or requested, as Knative's adapter sends them."""

import asyncio
import logging
import math
import secrets
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx

from knative.local.application import PingSource
from knative.local.field_types import next_instant
from shared.runtime import clock

log = logging.getLogger(__name__)

TYPE = "dev.knative.sources.ping"
_RETRIED = {404, 413, 425, 429, 502, 503, 504}  # not 500, which the RabbitMQ ingress answers when it could not publish
_PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
_LATE_SECONDS = 60
"""The machine slept through a tick that is later than this, and the clock was put back by more than this."""
_LONGEST_WAIT = 30


@dataclass(frozen=True)
class SentTick:
    """A sent tick: its PingSource, time (UTC) and trace id, and why the broker did not accept it, if so."""

    source: str
    time: datetime
    trace: str
    error: str = ""

    @property
    def accepted(self) -> bool:
        """Return whether the broker accepted it."""
        return not self.error


class Schedule:
    """The PingSources of an application; *ingress* is the Broker's address."""

    def __init__(self, sources: Sequence[PingSource], ingress: str, client: httpx.AsyncClient) -> None:
        self.ticks: dict[str, SentTick] = {}
        """The last tick of each source."""
        self.next: dict[str, datetime] = {}
        """The instant that each source waits for."""
        self._sources = sources
        self._ingress = ingress
        self._client = client
        self._caught_up: dict[tuple[object, ...], float] = {}

    def find(self, name: str) -> PingSource | None:
        """Return the PingSource of that name, else the first whose events carry the `job` *name*."""
        by_name = (source for source in self._sources if source.name == name)
        by_job = (source for source in self._sources if source.extensions.get("job") == name)
        return next(by_name, None) or next(by_job, None)

    async def run(self) -> None:
        """Send each tick when it is due, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._follow(source, group))

    async def _follow(self, source: PingSource, group: asyncio.TaskGroup) -> None:
        after = clock.now()
        while True:
            due, late = await self._wait(source, after)
            if late <= _LATE_SECONDS:
                after = due
                group.create_task(self.send(source))
                continue
            after = max(due, clock.now())
            log.warning("%s: ticks were missed while the machine slept, the first %d s ago", source.name, late)
            if self._must_catch_up(source):
                group.create_task(self.send(source))

    async def _wait(self, source: PingSource, after: datetime) -> tuple[datetime, float]:
        """Wait for the first instant of *source* after *after*; return it and how many seconds late it is noticed.

        A clock that is put back begins again at the instant that it shows.
        """
        due = next_instant(source.schedule, source.timezone, after)
        while True:
            self.next[source.name] = due
            left = await wait_for_instant(due)
            if left <= 0:
                return due, -left
            now = clock.now()
            if (after - now).total_seconds() > _LATE_SECONDS:
                after, due = now, next_instant(source.schedule, source.timezone, now)

    def _must_catch_up(self, source: PingSource) -> bool:
        """Return whether *source* is the first of its kind of tick to notice that ticks were missed."""
        kind = (*sorted(source.extensions.items()), source.data) if source.extensions else (source.name,)
        now = time.monotonic()
        first = now - self._caught_up.get(kind, -_LATE_SECONDS) >= _LATE_SECONDS
        self._caught_up[kind] = now
        return first

    async def send(self, source: PingSource, data: str | None = None) -> SentTick:
        """Send a tick of *source*, with *data* in place of its own."""
        now, trace = clock.now(), secrets.token_hex(16)
        headers = {
            "ce-specversion": "1.0",
            "ce-id": str(uuid.uuid4()),
            "ce-type": TYPE,
            "ce-source": f"/apis/v1/namespaces/{source.namespace}/pingsources/{source.name}",
            "ce-time": now.isoformat().replace("+00:00", "Z"),
            **{f"ce-{name}": value for name, value in source.extensions.items()},
            "content-type": source.content_type,
            "kn-namespace": source.namespace,
            "traceparent": f"00-{trace}-{secrets.token_hex(8)}-01",
        }
        error = await self._post(source, headers, (source.data if data is None else data).encode())
        self.ticks[source.name] = tick = SentTick(source.name, now, trace, error)
        return tick

    async def _post(self, source: PingSource, headers: dict[str, str], body: bytes) -> str:
        """Return nothing when the broker accepts the event, else the cause of the last attempt."""
        pauses = iter(_PAUSES)
        while True:
            try:
                response = await self._client.post(self._ingress, headers=headers, content=body)
                if response.is_success:
                    log.info("%s: sent, trace %s", source.name, headers["traceparent"])
                    return ""
                cause, again = f"{response.status_code} {response.text}".strip(), response.status_code in _RETRIED
            except httpx.TransportError as error:
                cause, again = type(error).__name__, True
            pause = next(pauses, None) if again else None
            if pause is None:
                log.warning("%s: Event is lost (%s)", source.name, cause)
                return cause
            await asyncio.sleep(pause)


async def wait_for_instant(instant: datetime) -> float:
    """Wait for *instant*, at most half a minute; return the real seconds that are left, negative when it has passed.

    The wait is short because a machine may sleep, and a clock may be put forward or back.
    """
    await asyncio.sleep(min(max(_seconds_until(instant), 0), _LONGEST_WAIT))
    return _seconds_until(instant)


def _seconds_until(instant: datetime) -> float:
    left, speed = (instant - clock.now()).total_seconds(), clock.speed()
    return left / speed if speed else math.inf
