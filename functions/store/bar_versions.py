"""Versions of a bar, and which of two is served. Pure.

A version outranks another when its source is more trusted or, the source being equally trusted, when it was fetched
later. The highest is served, in whatever order they arrive.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

SIMULATED = "simulated"
_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

TrustKey = tuple[int, datetime]
"""Rank of a source and the instant of its answer."""


class BarVersion(NamedTuple):
    """The figures that a source gave for a bar, first at *received_at* and last at *seen_at*."""

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None
    source: str
    received_at: datetime
    seen_at: datetime

    def has_same_figures(self, other: "BarVersion") -> bool:
        """Return whether both have the same figures (1.50 equals 1.5)."""
        return self[:5] == other[:5]

    def repeats(self, other: "BarVersion") -> bool:
        """Return whether both have the same figures and source."""
        return self[:6] == other[:6]


class SourcePriority:
    """Source that wins when two disagree: *providers*, the most trusted first, then others, then simulated."""

    def __init__(self, providers: Sequence[str] = (), latest: datetime = _NEVER) -> None:
        self.providers = providers
        self._latest = latest
        self._ranks = {name: len(providers) - index for index, name in enumerate(providers)} | {SIMULATED: -1}

    def until(self, latest: datetime) -> "SourcePriority":
        """Return the same priority, under which answers from after *latest* rank last: a clock was wrong then."""
        return SourcePriority(self.providers, latest)

    def rank(self, source: str) -> int:
        """Return the place of *source*, the most trusted highest; `alpaca-iex` has that of the provider alpaca."""
        if source not in self._ranks:
            self._ranks[source] = self._ranks.get(source.partition("-")[0], 0)
        return self._ranks[source]

    def trust_key(self, source: str, seen_at: datetime) -> TrustKey:
        """Return the sort key of a version that *source* gave last at *seen_at*; the highest is served."""
        return self.rank(source), seen_at if seen_at <= self._latest else _LONG_AGO

    def outranks(self, one: BarVersion, other: BarVersion) -> bool:
        """Return whether *one* is served rather than *other*: of equal keys, the later name, the higher figures."""
        mine, theirs = self.trust_key(one.source, one.seen_at), self.trust_key(other.source, other.seen_at)
        if mine != theirs:  # as nearly always
            return mine > theirs
        return (one.source, _comparable(one)) > (other.source, _comparable(other))


def _comparable(version: BarVersion) -> tuple[Decimal | int, ...]:
    return (*version[:4], -1 if version.volume is None else version.volume)
