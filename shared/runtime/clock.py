"""Clock of all functions, which tests and demos can set and run at any speed."""

import os
from datetime import UTC, datetime, timedelta


def parse(setting: str | None) -> tuple[datetime, datetime, float] | None:
    """Return the parts of the setting CLOCK, None for the real time."""
    if not setting:
        return None
    try:
        virtual, real, speed = setting.split()
        start, begun = datetime.fromisoformat(virtual), datetime.fromisoformat(real)
        if not (start.tzinfo and begun.tzinfo):
            raise ValueError("an instant without an offset")
        return start, begun, float(speed)
    except ValueError:
        raise SystemExit(f"error: CLOCK={setting!r} is not '<instant> <instant> <speed>' in RFC 3339") from None


_REPLAY = parse(os.environ.get("CLOCK"))


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


def is_replayed() -> bool:
    """Return whether CLOCK sets another time than that of this machine."""
    return _REPLAY is not None


def speed() -> float:
    """Return how many seconds the clock advances in a second."""
    return 1.0 if _REPLAY is None else _REPLAY[2]
