"""A reader who asks again and again while something is stopped."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

import httpx

from knative.local.services import Server

FRIDAY_EVENING = "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0"


class Seen(NamedTuple):
    """One answer of `/latest`."""

    status: int
    items: int
    stale: bool
    seconds: float


@dataclass
class Watch:
    """Responses to a reader that sends ten requests a second."""

    seen: list[Seen] = field(default_factory=list)

    def since(self, mark: int) -> list[Seen]:
        """The answers after the first *mark*."""
        return self.seen[mark:]


@contextmanager
def watching(url: str) -> Iterator[Watch]:
    """Ask for the newest bars again and again until the end of the block."""
    watch, over = Watch(), threading.Event()

    def ask() -> None:
        with httpx.Client(timeout=30) as client:
            while not over.wait(0.1):
                began = time.monotonic()
                answer = client.get(f"{url}/api/latest")
                body = answer.json()
                watch.seen.append(
                    Seen(answer.status_code, body.get("count", 0), body.get("stale", False), time.monotonic() - began)
                )

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield watch
    finally:
        over.set()
        thread.join()


def server(one: Server | None) -> Server:
    """One of the three private servers."""
    assert one is not None, "stoppable_services start all three"
    return one
