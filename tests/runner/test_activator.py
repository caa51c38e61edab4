"""Functions start when asked, scale within their bounds, and end without cutting anybody off."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import httpx
import psutil
import pytest

from knative.local.activator import Scale
from knative.local.application import LivenessProbe
from tests.runner.sample import SAMPLE, Sample
from tests.waiting import wait_until, wait_until_async


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

    run(scenario, scale=Scale(idle=0.3))


def dead(pid: int) -> bool:
    """Whether the process has ended, all its threads included: the last one closes its sockets."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    return True


async def gone(pid: int) -> bool:
    """Whether the process has ended and been reaped."""
    return not psutil.pid_exists(pid)


def test_a_busy_function_does_not_count_as_idle(run: Callable[..., None]) -> None:
    """A request that takes longer than the idle time is answered."""

    async def scenario(sample: Sample) -> None:
        assert (await sample.get("/sleep?seconds=1")).status_code == 200

    run(scenario, scale=Scale(idle=0.2))


def test_min_scale_keeps_copies(run: Callable[..., None]) -> None:
    """With a min-scale, copies are there before the first request and stay after the last."""

    async def scenario(sample: Sample) -> None:
        await wait_until_async(lambda: running(sample, 1))
        before = sample.pids
        await sample.pid()
        await asyncio.sleep(0.5)

        assert sample.pids == before

    run(scenario, scale=Scale(idle=0.1, min_scale=1))


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


def test_a_hung_function_is_replaced(run: Callable[..., None]) -> None:
    """A function whose event loop stands still fails its liveness probe and is killed; the next request is answered."""
    probe = LivenessProbe("/healthz", delay=0, period=0.1, timeout=0.3, failures=2)

    async def scenario(sample: Sample) -> None:
        first = await sample.pid()
        os.kill(first, signal.SIGSTOP)
        await wait_until_async(lambda: gone(first))

        assert await sample.pid() != first

    run(scenario, liveness=probe)


def test_a_busy_function_is_not_replaced(run: Callable[..., None]) -> None:
    """A function that works on a long request answers its probes."""
    probe = LivenessProbe("/healthz", delay=0, period=0.05, timeout=5, failures=1)

    async def scenario(sample: Sample) -> None:
        first = await sample.pid()

        assert (await sample.get("/sleep?seconds=0.5")).json()["pid"] == first

    run(scenario, liveness=probe)


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

    run(scenario, scale=Scale(idle=0.5), concurrency=1, target=1, max_scale=2)


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


def test_a_killed_function_is_started_again(run: Callable[..., None]) -> None:
    """After kill -9 the next request is answered by another process, even before the runner has noticed."""

    async def scenario(sample: Sample) -> None:
        first = await sample.pid()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: dead(first))  # blocks the runner, too

        answer = await sample.get("/")

        assert answer.status_code == 200
        assert answer.json()["pid"] != first

    run(scenario)


def test_a_function_killed_at_work_is_a_502(run: Callable[..., None]) -> None:
    """A request that a process had begun is not sent to another: who sent it decides, knowing 502."""

    async def scenario(sample: Sample) -> None:
        first = await sample.pid()
        [request] = await sample.hold(1)
        os.kill(first, signal.SIGKILL)

        assert (await request).status_code == 502
        # The kernel closes its connections before its listening socket.
        await asyncio.to_thread(lambda: wait_until(lambda: first not in sample.pids))
        assert (await sample.get("/")).status_code == 200

    run(scenario)


def test_half_an_answer_is_not_taken_for_a_whole_one(
    run: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """When a process dies in the middle of an answer the connection is cut; the log has a line and no stack trace."""

    async def scenario(sample: Sample) -> None:
        with pytest.raises(httpx.RemoteProtocolError):
            await sample.get("/half")

    run(scenario)

    assert "502 for GET /api/half" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_request_has_its_time(run: Callable[..., None]) -> None:
    """After timeoutSeconds the answer is 504, whether the function works too long or a place in it is waited for."""

    async def scenario(sample: Sample) -> None:
        await sample.get("/")
        patient = sample.revision.function
        sample.revision.function = replace(patient, timeout=0.5)  # the start of the process had its time already
        answers = await asyncio.gather(*(sample.get("/hold") for _ in range(2)))
        sample.revision.function = patient
        sample.release()

        assert [answer.status_code for answer in answers] == [504, 504]
        assert (await sample.get("/")).status_code == 200

    run(scenario, concurrency=1, target=1, max_scale=1)


def test_a_function_that_cannot_start_is_a_503(run: Callable[..., None], source: Path) -> None:
    """A function that fails at import is a 503 at once, and its log says why; once it is mended it is served."""

    source.write_text("import nothing_of_that_name")

    async def scenario(sample: Sample) -> None:
        broken = await sample.get("/")
        await asyncio.to_thread(source.write_text, SAMPLE)
        mended = await sample.get("/")

        assert (broken.status_code, mended.status_code) == (503, 200)
        assert "see its log" in broken.text
        assert "nothing_of_that_name" in (sample.folder / "logs" / "sample.log").read_text()

    run(scenario)


def test_a_function_that_keeps_dying_is_not_started_in_a_loop(run: Callable[..., None], source: Path) -> None:
    """A function with a min-scale that ends as soon as it listens is started again with pauses."""
    source.write_text(
        "import os, threading, time\n"
        "print('born', time.time(), flush=True)\n"
        "threading.Timer(0.2, os._exit, [1]).start()\n" + SAMPLE
    )
    log = source.parent / "logs" / "sample.log"

    def times() -> list[float]:
        return [float(line.split()[1]) for line in log.read_text().splitlines() if line.startswith("born")]

    async def three_times() -> bool:
        return log.exists() and len(times()) >= 3

    async def scenario(sample: Sample) -> None:
        await wait_until_async(three_times)

    run(scenario, scale=Scale(min_scale=1))

    assert all(later - earlier > 1 for earlier, later in pairwise(times()))
