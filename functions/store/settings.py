"""What store is told by its environment."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from shared.runtime.settings import CsvList, DatabaseSettings, RedisSettings

Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings):
    """Where the data go, and what to make of answers that disagree or lack bars."""

    providers: CsvList = ()
    """The order of fall-over, which is the order of trust: a bar of a later one never replaces one of an earlier."""

    settle_minutes: Annotated[int, Meta(ge=0)] = 45
    """How long after its end a provider may still bring a missing bar."""

    twelvedata_credits_per_minute: Count = 8
    twelvedata_credits_per_day: Count = 800
    finnhub_calls_per_minute: Count = 60
    """What ingest may spend, for /metrics."""

    @property
    def settles_after(self) -> timedelta:
        """`settle_minutes` as a span."""
        return timedelta(minutes=self.settle_minutes)
