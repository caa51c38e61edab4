"""Dispatcher: delivers events of one queue to one destination, with retries, replies and dead letters."""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from knative.local.broker import messages
from knative.local.broker.messages import CloudEvent, NotAnEventError, Value
from knative.local.broker.queues import QueuedMessage, Queues, TooLargeError, UnconfirmedError
from knative.local.broker.topology import Consumer, headers_match

log = logging.getLogger("knative.local.broker")

_UNREACHABLE = -1
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 10
_RETRIED = {404, 408, 409, 429}


@dataclass
class Counts:
    """Results of one queue since the start; *last_code* is -1 when there was no answer."""

    delivered: int = 0
    retried: int = 0
    dead_lettered: int = 0
    lost: int = 0
    last_code: int | None = None


@dataclass(frozen=True)
class Result:
    """The end of one event in one queue: the last status code, and the type of the event in the reply, if any."""

    queue: str
    type: str
    code: int
    reply_type: str | None


Record = Callable[[str, Result], None]
"""Takes the trace id of an event and its result."""


@dataclass(frozen=True)
class _DeliveryResult:
    code: int
    attempts: int
    error: str = ""
    response: httpx.Response | None = None

    @property
    def accepted(self) -> bool:
        return 200 <= self.code < 300

    @property
    def failed(self) -> bool:
        """Return whether it is a failure; an outcome that is neither accepted nor failed counts as a success."""
        return self.code == _UNREACHABLE or self.code >= 500 or self.code in _RETRIED

    def __str__(self) -> str:
        attempts = f" after {self.attempts} attempts" if self.attempts > 1 else ""
        return f"{self.error or self.code}{attempts}"


class _StoppedError(Exception):
    """The dispatcher is stopping: the event stays unacknowledged and is delivered again."""


class Dispatcher:
    """The workers of one queue; replies go to the exchange *ingress*.

    eventing-rabbitmq drops an event when the dead letter cannot be delivered. Here it waits until delivery succeeds.
    """

    def __init__(
        self, consumer: Consumer, queues: Queues, client: httpx.AsyncClient, ingress: str, record: Record
    ) -> None:
        self.consumer = consumer
        self.counts = Counts()
        self._queues, self._client, self._ingress, self._record = queues, client, ingress, record
        self._stopping = False
        self._idle: set[asyncio.Task[None] | None] = set()
        self._workers = {asyncio.create_task(self._work()) for _ in range(consumer.parallelism)}

    async def stop(self, grace: float) -> None:
        """Take no more events and give open requests *grace* seconds; the rest is delivered again."""
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
                queued = await self._queues.get(self.consumer.queue)
            try:
                await self._dispatch(queued)
            except _StoppedError:
                return
            except Exception:
                log.exception("%s: an event stays in its queue because of an error of this broker", self.consumer.name)

    async def _dispatch(self, queued: QueuedMessage) -> None:
        try:
            event = messages.from_amqp(queued.message)
        except NotAnEventError as error:
            self.counts.lost += 1
            log.error("%s: LOST a message that is no CloudEvent: %s", self.consumer.name, error)
            queued.acknowledge()
            return
        begun = time.perf_counter()
        outcome = await self._send(event)
        pause = _FIRST_PAUSE
        while outcome.failed and outcome.attempts and self.consumer.dead_letters is None:
            log.error("%s: %s waits: %s, trace %s", self.consumer.name, event, outcome, event.trace_id)
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            outcome = await self._send(event)
        reply = None if outcome.failed else self._read_reply(event, outcome)
        refusal = await self._publish_reply(queued, reply) if reply else None
        if outcome.failed:
            text = str(outcome)
            await self._dead_letter(queued, event, text, knativeerrorcode=outcome.code)
        elif refusal:
            text = f"its reply was refused: {refusal}"
            await self._dead_letter(queued, event, text, knativeerrorcode=_UNREACHABLE, knativeerrordata=text)
        else:
            queued.acknowledge()
            self._count_success(event, outcome, time.perf_counter() - begun)
        reply_type = str(reply.attributes.get("type")) if reply and not refusal else None
        result = Result(self.consumer.name, str(event.attributes.get("type")), outcome.code, reply_type)
        self._record(event.trace_id, result)

    def _count_success(self, event: CloudEvent, outcome: _DeliveryResult, seconds: float) -> None:
        name, trace = self.consumer.name, event.trace_id
        if outcome.accepted:
            self.counts.delivered += 1
            log.info("%s: delivered %s: %s in %.0f ms, trace %s", name, event, outcome, 1000 * seconds, trace)
            return
        self.counts.lost += 1
        text = f"{name}: LOST {event}: eventing-rabbitmq takes {outcome.code} for a success"
        log.warning("%s: no retry, no dead letter; answer 5xx for a failure, trace %s", text, trace)

    async def _pause(self, seconds: float) -> None:
        with self._interruptible():
            await asyncio.sleep(seconds)

    async def _send(self, event: CloudEvent) -> _DeliveryResult:
        """POST *event* until it is accepted or refused, or the retries are used up."""
        try:
            messages.validate(event)
        except NotAnEventError as error:
            return _DeliveryResult(_UNREACHABLE, 0, f"not sent: {error}")
        headers, body = messages.to_http(event)
        for attempt in itertools.count(1):
            outcome = await self._post(headers, body, attempt)
            self.counts.last_code = outcome.code
            if not outcome.failed or attempt > self.consumer.destination.retry:
                return outcome
            self.counts.retried += 1
            log.info("%s: will retry %s: %s, trace %s", self.consumer.name, event, outcome, event.trace_id)
            await self._pause(self.consumer.destination.backoff(attempt))
        raise AssertionError

    async def _post(self, headers: Mapping[bytes, bytes], body: bytes, attempt: int) -> _DeliveryResult:
        url = self.consumer.destination.url
        try:
            async with asyncio.timeout(self.consumer.destination.timeout):
                response = await self._client.post(url, headers=headers, content=body)
        except TimeoutError:
            return _DeliveryResult(_UNREACHABLE, attempt, f"no answer within {self.consumer.destination.timeout} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _DeliveryResult(_UNREACHABLE, attempt, f"no answer: {error or type(error).__name__}")
        return _DeliveryResult(response.status_code, attempt, response=response)

    def _read_reply(self, event: CloudEvent, outcome: _DeliveryResult) -> CloudEvent | None:
        """Return the event in the answer to *event*, if any."""
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
        if wanted is not None and headers_match(wanted, messages.to_amqp(reply).headers):
            log.warning("%s: LOOP: its own filter matches its reply %s", self.consumer.name, reply)
        return reply

    async def _publish_reply(self, queued: QueuedMessage, reply: CloudEvent) -> str | None:
        """Publish *reply*; return why it can never be published, if so."""
        try:
            messages.validate(reply)
            await self._publish(queued, reply, self._ingress)
        except (NotAnEventError, TooLargeError) as error:
            return str(error)
        return None

    async def _dead_letter(self, queued: QueuedMessage, event: CloudEvent, text: str, **extensions: Value) -> None:
        if self.consumer.dead_letters is None:
            self.counts.lost += 1
            log.error(
                "%s: LOST %s, which cannot be sent: %s, trace %s", self.consumer.name, event, text, event.trace_id
            )
            queued.acknowledge()
            return
        letter = event.with_extensions(knativeerrordest=self.consumer.destination.name, **extensions)
        # The real dispatcher acknowledges first: a crash before the confirmation loses the event.
        if await self._publish(queued, letter, self.consumer.dead_letters):
            queued.acknowledge()
            self.counts.dead_lettered += 1
            name, trace = self.consumer.name, event.trace_id
            log.warning("%s: retries of %s exhausted: %s, sent to the dead letters, trace %s", name, event, text, trace)

    async def _publish(self, queued: QueuedMessage, event: CloudEvent, exchange: str) -> bool:
        """Publish until the queues confirm it; False when the queue will deliver the event again anyway."""
        pause = _FIRST_PAUSE
        while queued.is_current():
            try:
                await self._queues.publish(exchange, messages.to_amqp(event))
            except TooLargeError:
                raise
            except UnconfirmedError as error:
                log.warning("%s: %s waits to be published: %s", self.consumer.name, event, error)
            else:
                return True
            await self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return False
