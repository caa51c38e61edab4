"""Event loop of the runner: uvloop, in which the front door passes several times as many requests."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import uvloop

Result = TypeVar("Result")


def run(work: Coroutine[None, None, Result]) -> Result:
    """Run *work* to its end."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
