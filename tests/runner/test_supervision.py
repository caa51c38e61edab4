"""Private servers that end are started again."""

import asyncio
from pathlib import Path

import pytest

from knative.local.services.redis import Redis
from knative.local.services.supervisor import Supervisor
from tests.runner.servers import NOTHING_GIVEN
from tests.waiting import wait_until_async


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_a_server_that_ends_is_started_again_and_said_so(tmp_path: Path) -> None:
    """It comes back at its address with a line at the end and one at the start."""
    server, lines = Redis(tmp_path / "redis", NOTHING_GIVEN, fast=True), []
    await asyncio.to_thread(server.start)
    supervisor = Supervisor([server], lines.append)
    watching = asyncio.create_task(supervisor.run())
    assert server._process
    server._process.kill()

    async def restarted() -> bool:
        return supervisor.restarts == {"Redis": 1}

    await wait_until_async(restarted, 60)
    watching.cancel()

    assert server.answers()
    assert lines == ["Redis ended; starting it again", "Redis runs again"]
    await asyncio.to_thread(server.stop)
