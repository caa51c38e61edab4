"""Activator: starts functions for requests, from zero up to max-scale, and ends idle replicas."""

import asyncio
import logging
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from knative.local.application import Function, Name
from knative.local.replicas import Replica

log = logging.getLogger(__name__)
_WAITING_PER_PLACE = 10
_LONGEST_QUEUE = 10_000
_IDLE_CHECK_SECONDS = 0.05


class NoReplicaError(Exception):
    """No replica can take the request; the message says why."""


@dataclass(frozen=True)
class ScaleOverrides:
    """Command line options that override the manifests; None keeps their value."""

    idle: float | None = None
    min_scale: int | None = None


class Revision:
    """A function and its replicas."""

    def __init__(self, function: Function, environment: Mapping[str, str], folder: Path) -> None:
        self.function = function
        self.requests = 0
        self.replicas: list[Replica] = []
        self._environment = {
            **environment,
            "K_SERVICE": function.name,
            "K_CONFIGURATION": function.name,
            "K_REVISION": f"{function.name}-00001",
        }
        self._folder = folder
        self._waiting: dict[asyncio.Future[Replica], None] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: list[Replica] = []
        self._closed = False

    @property
    def waiting(self) -> int:
        """Number of requests waiting for a replica."""
        return len(self._waiting)

    @property
    def running(self) -> int:
        """Number of requests in flight."""
        return sum(replica.running for replica in self.replicas)

    @property
    def state(self) -> str:
        """Status in words for people."""
        if self.replicas:
            return "busy" if self.running else "idle"
        return "starting" if self._starting else "zero"

    def take_free(self) -> Replica | None:
        """Return a replica with room when no other request waits for it; *give_back* must follow."""
        if self._waiting or self._closed or not (replica := self._find_room()):
            return None
        self.requests += 1
        self._lend(replica)
        if self._is_short() and self._may_grow():
            self._grow()
        return replica

    async def take(self) -> Replica:
        """Return a replica when it is this request's turn; NoReplicaError when there will be none."""
        if self._closed:
            raise NoReplicaError(f"{self.function.name} is being stopped")
        if len(self._waiting) >= self._longest_queue:
            raise NoReplicaError(f"{self.function.name}: {len(self._waiting)} requests wait already")
        self.requests += 1
        waiter: asyncio.Future[Replica] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = None
        self._assign()
        try:
            return await waiter
        except asyncio.CancelledError:
            self._waiting.pop(waiter, None)
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give_back(waiter.result())
            raise

    def give_back(self, replica: Replica) -> None:
        """End the use of *replica* by one request."""
        replica.running -= 1
        if self._waiting:
            self._assign()
        if replica.running == 0:
            replica.idle_since = time.monotonic()

    def forget(self, replica: Replica) -> None:
        """Send no more requests to *replica*: it takes no connections."""
        if replica in self.replicas:
            self.replicas.remove(replica)
            self._spawn(replica.stop(self.function.timeout))

    def keep_warm(self) -> None:
        """Start replicas up to min-scale."""
        while len(self.replicas) + len(self._starting) < self.function.min_scale and not self._closed:
            self._grow()

    async def stop(self) -> None:
        """Refuse new requests, let running ones finish, and end all replicas."""
        self._closed = True
        self._refuse(f"{self.function.name} is being stopped")
        for replica in self._starting:
            replica.kill()
        await asyncio.gather(*(replica.stop(self.function.timeout) for replica in self.replicas), *self._tasks)

    def kill(self) -> None:
        """End all replicas at once."""
        for replica in [*self.replicas, *self._starting]:
            replica.kill()

    @property
    def _longest_queue(self) -> int:
        """Number of requests that may wait, as Knative's queue-proxy and activator bound them."""
        places = self.function.concurrency * max(1, len(self.replicas) + len(self._starting))
        return _WAITING_PER_PLACE * places or _LONGEST_QUEUE

    @staticmethod
    def _lend(replica: Replica) -> None:
        replica.running += 1
        replica.idle_since = None

    def _assign(self) -> None:
        """Assign waiting requests to replicas with room, in order; start a replica for the rest."""
        while self._waiting and (replica := self._find_room()):
            waiter = next(iter(self._waiting))
            del self._waiting[waiter]
            if not waiter.done():
                self._lend(replica)
                waiter.set_result(replica)
        if self._is_short() and self._may_grow():
            self._grow()

    def _is_short(self) -> bool:
        if self.waiting > len(self._starting) * self.function.target:
            return True
        soft = self.function.concurrency == 0 and self.replicas and not self._starting
        return bool(soft) and all(replica.running >= self.function.target for replica in self.replicas)

    def _find_room(self) -> Replica | None:
        """Return the first replica with room (the last ones fall idle); without a hard limit the least busy one."""
        for replica in self.replicas:
            if replica.running < self.function.target:
                return replica
        if self.function.concurrency == 0:
            return min(self.replicas, key=lambda replica: replica.running, default=None)
        return None

    def _may_grow(self) -> bool:
        count = len(self.replicas) + len(self._starting)
        return not self._closed and (self.function.max_scale == 0 or count < self.function.max_scale)

    def _grow(self) -> None:
        replica = Replica(self.function.name)
        self._starting.append(replica)
        self._spawn(self._run(replica))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, replica: Replica) -> None:
        """Supervise *replica* from its start to its end, whatever ends it."""
        name = self.function.name
        try:
            listens = await replica.start(self._environment, self._folder, self.function.timeout)
        except OSError as error:
            log.error("%s: no process could be started: %s", name, error)
            self._refuse(f"{name} cannot be started")
            return
        finally:
            self._starting.remove(replica)
        if listens and not self._closed:
            log.info("%s: pid %s started", name, replica.pid)
            self.replicas.append(replica)
            replica.idle_since = time.monotonic()
            self._watch_idleness(replica)
            self._assign()
        else:
            replica.kill()
        probing = asyncio.create_task(self._probe(replica))
        try:
            code = await replica.wait_for_exit(self._folder)
        finally:
            probing.cancel()
        if replica.stopping or self._closed:
            log.info("%s: pid %s ended (%d)", name, replica.pid, code)
            return
        log.error("%s: pid %s ended by itself (%d): see its log", name, replica.pid, code)
        self.forget(replica)
        if not listens and not self.replicas and not self._starting:
            self._refuse(f"{name} did not start: see its log")
        self._assign()
        # A function that keeps dying is not to be started without a pause.
        asyncio.get_running_loop().call_later(1, self.keep_warm)

    async def _probe(self, replica: Replica) -> None:
        """Kill *replica* when its liveness probe fails as often as its manifest says: another one takes its place."""
        probe, failures = self.function.liveness, 0
        if probe is None:
            return
        await asyncio.sleep(probe.delay)
        while failures < probe.failures:
            await asyncio.sleep(probe.period)
            failures = 0 if await replica.is_alive(probe.path, probe.timeout) else failures + 1
        log.error("%s: pid %s hangs: %d liveness probes failed", self.function.name, replica.pid, failures)
        replica.kill()

    def _watch_idleness(self, replica: Replica) -> None:
        """End *replica* once it has been idle long enough; look again when that may be."""
        if replica not in self.replicas or self._closed:
            return
        idle = 0.0 if replica.idle_since is None else time.monotonic() - replica.idle_since
        if idle >= self.function.idle and len(self.replicas) > self.function.min_scale:
            return self.forget(replica)
        left = self.function.idle - idle
        pause = left if left > 0 else self.function.idle
        asyncio.get_running_loop().call_later(max(pause, _IDLE_CHECK_SECONDS), self._watch_idleness, replica)
        return None

    def _refuse(self, reason: str) -> None:
        waiting, self._waiting = self._waiting, {}
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(NoReplicaError(reason))


class Activator:
    """All functions of an application, each scaled on its own."""

    def __init__(
        self,
        functions: Mapping[Name, Function],
        environments: Mapping[Name, Mapping[str, str]],
        folder: Path,
        scale: ScaleOverrides | None = None,
    ) -> None:
        """*folder* gets a `logs` and a `processes` folder; the latter holds the pids of running processes."""
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / "processes").mkdir(exist_ok=True)
        self.revisions = {
            name: Revision(_scaled(function, scale or ScaleOverrides()), environments[name], folder)
            for name, function in functions.items()
        }

    def keep_warm(self) -> None:
        """Start replicas up to each function's min-scale."""
        for revision in self.revisions.values():
            revision.keep_warm()

    async def stop(self) -> None:
        """Refuse new requests, let running ones finish, and end all replicas."""
        await asyncio.gather(*(revision.stop() for revision in self.revisions.values()))

    def kill(self) -> None:
        """End all replicas at once."""
        for revision in self.revisions.values():
            revision.kill()


def _scaled(function: Function, scale: ScaleOverrides) -> Function:
    with_idle = function if scale.idle is None else replace(function, idle=scale.idle)
    if scale.min_scale is None:
        return with_idle
    least = min(scale.min_scale, function.max_scale or scale.min_scale)
    return replace(with_idle, min_scale=max(function.min_scale, least))
