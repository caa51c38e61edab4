"""The one clock, so that tests and demos can live a past week at any speed."""

import os
from datetime import UTC, datetime, timedelta


def _replay() -> tuple[datetime, datetime, float] | None:
    setting = os.environ.get("CLOCK")
    if not setting:
        return None
    virtual, real, speed = setting.split()
    return datetime.fromisoformat(virtual), datetime.fromisoformat(real), float(speed)


_REPLAY = _replay()


def now() -> datetime:
    """Return this instant, aware and in UTC.

    With `CLOCK="<virtual instant> <real instant> <speed>"` every process that is given the same value agrees on a clock
    that showed the virtual instant at the real one and runs *speed* times as fast (0 stands still).
    """
    real_now = datetime.now(UTC)
    if _REPLAY is None:
        return real_now
    virtual, real, speed = _REPLAY
    return virtual + timedelta(seconds=(real_now - real).total_seconds() * speed)
