"""The runner with the sample function, for each test."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from knative.local import event_loop
from knative.local.activator import ScaleOverrides
from knative.local.application import Application, Environment, Function, Route
from knative.local.cluster import Cluster, Connections
from knative.local.listener import bind
from tests.runner.sample import SAMPLE, Sample


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
    async def entered(scale: ScaleOverrides | None, **changes: Any) -> AsyncIterator[Sample]:
        settings: dict[str, Any] = {
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
            Route(["localhost"], "/api", "/", ("test", "sample")),
            Route(["localhost"], "/api/inner", "/prefix", ("test", "sample")),
            Route(["api.localhost"], "/", None, ("test", "sample")),
        ]
        public = bind(0)
        cluster = Cluster(
            Application(("test", "events"), functions, [], [], [], rules),
            dict.fromkeys(functions, environment),
            tmp_path,
            Connections(public),
            scale=scale,
        )
        url = f"http://127.0.0.1:{public[0].getsockname()[1]}"
        async with httpx.AsyncClient(base_url=url, timeout=20) as client, cluster:
            yield Sample(cluster, client, tmp_path)

    def run(
        scenario: Callable[[Sample], Awaitable[None]],
        scale: ScaleOverrides | None = None,
        **changes: Any,
    ) -> None:
        async def live() -> None:
            async with entered(scale, **changes) as sample:
                await scenario(sample)

        event_loop.run(live())
        assert not list((tmp_path / "processes").iterdir()), "a process is left over"

    return run
