"""Takes events from one queue to one destination, and decides what becomes of each."""

import asyncio
import itertools
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from knative.local.broker import messages
from knative.local.broker.messages import Event, NotAnEventError
from knative.local.broker.queues import Delivery, Queues, UnconfirmedError
from knative.local.broker.specs import Mode
from knative.local.broker.topology import Consumer, matches

log = logging.getLogger("knative.local.broker")

_UNREACHABLE = -1
_RETRIED = {404, 408, 409, 429}


@dataclass
class Counts:
    """What became of the events of one queue since the start. *last_code* is -1 when there was no answer."""

    delivered: int = 0
    retried: int = 0
    dead_lettered: int = 0
    lost: int = 0
    last_code: int | None = None


@dataclass(frozen=True)
class _Outcome:
    code: int
    attempts: int
    error: str = ""
    response: httpx.Response | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def failed(self) -> bool:
        """The retries are used up. Neither accepted nor failed is what the dispatcher takes for a success."""
        return self.code == _UNREACHABLE or self.code >= 500 or self.code in _RETRIED

    def __str__(self) -> str:
        attempts = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{self.error or self.code}{attempts}"


class _StoppedError(Exception):
    """The dispatcher is stopping: what is in hand stays unacknowledged and is delivered again."""


class Dispatcher:
    """The workers of one queue. Those of a dead-letter queue acknowledge whatever happens: nobody comes after them."""

    def __init__(self, consumer: Consumer, queues: Queues, client: httpx.AsyncClient, ingress: str, mode: Mode) -> None:
        self.consumer = consumer
        self.counts = Counts()
        self._queues, self._client, self._ingress, self._mode = queues, client, ingress, mode
        self._stopping = False
        self._idle: set[asyncio.Task[None] | None] = set()
        self._workers = {asyncio.create_task(self._work()) for _ in range(consumer.parallelism)}

    async def stop(self, grace: float) -> None:
        """Take nothing more, give requests on their way *grace* seconds; the rest is delivered again."""
        self._stopping = True
        for worker in self._workers & self._idle:
            worker.cancel()
        _, late = await asyncio.wait(self._workers, timeout=grace)
        for worker in late:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        if self._stopping:
            raise _StoppedError
        worker = asyncio.current_task()
        self._idle.add(worker)
        try:
            yield
        finally:
            self._idle.discard(worker)

    async def _work(self) -> None:
        while not self._stopping:
            with self._interruptible():
                delivery = await self._queues.get(self.consumer.queue)
            try:
                await self._dispatch(delivery)
            except _StoppedError:
                return
            except Exception:
                log.exception("%s: an event stays in its queue for a fault of this broker", self.consumer.name)

    async def _dispatch(self, delivery: Delivery) -> None:
        try:
            event = messages.from_amqp(delivery.message)
        except NotAnEventError as error:
            self.counts.lost += 1
            log.error("%s: LOST a message that is no CloudEvent: %s", self.consumer.name, error)
            delivery.acknowledge()
            return
        begun = time.perf_counter()
        outcome = await self._send(self.consumer.destination.url, event)
        self.counts.last_code = outcome.code
        if outcome.failed or (not outcome.accepted and self._mode == "spec"):
            await self._give_up(delivery, event, outcome)
            return
        if not outcome.accepted:
            self.counts.lost += 1
            told = f"{self.consumer.name}: LOST {event}: eventing-rabbitmq takes {outcome.code} for a success"
            log.warning("%s: no retry, no dead letter; answer 5xx for a failure, trace %s", told, event.trace_id)
        if refusal := await self._reply(event, outcome):
            await self._give_up(delivery, event, outcome, knativeerrordata=str(refusal))
            return
        delivery.acknowledge()
        if outcome.accepted:
            self.counts.delivered += 1
            elapsed = 1000 * (time.perf_counter() - begun)
            name, trace = self.consumer.name, event.trace_id
            log.info("%s: delivered %s: %s in %.0f ms, trace %s", name, event, outcome, elapsed, trace)

    async def _send(self, url: str, event: Event) -> _Outcome:
        """POST *event* until it is taken, refused for good, or the retries are used up."""
        try:
            messages.validate(event)
        except NotAnEventError as error:
            return _Outcome(_UNREACHABLE, 0, f"not sent: {error}")
        headers, body = messages.to_http(event)
        for attempt in itertools.count(1):
            outcome = await self._post(url, headers, body, attempt)
            if not outcome.failed or attempt > self.consumer.destination.retry:
                return outcome
            self.counts.retried += 1
            self.counts.last_code = outcome.code
            log.info("%s: will retry %s: %s, trace %s", self.consumer.name, event, outcome, event.trace_id)
            with self._interruptible():
                await asyncio.sleep(self.consumer.destination.backoff(attempt))
        raise AssertionError

    async def _post(self, url: str, headers: Mapping[bytes, bytes], body: bytes, attempt: int) -> _Outcome:
        try:
            async with asyncio.timeout(self.consumer.destination.timeout):
                response = await self._client.post(url, headers=headers, content=body)
        except TimeoutError:
            return _Outcome(_UNREACHABLE, attempt, f"no answer within {self.consumer.destination.timeout} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _Outcome(_UNREACHABLE, attempt, f"no answer: {error or type(error).__name__}")
        return _Outcome(response.status_code, attempt, response=response)

    async def _reply(self, event: Event, outcome: _Outcome) -> _Outcome | None:
        """Send the event that *outcome* answers with, if any, to the Broker. Returns why it could not be."""
        if outcome.response is None:
            return None
        headers = {"traceparent": event.traceparent, **messages.http_headers(outcome.response.headers.raw)}
        if not messages.is_event(headers):
            return None
        try:
            reply = messages.with_id(messages.from_http(headers, outcome.response.content))
        except NotAnEventError as error:
            log.warning("%s: LOST the reply to %s: %s, trace %s", self.consumer.name, event, error, event.trace_id)
            return None
        wanted = self.consumer.filter_attributes
        if wanted is not None and matches(wanted, messages.to_amqp(reply).headers):
            log.warning("%s: LOOP: its own filter matches its reply %s", self.consumer.name, reply)
        published = await self._send(self._ingress, reply)
        return published if published.failed else None

    async def _give_up(self, delivery: Delivery, event: Event, outcome: _Outcome, **extensions: str) -> None:
        name = self.consumer.name
        if self.consumer.dead_letters is None:
            self.counts.lost += 1
            log.error("%s: LOST %s for good: %s, trace %s", name, event, outcome, event.trace_id)
            delivery.acknowledge()
            return
        letter = event.extended(
            knativeerrordest=self.consumer.destination.name, knativeerrorcode=outcome.code, **extensions
        )
        if self._mode == "faithful":
            delivery.acknowledge()  # as the real one: a crash before the confirmation loses the event
        try:
            await self._queues.publish(self.consumer.dead_letters, messages.to_amqp(letter))
        except UnconfirmedError as error:
            if self._mode == "faithful":
                self.counts.lost += 1
            log.error("%s: LOST %s: no dead letter: %s, trace %s", name, event, error, event.trace_id)
            return
        if self._mode == "spec":
            delivery.acknowledge()
        self.counts.dead_lettered += 1
        log.warning("%s: gave up %s: %s, to the dead letters, trace %s", name, event, outcome, event.trace_id)
