"""Run functions when requests come: from zero, up to max-scale, and back to zero when they have been idle."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from knative.local.copies import Copy
from knative.local.manifests import Function, Name

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """No copy can take the request; the message says why."""


@dataclass(frozen=True)
class Scale:
    """What the command line says over the manifests; None leaves it to them."""

    idle: float | None = None
    min_scale: int | None = None


class Revision:
    """A function and its copies."""

    def __init__(self, function: Function, environment: Mapping[str, str], folder: Path) -> None:
        self.function = function
        self.requests = 0
        self.copies: list[Copy] = []
        self._environment = {
            **environment,
            "K_SERVICE": function.name,
            "K_CONFIGURATION": function.name,
            "K_REVISION": f"{function.name}-00001",
        }
        self._folder = folder
        self._waiting: deque[asyncio.Future[Copy]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._starting: list[Copy] = []
        self._closed = False

    @property
    def waiting(self) -> int:
        """How many requests no copy has taken yet."""
        return sum(not waiter.done() for waiter in self._waiting)

    @property
    def running(self) -> int:
        """How many requests copies are working on."""
        return sum(copy.running for copy in self.copies)

    @property
    def state(self) -> str:
        """What a person would say that it is doing."""
        if self.copies:
            return "busy" if self.running else "idle"
        return "starting" if self._starting else "zero"

    @asynccontextmanager
    async def lend(self) -> AsyncIterator[Copy]:
        """Lend a copy that listens to one request, when it is its turn; UnavailableError when there will be none."""
        copy = await self._take()
        try:
            yield copy
        finally:
            self._release(copy)

    def forget(self, copy: Copy) -> None:
        """Send no more requests to *copy*: it takes no connections."""
        if copy in self.copies:
            self.copies.remove(copy)
            self._spawn(copy.stop(self.function.timeout))

    def keep_warm(self) -> None:
        """Start copies up to min-scale."""
        while len(self.copies) + len(self._starting) < self.function.min_scale and not self._closed:
            self._grow()

    async def stop(self) -> None:
        """Refuse new requests, let running ones finish, and end all copies."""
        self._closed = True
        self._refuse(f"{self.function.name} is being stopped")
        for copy in self._starting:
            copy.kill()
        await asyncio.gather(*(copy.stop(self.function.timeout) for copy in self.copies), *self._tasks)

    def kill(self) -> None:
        """End all copies at once."""
        for copy in [*self.copies, *self._starting]:
            copy.kill()

    async def _take(self) -> Copy:
        if self._closed:
            raise UnavailableError(f"{self.function.name} is being stopped")
        self.requests += 1
        waiter: asyncio.Future[Copy] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._hand_out()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self._release(waiter.result())
            raise

    def _release(self, copy: Copy) -> None:
        copy.running -= 1
        self._hand_out()
        if copy.running == 0:
            self._rest(copy)

    def _hand_out(self) -> None:
        """Give waiting requests, first come first served, to copies with room; start a copy for those left over."""
        while self._waiting and (copy := self._with_room()):
            waiter = self._waiting.popleft()
            if not waiter.done():
                copy.running += 1
                if copy.idle:
                    copy.idle.cancel()
                waiter.set_result(copy)
        if self._is_short() and self._may_grow():
            self._grow()

    def _is_short(self) -> bool:
        if self.waiting > len(self._starting) * self.function.target:
            return True
        soft = self.function.concurrency == 0 and self.copies and not self._starting
        return bool(soft) and all(copy.running >= self.function.target for copy in self.copies)

    def _with_room(self) -> Copy | None:
        """Return the first copy with room, so that the last ones fall idle; without a hard limit the least busy one."""
        for copy in self.copies:
            if copy.running < self.function.target:
                return copy
        if self.function.concurrency == 0:
            return min(self.copies, key=lambda copy: copy.running, default=None)
        return None

    def _may_grow(self) -> bool:
        count = len(self.copies) + len(self._starting)
        return not self._closed and (self.function.max_scale == 0 or count < self.function.max_scale)

    def _grow(self) -> None:
        copy = Copy(self.function.name)
        self._starting.append(copy)
        self._spawn(self._live(copy))

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live(self, copy: Copy) -> None:
        """Take *copy* from its start to its end, whoever brings that about."""
        name = self.function.name
        try:
            listens = await copy.start(self._environment, self._folder, self.function.timeout)
        except OSError as error:
            log.error("%s: no process could be started: %s", name, error)
            self._refuse(f"{name} cannot be started")
            return
        finally:
            self._starting.remove(copy)
        if listens and not self._closed:
            log.info("%s: pid %s started", name, copy.pid)
            self.copies.append(copy)
            self._rest(copy)
            self._hand_out()
        else:
            copy.kill()
        code = await copy.ended(self._folder)
        if copy.stopping or self._closed:
            log.info("%s: pid %s ended (%d)", name, copy.pid, code)
            return
        log.error("%s: pid %s ended by itself (%d): see its log", name, copy.pid, code)
        self.forget(copy)
        if not listens and not self.copies and not self._starting:
            self._refuse(f"{name} did not start: see its log")
        self._hand_out()
        # A function that keeps dying is not to be started without a pause.
        asyncio.get_running_loop().call_later(1, self.keep_warm)

    def _rest(self, copy: Copy) -> None:
        """End *copy* once it has been idle long enough."""
        if copy in self.copies and not self._closed:
            copy.idle = asyncio.get_running_loop().call_later(self.function.idle, self._retire, copy)

    def _retire(self, copy: Copy) -> None:
        if copy in self.copies and len(self.copies) > self.function.min_scale:
            self.forget(copy)

    def _refuse(self, reason: str) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(UnavailableError(reason))


class Activator:
    """All functions of an application, each scaled on its own."""

    def __init__(
        self,
        functions: Mapping[Name, Function],
        environments: Mapping[Name, Mapping[str, str]],
        folder: Path,
        scale: Scale | None = None,
    ) -> None:
        """*folder* gets a `logs` and a `processes` folder; the latter holds the pids of what runs."""
        (folder / "logs").mkdir(parents=True, exist_ok=True)
        (folder / "processes").mkdir(exist_ok=True)
        self.revisions = {
            name: Revision(_scaled(function, scale or Scale()), environments[name], folder)
            for name, function in functions.items()
        }

    def keep_warm(self) -> None:
        """Start copies up to each function's min-scale."""
        for revision in self.revisions.values():
            revision.keep_warm()

    async def stop(self) -> None:
        """Refuse new requests, let running ones finish, and end all copies."""
        await asyncio.gather(*(revision.stop() for revision in self.revisions.values()))

    def kill(self) -> None:
        """End all copies at once."""
        for revision in self.revisions.values():
            revision.kill()


def _scaled(function: Function, scale: Scale) -> Function:
    with_idle = function if scale.idle is None else replace(function, idle=scale.idle)
    if scale.min_scale is None:
        return with_idle
    least = min(scale.min_scale, function.max_scale or scale.min_scale)
    return replace(with_idle, min_scale=max(function.min_scale, least))
