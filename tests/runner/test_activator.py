"""Functions start when asked, scale within their bounds, and end without cutting anybody off."""

import asyncio
import os
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING

from knative.local.activator import ScaleOverrides
from tests.runner.sample import Sample, gone
from tests.waiting import wait_until_async

if TYPE_CHECKING:
    import httpx


def test_a_request_waits_for_its_function(run: Callable[..., None]) -> None:
    """With nothing running, a request is held until a process has started, and then answered by it."""

    async def scenario(sample: Sample) -> None:
        assert sample.revision.state == "zero"

        answer = await sample.get("/")

        assert answer.status_code == 200
        assert sample.pids == {answer.json()["pid"]}

    run(scenario)


def test_requests_that_come_while_it_starts_share_one_copy(run: Callable[..., None]) -> None:
    """Twenty requests at once start one process when one may take them all."""

    async def scenario(sample: Sample) -> None:
        pids = {answer.json()["pid"] for answer in await asyncio.gather(*(sample.get("/") for _ in range(20)))}

        assert len(pids) == 1

    run(scenario)


def test_an_idle_function_ends_and_comes_back(run: Callable[..., None]) -> None:
    """After its idle time no process is left; the next request starts another."""

    async def scenario(sample: Sample) -> None:
        first = await sample.pid()
        await wait_until_async(lambda: gone(first))

        second = await sample.pid()

        assert second != first

    run(scenario, scale=ScaleOverrides(idle=0.3))


def test_a_busy_function_does_not_count_as_idle(run: Callable[..., None]) -> None:
    """A request that takes longer than the idle time is answered."""

    async def scenario(sample: Sample) -> None:
        assert (await sample.get("/sleep?seconds=1")).status_code == 200

    run(scenario, scale=ScaleOverrides(idle=0.2))


def test_min_scale_keeps_copies(run: Callable[..., None]) -> None:
    """With a min-scale, copies are there before the first request and stay after the last."""

    async def scenario(sample: Sample) -> None:
        await wait_until_async(lambda: running(sample, 1))
        before = sample.pids
        await sample.pid()
        await asyncio.sleep(0.5)

        assert sample.pids == before

    run(scenario, scale=ScaleOverrides(idle=0.1, min_scale=1))


async def running(sample: Sample, count: int) -> bool:
    """Whether so many copies take requests."""
    return len(sample.pids) == count


def test_container_concurrency_is_a_hard_limit(run: Callable[..., None]) -> None:
    """No copy has more requests at a time than containerConcurrency; the others wait for their turn."""

    async def scenario(sample: Sample) -> None:
        requests = await sample.hold(7, held=2)
        sample.release()
        answers = await asyncio.gather(*requests)

        assert max(answer.json()["most"] for answer in answers) == 2
        assert len({answer.json()["pid"] for answer in answers}) == 1

    run(scenario, concurrency=2, target=2, max_scale=1)


def test_the_queue_before_a_function_has_an_end(run: Callable[..., None]) -> None:
    """Ten requests wait for each place of a function; the next one is 503 with Retry-After at once."""

    async def scenario(sample: Sample) -> None:
        await sample.get("/")
        held = await sample.revision.take()  # the only place
        requests = [asyncio.create_task(sample.get("/")) for _ in range(14)]
        done, waiting = await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
        while len(done) < 4:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            done |= more
        sample.revision.give_back(held)

        refused = [task.result() for task in done]
        assert {answer.status_code for answer in refused} == {503}
        assert all(answer.headers["retry-after"] for answer in refused)
        assert "10 requests wait" in refused[0].json()["detail"]
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {200}
        assert len(waiting) == 10

    run(scenario, concurrency=1, target=1, max_scale=1)


def test_a_target_is_no_limit(run: Callable[..., None]) -> None:
    """Without containerConcurrency, requests beyond the target go to a copy that runs rather than wait."""

    async def scenario(sample: Sample) -> None:
        requests = await sample.hold(7)
        sample.release()

        assert max(answer.json()["most"] for answer in await asyncio.gather(*requests)) == 7

    run(scenario, concurrency=0, target=2, max_scale=1)


def test_it_scales_up_to_max_scale(run: Callable[..., None]) -> None:
    """When all copies are busy another one starts, up to max-scale and no further."""

    async def scenario(sample: Sample) -> None:
        requests = await sample.hold(9, held=3, copies=3)
        sample.release()
        answers = await asyncio.gather(*requests)

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["pid"] for answer in answers}) == 3

    run(scenario, concurrency=1, target=1, max_scale=3)


def test_copies_that_are_not_needed_end(run: Callable[..., None]) -> None:
    """Requests go to the first copy with room, so that the others fall idle and end."""

    async def scenario(sample: Sample) -> None:
        requests = await sample.hold(2, copies=2)
        sample.release()
        await asyncio.gather(*requests)

        async def only_one_is_left() -> bool:
            await sample.get("/")
            return len(sample.pids) == 1

        await wait_until_async(only_one_is_left)

    run(scenario, scale=ScaleOverrides(idle=0.5), concurrency=1, target=1, max_scale=2)


def test_a_running_request_is_not_cut_at_the_end(run: Callable[..., None]) -> None:
    """When the runner is told to stop, requests that run are answered first."""
    answers: list[httpx.Response] = []

    async def scenario(sample: Sample) -> None:
        [request] = await sample.hold(1)
        ending = asyncio.create_task(sample.cluster.__aexit__(None, None, None))
        await asyncio.sleep(0.3)
        sample.release()
        await ending
        answers.append(await request)

    run(scenario)

    assert answers[0].status_code == 200


def test_a_scaled_down_copy_finishes_its_request(run: Callable[..., None]) -> None:
    """A copy that gets SIGTERM while a request runs answers it before it ends."""

    async def scenario(sample: Sample) -> None:
        pid = await sample.pid()
        [request] = await sample.hold(1)
        os.kill(pid, signal.SIGTERM)
        await asyncio.sleep(0.3)
        sample.release()

        assert (await request).json()["pid"] == pid
        assert await sample.pid() != pid

    run(scenario)
