"""Brokers over RabbitMQ and in memory for a test, and a RabbitMQ that it may stop."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from knative.local.services import PACKAGES
from knative.local.services.rabbitmq import RabbitMQ
from tests.broker.bench import (
    Bench,
    Proxy,
    clear,
    listening,
)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=["rabbitmq", "memory"])
def backend(request: pytest.FixtureRequest) -> str | None:
    """The address of RabbitMQ; None for queues in memory."""
    return request.getfixturevalue("amqp_url") if request.param == "rabbitmq" else None


@pytest.fixture
async def bench(backend: str | None) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=20, trust_env=False))
        bench = Bench(backend, f"test-{secrets.token_hex(4)}", client)
        await stack.enter_async_context(listening(bench.subscriber, "http://"))
        await stack.enter_async_context(listening(bench.sink, "http://"))
        yield bench
        await asyncio.gather(*(broker.stop(grace=0) for broker in bench.brokers))
    if backend:
        clear(backend, bench.namespace)


@pytest.fixture(scope="module")
def own_rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    """A RabbitMQ of the file's own."""
    environment = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}
    server = RabbitMQ(tmp_path_factory.mktemp("own") / "rabbitmq", environment, fast=True, packages=PACKAGES)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def proxy(amqp_url: str, bench: Bench) -> AsyncIterator[Proxy]:
    proxy = Proxy(amqp_url)
    async with listening(proxy, amqp_url.rpartition("@")[0] + "@"):
        yield proxy
        proxy.flowing.set()
        await asyncio.gather(*(broker.stop(grace=0) for broker in bench.brokers))
