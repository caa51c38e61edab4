"""Clock of all functions, which tests and demos can set and accelerate."""

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
    """Return the current time, aware and in UTC.

    With `CLOCK="<virtual instant> <real instant> <speed>"` all processes with the same value share a clock that
    showed the virtual instant at the real one and runs *speed* times as fast (0 stops it).
    """
    real_now = datetime.now(UTC)
    if _REPLAY is None:
        return real_now
    virtual, real, speed = _REPLAY
    return virtual + timedelta(seconds=(real_now - real).total_seconds() * speed)


def is_replayed() -> bool:
    """Return whether CLOCK replaces the time of this machine."""
    return _REPLAY is not None


def speed() -> float:
    """Return the number of seconds that the clock advances in a second."""
    return 1.0 if _REPLAY is None else _REPLAY[2]
