"""Circuit breaker: no request waits for a server that is known to be down.

The first request after a failure waits for the timeout. Later requests fail at once, while a probe in the background,
at most one a second, checks whether the server responds again.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

_logger = logging.getLogger(__name__)
_PROBE_INTERVAL_SECONDS = 1.0


class UnavailableError(Exception):
    """The server does not respond; its name is the message."""


class CircuitBreaker:
    """State of one server: up, or down until a probe succeeds."""

    def __init__(self, name: str, ping: Callable[[], Awaitable[object]]) -> None:
        self._name = name
        self._ping = ping
        self.is_down = False
        self._probe_at = 0.0
        self._probe: asyncio.Task[None] | None = None

    def reject(self) -> UnavailableError:
        """Return the error to raise while the server is down, and start a probe in the background when one is due."""
        if self.is_down and self._probe is None and time.monotonic() >= self._probe_at:
            self._probe = asyncio.create_task(self._run_probe())
        return UnavailableError(self._name)

    def mark_down(self, error: BaseException | None) -> UnavailableError:
        """Open the circuit and return the error to raise."""
        if not self.is_down:
            _logger.warning("%s does not respond: %s", self._name, summarize_error(error))
        self.is_down = True
        self._probe_at = time.monotonic() + _PROBE_INTERVAL_SECONDS
        return UnavailableError(self._name)

    async def _run_probe(self) -> None:
        try:
            await self._ping()
        except Exception as error:
            _logger.info("%s is still down: %s", self._name, summarize_error(error))
            self._probe_at = time.monotonic() + _PROBE_INTERVAL_SECONDS
        else:
            _logger.info("%s responds again", self._name)
            self.is_down = False
        finally:
            self._probe = None


def summarize_error(error: BaseException | None) -> str:
    """Return the class of *error* and the reason the server gave (a lock, a full disk, no memory), on one line."""
    if error is None:
        return "no response in time"
    reason = getattr(getattr(error, "diag", None), "message_primary", None) or str(error)
    return f"{type(error).__name__}: {reason.splitlines()[0]}" if reason else type(error).__name__
