"""Wait for what happens elsewhere: poll with a deadline, fail with what was last seen."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.02
LONG = 60
"""Seconds, for the busiest of machines: a test waits so long only to fail."""


def wait_until(condition: Callable[[], T], timeout: float = LONG) -> T:
    """Return the first true answer of *condition*; fail after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not (seen := condition()):
        assert time.monotonic() < deadline, f"still {seen!r} after {timeout} s"
        time.sleep(PAUSE)
    return seen


async def wait_until_async(condition: Callable[[], Awaitable[T]], timeout: float = LONG) -> T:  # noqa: ASYNC109
    """Return the first true answer of *condition*; fail after *timeout* seconds."""
    deadline = time.monotonic() + timeout
    while not (seen := await condition()):
        assert time.monotonic() < deadline, f"still {seen!r} after {timeout} s"
        await asyncio.sleep(PAUSE)
    return seen
