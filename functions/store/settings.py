"""Settings of store."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import BarSettings, CsvList, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings):
    """Settings: database, Redis, and the policy for responses that disagree or lack bars."""

    providers: CsvList = ()
    """The order of failover, which is the order of trust: a bar of a later one never replaces one of an earlier."""

    settle_minutes: Annotated[int, Meta(ge=0)] = 45
    """Minutes after a bar's end in which a provider may still deliver it."""

    compare_price_percent: Annotated[Decimal, Meta(ge=0)] = Decimal("0.5")
    """Difference up to which two providers agree: in 79,424 hours of two vendors no close differed by more."""
    compare_volume_percent: Annotated[Decimal, Meta(ge=0)] = Decimal(30)

    @property
    def grace(self) -> timedelta:
        """`bar_grace_seconds` as a time span."""
        return timedelta(seconds=self.bar_grace_seconds)

    @property
    def settles_after(self) -> timedelta:
        """`settle_minutes` as a span."""
        return timedelta(minutes=self.settle_minutes)
