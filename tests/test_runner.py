"""The local runner starts functions when requests come, passes these on unharmed, and keeps the schedule."""

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil
import pytest

from knative.local.activator import Revision, Scale
from knative.local.cluster import Cluster
from knative.local.front_door import rewrite
from knative.local.listener import bind
from knative.local.manifests import Application, Environment, Function, Rule
from tests.waiting import wait_until, wait_until_async

ROOT = Path(__file__).parents[1]
NEW_YORK = ZoneInfo("America/New_York")
HOST = "sample.test.svc.cluster.local"

SAMPLE = '''
import asyncio, os
import functions_framework.aio
from starlette.responses import JSONResponse, Response, StreamingResponse

running = most = 0

@functions_framework.aio.http
async def sample(request):
    """Does what the path says."""
    global running, most
    running += 1
    most = max(most, running)
    try:
        match request.url.path:
            case "/sleep":
                await asyncio.sleep(float(request.query_params["seconds"]))
            case "/echo":
                return Response(await request.body(), media_type=request.headers.get("content-type"))
            case "/half":
                async def half():
                    yield b"the first half"
                    await asyncio.sleep(0.1)
                    os._exit(1)
                return StreamingResponse(half())
            case "/drip":
                async def drip():
                    for number in range(3):
                        yield b"%d" % number
                        await asyncio.sleep(0.3)
                return StreamingResponse(drip())
        return JSONResponse({
            "pid": os.getpid(), "most": most, "method": request.method, "query": request.url.query,
            "path": request.scope["raw_path"].decode(), "headers": dict(request.headers),
            "environment": dict(os.environ),
        })
    finally:
        running -= 1
'''


class Sample:
    """A cluster with one public function `sample` and one cluster-local `hidden`, both the same."""

    def __init__(self, cluster: Cluster, client: httpx.AsyncClient, folder: Path) -> None:
        self.cluster, self.client, self.folder = cluster, client, folder

    @property
    def revision(self) -> Revision:
        """The public function."""
        return self.cluster.activator.revisions["test", "sample"]

    @property
    def pids(self) -> set[int | None]:
        """Of its copies that take requests."""
        return {copy.pid for copy in self.revision.copies}

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask the function through the front door."""
        return await self.client.get(f"/api{path}", **options)

    async def pid(self) -> int:
        """Of the copy that answers a request."""
        return (await self.get("/")).json()["pid"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The sample function's file."""
    path = tmp_path / "main.py"
    path.write_text(SAMPLE)
    return path


@pytest.fixture
def run(source: Path, tmp_path: Path) -> Callable[..., Any]:
    """A function that runs a scenario in a cluster; keywords change the function's manifest."""

    @asynccontextmanager
    async def entered(scale: Scale | None, page: Path | None, **changes: Any) -> AsyncIterator[Sample]:
        settings = {
            "concurrency": 0,
            "target": 100,
            "min_scale": 0,
            "max_scale": 2,
            "timeout": 20,
            "idle": 60,
        } | changes
        functions = {
            ("test", name): Function("test", name, Environment({}, frozenset(), {}), name == "sample", **settings)
            for name in ("sample", "hidden")
        }
        environment = {"PATH": os.environ["PATH"], "FUNCTION_SOURCE": str(source), "FUNCTION_TARGET": "sample"}
        rules = [
            Rule(["localhost"], "/api", "/", ("test", "sample")),
            Rule(["localhost"], "/api/inner", "/prefix", ("test", "sample")),
            Rule(["api.localhost"], "/", None, ("test", "sample")),
        ]
        public = bind(0)
        cluster = Cluster(
            Application(("test", "events"), functions, [], [], [], rules),
            dict.fromkeys(functions, environment),
            tmp_path,
            public=public,
            scale=scale,
            page=page,
        )
        url = f"http://127.0.0.1:{public[0].getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=20) as client, cluster:
            yield Sample(cluster, client, tmp_path)

    def run(
        scenario: Callable[[Sample], Awaitable[None]],
        scale: Scale | None = None,
        page: Path | None = None,
        **changes: Any,
    ) -> None:
        async def live() -> None:
            async with entered(scale, page, **changes) as sample:
                await scenario(sample)

        asyncio.run(live())
        assert not list((tmp_path / "processes").iterdir()), "a process is left over"

    return run


# The activator


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
        answers = await asyncio.gather(*(sample.get("/sleep?seconds=0.1") for _ in range(7)))

        assert max(answer.json()["most"] for answer in answers) == 2
        assert len({answer.json()["pid"] for answer in answers}) == 1

    run(scenario, concurrency=2, target=2, max_scale=1)


def test_a_target_is_no_limit(run: Callable[..., None]) -> None:
    """Without containerConcurrency, requests beyond the target go to a copy that runs rather than wait."""

    async def scenario(sample: Sample) -> None:
        answers = await asyncio.gather(*(sample.get("/sleep?seconds=0.3") for _ in range(7)))

        assert max(answer.json()["most"] for answer in answers) == 7

    run(scenario, concurrency=0, target=2, max_scale=1)


def test_it_scales_up_to_max_scale(run: Callable[..., None]) -> None:
    """When all copies are busy another one starts, up to max-scale and no further."""

    async def scenario(sample: Sample) -> None:
        answers = await asyncio.gather(*(sample.get("/sleep?seconds=0.3") for _ in range(9)))

        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["pid"] for answer in answers}) == 3

    run(scenario, concurrency=1, target=1, max_scale=3)


def test_copies_that_are_not_needed_end(run: Callable[..., None]) -> None:
    """Requests go to the first copy with room, so that the others fall idle and end."""

    async def scenario(sample: Sample) -> None:
        await asyncio.gather(*(sample.get("/sleep?seconds=0.3") for _ in range(2)))
        assert len(sample.pids) == 2

        async def only_one_is_left() -> bool:
            await sample.get("/")
            return len(sample.pids) == 1

        await wait_until_async(only_one_is_left)

    run(scenario, scale=Scale(idle=0.5), concurrency=1, target=1, max_scale=2)


def test_a_running_request_is_not_cut_at_the_end(run: Callable[..., None]) -> None:
    """When the runner is told to stop, requests that run are answered first."""
    answers: list[httpx.Response] = []

    async def scenario(sample: Sample) -> None:
        await sample.get("/")
        request = asyncio.create_task(sample.get("/sleep?seconds=1"))
        await wait_until_async(lambda: busy(sample))
        await sample.cluster.__aexit__(None, None, None)
        answers.append(await request)

    run(scenario)

    assert answers[0].status_code == 200


async def busy(sample: Sample) -> bool:
    """Whether a request is being worked on."""
    return sample.revision.running > 0


def test_a_scaled_down_copy_finishes_its_request(run: Callable[..., None]) -> None:
    """A copy that gets SIGTERM while a request runs answers it before it ends."""

    async def scenario(sample: Sample) -> None:
        pid = await sample.pid()
        request = asyncio.create_task(sample.get("/sleep?seconds=1"))
        await wait_until_async(lambda: busy(sample))
        os.kill(pid, signal.SIGTERM)

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
        request = asyncio.create_task(sample.get("/sleep?seconds=5"))
        await wait_until_async(lambda: busy(sample))
        await asyncio.sleep(0.1)
        os.kill(first, signal.SIGKILL)

        assert (await request).status_code == 502
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
        answers = await asyncio.gather(*(sample.get("/sleep?seconds=3") for _ in range(2)))

        assert [answer.status_code for answer in answers] == [504, 504]
        assert (await sample.get("/")).status_code == 200

    run(scenario, timeout=1, concurrency=1, target=1, max_scale=1)


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
        await wait_until_async(three_times, 30)

    run(scenario, scale=Scale(min_scale=1))

    assert all(later - earlier > 1 for earlier, later in pairwise(times()))


# What the function sees


def test_the_function_sees_what_it_sees_behind_knative(run: Callable[..., None]) -> None:
    """Headers of the proxy are added, those of the connection are not passed on, and a client cannot forge them."""

    async def scenario(sample: Sample) -> None:
        forged = {
            "X-Forwarded-For": "6.6.6.6",
            "K-Proxy-Request": "me",
            "TE": "gzip",
            "Connection": "te, x",
            "X-Own": "1",
        }

        seen = (await sample.get("/", headers=forged)).json()["headers"]

        assert seen["host"] == HOST
        assert seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1", "the last one is ours"
        assert seen["x-forwarded-proto"] == "http"
        assert seen["forwarded"] == "for=127.0.0.1;proto=http"
        assert seen["k-proxy-request"] == "activator"
        assert seen["x-own"] == "1"
        assert re.fullmatch(r"[0-9a-f-]{36}", seen["x-request-id"])
        assert not {"te", "connection"} & seen.keys()

    run(scenario)


def test_the_function_finds_what_knative_sets(run: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has PORT and the K_ names, and nothing of the runner's own environment."""
    monkeypatch.setenv("AMQP_URL", "amqp://secret")

    async def scenario(sample: Sample) -> None:
        found = (await sample.get("/")).json()["environment"]

        assert (found["K_SERVICE"], found["K_CONFIGURATION"], found["K_REVISION"]) == (
            "sample",
            "sample",
            "sample-00001",
        )
        assert found["PORT"].isdecimal()
        assert "AMQP_URL" not in found

    run(scenario)


def test_a_request_id_is_kept(run: Callable[..., None]) -> None:
    """Who sends an X-Request-ID finds it again."""

    async def scenario(sample: Sample) -> None:
        seen = (await sample.get("/", headers={"X-Request-ID": "mine"})).json()["headers"]

        assert seen["x-request-id"] == "mine"

    run(scenario)


# The front door


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/api", "/"),
        ("/api/", "/"),
        ("/api/latest", "/latest"),
        ("/api/ohlc/BRK.A", "/ohlc/BRK.A"),
        ("/api/a%2Fb%20c", "/a%2Fb%20c"),
        ("/api//x", "//x"),
        ("/apix", None),
        ("/", None),
    ],
)
def test_a_prefix_is_taken_off(asked: str, seen: str | None) -> None:
    """A prefix ends at a slash, and what follows it reaches the function byte for byte."""
    rule = Rule(["localhost"], "/api", "/", ("test", "sample"))

    expected = None if seen is None else seen.encode()

    assert rewrite(rule, asked.encode()) == expected


def test_the_longest_prefix_of_the_host_wins(run: Callable[..., None]) -> None:
    """Rules count for their host names, the longest prefix first; any other name means localhost."""
    expected = {
        ("localhost", "/api/x"): "/x",
        ("127.0.0.1:1234", "/api/x"): "/x",
        ("my-laptop.lan:80", "/api/x"): "/x",
        ("localhost", "/api/inner/x"): "/prefix/x",
        ("localhost", "/api/innermost"): "/innermost",
        ("api.localhost:80", "/x"): "/x",
        ("API.localhost", "/api/x"): "/api/x",
    }

    async def scenario(sample: Sample) -> None:
        answers = {asked: await sample.client.get(asked[1], headers={"Host": asked[0]}) for asked in expected}

        assert {asked: answer.json()["path"] for asked, answer in answers.items()} == expected

    run(scenario)


def test_a_cluster_local_function_cannot_be_reached(run: Callable[..., None]) -> None:
    """Whatever path or host name somebody tries, no request comes to a function that is cluster-local."""
    tries = [
        ("hidden.test.svc.cluster.local", "/"),
        ("hidden.test.svc.cluster.local", "/api/"),
        ("localhost", "/test/hidden/"),
        ("localhost", "/hidden"),
        ("localhost", "/api/../hidden"),
        ("localhost", "/api/../../test/hidden/"),
        ("localhost", "http://hidden.test.svc.cluster.local/"),
        ("localhost", "/-/status"),
    ]

    async def scenario(sample: Sample) -> None:
        for host, path in tries:
            reader, writer = await asyncio.open_connection("127.0.0.1", sample.client.base_url.port)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            assert (await reader.read()).startswith(b"HTTP/1.1 ")
            writer.close()

        assert sample.cluster.activator.revisions["test", "hidden"].requests == 0

    run(scenario)


def test_within_the_cluster_it_can(run: Callable[..., None]) -> None:
    """On the inner address, which only this machine can reach, the same function answers."""

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.get(f"{sample.cluster.gateway_url}/test/hidden/some/path?a=1")

        assert (answer.json()["path"], answer.json()["query"]) == ("/some/path", "a=1")
        assert answer.json()["headers"]["host"] == "hidden.test.svc.cluster.local"
        assert (await sample.client.get(f"{sample.cluster.gateway_url}/test/nobody/")).status_code == 404

    run(scenario)


def test_a_query_passes_byte_for_byte(run: Callable[..., None]) -> None:
    """What httpx would write anew, the function sees as it came."""

    async def scenario(sample: Sample) -> None:
        query = "a=%20b+c&d='e'|f&g=%zz"
        answer = await sample.client.get("/api/", extensions={"target": f"/api/?{query}".encode()})

        assert answer.json()["query"] == query

    run(scenario)


def test_head_has_no_body_and_the_length_of_get(run: Callable[..., None]) -> None:
    """HEAD passes as HEAD."""

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.head("/api/")

        assert answer.status_code == 200
        assert int(answer.headers["content-length"]) > 0
        assert answer.content == b""

    run(scenario)


@pytest.mark.parametrize("chunked", [False, True], ids=["with length", "chunked"])
def test_a_large_body_passes_both_ways(run: Callable[..., None], chunked: bool) -> None:
    """20 MB go in and come out unchanged."""
    body = os.urandom(20_000_000)

    async def parts() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 1_000_000):
            yield body[start : start + 1_000_000]

    async def scenario(sample: Sample) -> None:
        answer = await sample.client.post("/api/echo", content=parts() if chunked else body)

        assert answer.content == body

    run(scenario)


def test_an_answer_streams(run: Callable[..., None]) -> None:
    """The first part of an answer is there before the last one is made."""

    async def scenario(sample: Sample) -> None:
        await sample.get("/")
        begun = time.monotonic()
        async with sample.client.stream("GET", "/api/drip") as answer:
            times = [time.monotonic() - begun async for _ in answer.aiter_raw()]

        assert len(times) == 3
        assert times[0] < 0.3 < times[-1]

    run(scenario)


def test_without_a_page_the_root_leads_to_the_api(run: Callable[..., None]) -> None:
    """`/` redirects to `/api/` and any other path is 404."""

    async def scenario(sample: Sample) -> None:
        root = await sample.client.get("/")

        assert (root.status_code, root.headers["location"]) == (307, "/api/")
        assert (await sample.client.get("/else")).status_code == 404

    run(scenario)


def test_the_page_is_served(run: Callable[..., None], tmp_path: Path) -> None:
    """Static files answer where no rule leads, and what is not there is 404."""
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("the page")

    async def scenario(sample: Sample) -> None:
        assert (await sample.client.get("/")).text == "the page"
        assert (await sample.client.get("/else")).status_code == 404
        assert (await sample.client.get("/../main.py")).status_code == 404
        assert (await sample.client.post("/")).status_code == 405
        assert (await sample.get("/")).status_code == 200

    run(scenario, page=page)
