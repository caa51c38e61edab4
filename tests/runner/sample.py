"""A small function that tests have the runner run, and a look at what it saw."""

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from knative.local.activator import Revision
from knative.local.cluster import Cluster

ROOT = Path(__file__).parents[2]


NEW_YORK = ZoneInfo("America/New_York")


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
        return {replica.pid for replica in self.revision.replicas}

    async def get(self, path: str, **options: Any) -> httpx.Response:
        """Ask the function through the front door."""
        return await self.client.get(f"/api{path}", **options)

    async def pid(self) -> int:
        """Of the copy that answers a request."""
        return (await self.get("/")).json()["pid"]
