"""Functions that hang, are killed or cannot start are replaced, and requests meanwhile get a clear answer."""

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

from knative.local.activator import ScaleOverrides
from knative.local.application import LivenessProbe
from tests.runner.sample import SAMPLE, Sample, gone
from tests.waiting import wait_until, wait_until_async


def dead(pid: int) -> bool:
    """Whether the process has ended, all its threads included: the last one closes its sockets."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return process.status() == psutil.STATUS_ZOMBIE and process.num_threads() <= 1
    return True


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

    run(scenario, scale=ScaleOverrides(min_scale=1))

    assert all(later - earlier > 1 for earlier, later in pairwise(times()))
