"""What api is told from outside."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.runtime.settings import BarSettings, CsvList, DatabaseSettings, RedisSettings

Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings):
    """Where the data are, who may read them and how often, and what ingest may spend (shown by /status)."""

    anonymous_history_days: Annotated[int, Meta(ge=0)] = 30
    """How much of the history is open without a token; 0: all of it, and the exports."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""

    twelvedata_credits_per_minute: Count = 8
    twelvedata_credits_per_day: Count = 800
    finnhub_calls_per_minute: Count = 60
