"""Versions of one bar, least trusted first, the same in whatever order the responses arrive.

An answer outranks another when its source is more trusted or, the source being equally trusted, when it was fetched
later. Answers next to each other in that order that say the same are one version.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

SIMULATED = "simulated"
_LONG_AGO, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

Order = tuple[int, datetime]


class BarVersion(NamedTuple):
    """The figures that one or more answers in a row gave for a bar.

    *source* and *seen_at* are those of the highest of these answers, *received_at* is when the earliest was fetched.
    Where that came from another source, it is *first_source*, and *source* followed at *source_since*.
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int | None
    source: str
    received_at: datetime
    seen_at: datetime
    first_source: str | None = None
    source_since: datetime | None = None

    @property
    def origin(self) -> str:
        """The source of the earliest answer."""
        return self.first_source or self.source

    def says(self, other: "BarVersion") -> bool:
        """Return whether both have the same figures (1.50 equals 1.5)."""
        return self[:5] == other[:5]


class SourcePriority:
    """Source that wins when two disagree: *providers*, the most trusted first, then others, then simulated."""

    def __init__(self, providers: Sequence[str] = (), latest: datetime = _NEVER) -> None:
        self._providers = providers
        self._latest = latest
        self._ranks = {name: len(providers) - index for index, name in enumerate(providers)} | {SIMULATED: -1}

    def until(self, latest: datetime) -> "SourcePriority":
        """Return the same priority, under which answers from after *latest* rank last: a clock was wrong then."""
        return SourcePriority(self._providers, latest)

    def rank(self, source: str) -> int:
        """Return the place of *source*, the most trusted highest; `alpaca-iex` has that of the provider alpaca."""
        return self._ranks.get(source, self._ranks.get(source.partition("-")[0], 0))

    def newest(self, version: BarVersion) -> Order:
        """Return the place of the highest answer of *version*."""
        return self.rank(version.source), self._instant(version.seen_at)

    def oldest(self, version: BarVersion) -> Order:
        """Return the place of the lowest answer of *version*."""
        return self.rank(version.source), self._instant(version.received_at)

    def _instant(self, instant: datetime) -> datetime:
        return instant if instant <= self._latest else _LONG_AGO


def affects_newest_only(last: BarVersion, answer: BarVersion, trust: SourcePriority) -> bool:
    """Return whether the versions before *last* do not matter to the place of *answer*."""
    place = trust.newest(answer)
    return place > trust.newest(last) or (place >= trust.oldest(last) and answer.says(last))


def insert_version(versions: Sequence[BarVersion], answer: BarVersion, trust: SourcePriority) -> list[BarVersion]:
    """Return *versions* with *answer* in its place. No version is lost; an answer known already adds none.

    Of two different answers of one instant, the one that arrives later stands.
    """
    at = trust.newest(answer)
    index = 0
    while index < len(versions) and _precedes(versions[index], answer, trust):
        index += 1
    before, after = list(versions[:index]), list(versions[index:])
    if after and after[0].says(answer):
        return [*before, _join(after[0], answer, trust), *after[1:]]
    if after and at > trust.oldest(after[0]):
        around = after[0]
        earlier = around._replace(source=around.origin, seen_at=around.received_at)
        later = around._replace(received_at=around.seen_at)
        earlier, later = (one._replace(first_source=None, source_since=None) for one in (earlier, later))
        return [*before, earlier, answer, later, *after[1:]]
    if before and before[-1].says(answer):
        return [*before[:-1], _join(before[-1], answer, trust), *after]
    return [*before, answer, *after]


def _precedes(version: BarVersion, answer: BarVersion, trust: SourcePriority) -> bool:
    """Return whether all answers of *version* rank below *answer*, which of one instant's came last."""
    newest, at = trust.newest(version), trust.newest(answer)
    return newest < at or (newest == at and not version.says(answer))


def _join(version: BarVersion, answer: BarVersion, trust: SourcePriority) -> BarVersion:
    """Return *version* with one more answer that says the same."""
    higher = max(version, answer, key=trust.newest)
    earlier = min(version, answer, key=lambda one: one.received_at)
    first = earlier.origin if earlier.origin != higher.source else None
    since = min(one.source_since or one.received_at for one in (version, answer) if one.source == higher.source)
    return version._replace(
        source=higher.source,
        received_at=earlier.received_at,
        seen_at=higher.seen_at,
        first_source=first,
        source_since=since if first else None,
    )
