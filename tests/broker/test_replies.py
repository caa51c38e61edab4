"""A reply of a subscriber travels on, and what cannot be delivered goes to the dead letters."""

import json

import pytest

from knative.local.broker import Counts
from knative.local.broker.messages import AmqpMessage
from knative.local.broker.queues import BusyError, UnconfirmedError
from tests.broker.bench import (
    COMPLETE,
    EVENT,
    PARTS,
    REPLY,
    STRUCTURED,
    TRACE,
    Answer,
    Bench,
    only_rabbitmq,
)

pytestmark = pytest.mark.anyio

# --- Replies ---


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize("mode", ["binary", "structured"])
async def test_a_reply_is_published_and_filtered_by_its_extension(bench: Bench, status: int, mode: str) -> None:
    """A reply in either mode and with any 2xx goes through the Broker, with the trace of what it answers."""
    document = json.dumps({**PARTS, **COMPLETE, "id": "2", "data": [1]}).encode()
    bench.subscriber.answers(
        Answer(status, REPLY, b"[1]") if mode == "binary" else Answer(status, STRUCTURED, document)
    )
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, filter_attributes=COMPLETE))

    await bench.send({**EVENT, "traceparent": TRACE})
    [answered] = await bench.sink.received()

    assert (answered.id, answered.headers["ce-hourcomplete"], answered.body) == ("2", "true", b"[1]")
    assert answered.headers["traceparent"] == TRACE
    assert await bench.done() == Counts(delivered=1, last_code=status)


async def test_a_reply_with_another_extension_passes_by(bench: Bench) -> None:
    """A reply that differs in one filtered extension is not delivered."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-hourcomplete": "false"}))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, filter_attributes=COMPLETE))

    await bench.post()
    await bench.done()
    await bench.post(**COMPLETE, id="right")

    assert await bench.sink.ids() == ["right"]


@only_rabbitmq
async def test_a_reply_that_rabbitmq_cannot_carry_dead_letters_what_it_answers(bench: Bench) -> None:
    """A reply that can never be published is refused at once, and the dead letter says that and not 200."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-id": "i" * 256}))
    await bench.run()

    await bench.post()
    [letter] = await bench.sink.received()

    assert (letter.id, letter.headers["ce-knativeerrorcode"]) == ("1", "-1")
    assert letter.headers["ce-knativeerrordata"] == "its reply was refused: the id is too long for RabbitMQ"
    assert len(bench.subscriber.requests) == 1


async def test_an_event_waits_until_its_reply_is_published(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the queues accept nothing an event stays in its queue; then its reply arrives, and no dead letter."""
    bench.subscriber.answers(Answer(200, REPLY), 204)
    broker = await bench.run(bench.trigger(retry=0), bench.trigger("other", bench.sink.url, of_type="answered"))
    publish, refused = broker._queues.publish, [0]

    async def fail(exchange: str, message: AmqpMessage) -> None:
        if message.headers["type"] == "answered" and refused[0] < 3:
            refused[0] += 1
            raise BusyError("low on memory")
        await publish(exchange, message)

    monkeypatch.setattr(broker._queues, "publish", fail)
    await bench.post()

    assert await bench.sink.ids() == ["2"]
    assert await bench.done() == Counts(delivered=1, last_code=200)
    assert refused == [3]


async def test_a_reply_without_type_dead_letters_what_it_answers(bench: Bench) -> None:
    """A reply that lacks a required attribute is never sent, and the original is a dead letter that says why."""
    bench.subscriber.answers(Answer(200, {key: value for key, value in REPLY.items() if key != "ce-type"}))
    await bench.run()

    await bench.post()
    [letter] = await bench.sink.received()

    assert letter.headers["ce-knativeerrordata"] == "its reply was refused: type is missing or empty"
    assert len(bench.subscriber.requests) == 1


async def test_a_reply_without_id_gets_one(bench: Bench) -> None:
    """The dispatcher gives a reply without an id a random one."""
    bench.subscriber.answers(Answer(200, {key: value for key, value in REPLY.items() if key != "ce-id"}))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"))

    await bench.post()

    assert [len(name) for name in await bench.sink.ids()] == [36]


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, {"content-type": "application/json"}, b'{"type": "answered"}'),
        Answer(200, {"content-type": "text/html"}, b"<p>"),
        Answer(200, STRUCTURED, b"{"),
        Answer(200, {**REPLY, "ce-specversion": "2.0"}),
        Answer(200, {**REPLY, "ce-time": "late"}),
    ],
)
async def test_a_body_that_is_no_event_is_ignored(bench: Bench, answer: Answer) -> None:
    """An answer that is no CloudEvent, or a malformed one, publishes nothing and leaves the event delivered."""
    bench.subscriber.answers(answer)
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"))

    await bench.post()

    assert await bench.done() == Counts(delivered=1, last_code=200)
    assert (len(bench.subscriber.requests), bench.sink.requests) == (1, [])


@pytest.mark.parametrize(
    ("status", "arrives"),
    [(422, "answered"), (500, "asked")],
)
async def test_only_a_success_carries_a_reply(bench: Bench, status: int, arrives: str) -> None:
    """A reply is taken from each status that counts as success, 422 too, and from no failure."""
    bench.subscriber.answers(Answer(status, REPLY))
    await bench.run(bench.trigger(), bench.trigger("other", bench.sink.url, of_type="answered"))

    await bench.post()
    [request] = await bench.sink.received()
    await bench.done()

    assert request.headers["ce-type"] == arrives
    assert len(bench.sink.requests) == 1


async def test_a_reply_that_comes_back_is_warned_of(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A reply that the Trigger's own filter matches is a loop: it is published all the same, and the log says so."""
    bench.subscriber.answers(Answer(200, {**REPLY, "ce-type": "asked"}), 204)
    await bench.run()

    await bench.post()
    await bench.subscriber.received(2)

    assert [record.levelname for record in caplog.records if "LOOP" in record.getMessage()] == ["WARNING"]


# --- Dead letters ---


async def test_a_dead_letter_is_retried_like_an_event(bench: Bench) -> None:
    """The sink is given as many attempts as the subscriber."""
    bench.subscriber.answers(500)
    bench.sink.answers(500, 503, 204)
    await bench.run()

    await bench.post()

    assert await bench.done(name="main (dead letters)") == Counts(delivered=1, retried=2, last_code=204)
    assert len(bench.sink.requests) == 3


async def test_a_dead_letter_that_its_sink_refuses_is_lost_loudly(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    """A 4xx of the dead-letter sink counts as a success, as in a cluster; the log says that the event is gone."""
    bench.subscriber.answers(500)
    bench.sink.answers(422)
    await bench.run()

    await bench.post()

    assert (await bench.done(name="main (dead letters)")).lost == 1
    assert "main (dead letters): LOST asked 1" in caplog.text


async def test_a_dead_letter_waits_for_its_sink(bench: Bench) -> None:
    """A sink that fails longer than the retries last gets its dead letter afterwards."""
    bench.subscriber.answers(500)
    bench.sink.answers(*[500] * 4, 204)
    await bench.run(bench.trigger(retry=0))

    await bench.post()

    assert await bench.done(name="main (dead letters)") == Counts(delivered=1, last_code=204)
    assert len(bench.sink.requests) == 5


async def test_an_event_waits_for_its_dead_letter(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """While dead letters cannot be published an event stays in its queue, and its dead letter arrives afterwards."""
    bench.subscriber.answers(500)
    broker = await bench.run(bench.trigger(retry=0))
    publish, refused = broker._queues.publish, [0]

    async def fail(exchange: str, message: AmqpMessage) -> None:
        if ".dlx." in exchange and refused[0] < 2:
            refused[0] += 1
            raise UnconfirmedError("broken on purpose")
        await publish(exchange, message)

    monkeypatch.setattr(broker._queues, "publish", fail)
    await bench.post()

    assert [letter.id for letter in await bench.sink.received()] == ["1"]
    assert await bench.done() == Counts(dead_lettered=1, last_code=500)
    assert refused == [2]


@pytest.mark.parametrize(("status", "at_sink"), [(204, 204), (422, 204), (500, 204), (500, 422)])
async def test_what_was_dealt_with_does_not_come_again(bench: Bench, status: int, at_sink: int) -> None:
    """Whatever became of an event, its queue has forgotten it at the next start, and so has that of dead letters."""
    bench.subscriber.answers(status)
    bench.sink.answers(at_sink)
    broker = await bench.run(bench.trigger(retry=0))

    async def post_and_wait(number: str) -> None:
        await bench.post(id=number)
        if (await bench.done()).dead_lettered:
            await bench.done(name="main (dead letters)")

    await post_and_wait("1")
    await broker.stop()
    await broker.start()
    await post_and_wait("2")

    assert await bench.subscriber.ids() == ["1", "2"]
    assert [request.id for request in bench.sink.requests] in ([], ["1", "2"])
