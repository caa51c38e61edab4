"""An hourly PingSource, and a schedule that sends its ticks to a broker's address of the test."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import httpx

from knative.local.application import PingSource
from knative.local.listener import Listener, bind
from knative.local.schedule import Schedule

HOURLY = PingSource(
    "stocksalot", "bars", "31-39 10-16 * * 1-5", "America/New_York", "application/json", '{"a": 1}', {"job": "bars"}
)


class Ingress:
    """A broker's address that answers with *statuses* in turn, the last one for ever, and keeps what it got."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: list[tuple[dict[str, str], bytes]] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        body = (await receive())["body"]
        self.got.append(({name.decode(): value.decode() for name, value in scope["headers"]}, body))
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})


async def holds(ingress: Ingress, count: int) -> bool:
    """Whether so many events have come."""
    return len(ingress.got) >= count


async def waits(kept: Schedule) -> bool:
    """Whether it waits for an instant."""
    return bool(kept.next)


def with_ingress(
    ingress: Ingress, scenario: Callable[[Schedule], Coroutine[None, None, None]], *sources: PingSource
) -> None:
    """Run *scenario* with a schedule that sends to *ingress*."""

    async def live() -> None:
        sockets = bind(0)
        listener = Listener(ingress, sockets)
        await listener.start()
        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        async with httpx.AsyncClient() as client:
            await scenario(Schedule(sources or [HOURLY], url, client))
        await listener.stop()

    asyncio.run(live())
