"""Comparison of this machine's clock with those of others: a provider's and the database's."""

import logging
from collections.abc import Iterable
from datetime import datetime

from shared.runtime import clock

_logger = logging.getLogger(__name__)

TOLERANCE_SECONDS = 60
PROVIDER_OFFSETS = "clock:offsets"
"""In Redis, within an installation: seconds by which ingest's clock is ahead, by provider."""


def offset_seconds(theirs: datetime) -> int | None:
    """Return the seconds by which our clock is ahead of one that shows *theirs*; None while CLOCK replaces it."""
    return None if clock.is_replayed() else round((clock.now() - theirs).total_seconds())


def is_wrong(offsets: Iterable[int | None]) -> bool:
    """Return whether one of *offsets* is more than a minute."""
    return any(offset is not None and abs(offset) > TOLERANCE_SECONDS for offset in offsets)


def warn(whose: str, offset: int | None) -> None:
    """Log a warning if our clock and that of *whose* differ by more than a minute."""
    if offset is not None and is_wrong([offset]):
        direction = "ahead of" if offset > 0 else "behind"
        _logger.warning("this machine's clock is %d s %s that of %s: set it", abs(offset), direction, whose)
