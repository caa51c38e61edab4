"""Log of the requests to the fake vendors: their credits, and those beyond the budget."""

import hashlib
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple

from shared.runtime import clock

Window = Literal["minute", "day"]


class Usage(NamedTuple):
    """The credits a key has used in the current minute and day."""

    minute: int
    day: int


@dataclass
class RequestRecord:
    """One request: when (shared clock), for what, with which key (masked) given where, and how it went."""

    at: datetime
    path: str
    symbols: Sequence[str]
    params: dict[str, str]
    key: str
    key_in: Literal["header", "query", "nowhere"]
    credits: int = 0
    status: int = 0
    misbehaviour: str | None = None
    violation: Window | None = None

    def as_json(self) -> dict[str, Any]:
        """Return this as JSON values."""
        return asdict(self) | {"at": self.at.isoformat()}


@dataclass
class RequestLog:
    """Credits of one vendor, by key and by the shared clock's minute and day; and all requests."""

    per_minute: int
    per_day: int | None
    records: list[RequestRecord] = field(default_factory=list)
    _used: Counter[tuple[str, str]] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def charge(self, key: str, cost: int) -> Window | None:
        """Charge *cost* credits, all or none; return the window that has no room for them."""
        minute, day = _windows()
        with self._lock:
            if self.per_day is not None and self._used[key, day] + cost > self.per_day:
                return "day"
            if self._used[key, minute] + cost > self.per_minute:
                return "minute"
            self._used[key, minute] += cost
            self._used[key, day] += cost
            return None

    def usage(self, key: str) -> Usage:
        """Return what *key* has used by now."""
        minute, day = _windows()
        with self._lock:
            return Usage(self._used[key, minute], self._used[key, day])

    def add(self, record: RequestRecord) -> None:
        """Add the record of one request; its outcome is filled in when it is known, if ever."""
        with self._lock:
            self.records.append(record)

    def forget(self) -> None:
        """Start again: no requests, no credits used."""
        with self._lock:
            self.records.clear()
            self._used.clear()


def mask(key: str) -> str:
    """Return a name that distinguishes keys and does not reveal them."""
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:8]}" if key else ""


def _windows() -> tuple[str, str]:
    now = clock.now()
    return f"{now:%Y-%m-%dT%H:%M}", f"{now:%Y-%m-%d}"
