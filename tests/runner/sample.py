"""A small function that tests have the runner run, and a look at what it saw."""

import asyncio
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import psutil

from knative.local.activator import Revision
from knative.local.cluster import Cluster
from tests.waiting import wait_until_async

ROOT = Path(__file__).parents[2]


NEW_YORK = ZoneInfo("America/New_York")


SAMPLE = '''
import asyncio, os, pathlib
import functions_framework.aio
from starlette.responses import JSONResponse, Response, StreamingResponse

running = most = 0
folder = pathlib.Path(os.environ["FUNCTION_SOURCE"]).parent

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
            case "/hold":
                with (folder / "held").open("a") as file:
                    print(os.getpid(), file=file)
                while not (folder / "released").exists():
                    await asyncio.sleep(0.02)
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
        return {replica.pid for replica in self.revision.replicas}

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask the function through the front door."""
        return await self.client.get(f"/api{path}", **options)

    async def pid(self) -> int:
        """Of the copy that answers a request."""
        return (await self.get("/")).json()["pid"]

    async def hold(self, count: int, held: int | None = None, copies: int = 1) -> list[asyncio.Task[httpx.Response]]:
        """Send *count* requests; return when *held* of them (default: all) are in so many *copies* of the function."""
        requests = [asyncio.create_task(self.get("/hold", timeout=60)) for _ in range(count)]
        file = self.folder / "held"

        async def are_held() -> bool:
            pids = await asyncio.to_thread(lambda: file.read_text().split() if file.exists() else [])
            return len(pids) >= (held or count) and len(set(pids)) == copies

        await wait_until_async(are_held, 60)
        return requests

    def release(self) -> None:
        """Let the function answer the requests that are held, and those to come."""
        (self.folder / "released").touch()


async def gone(pid: int) -> bool:
    """Whether the process has ended and been reaped."""
    return not psutil.pid_exists(pid)
