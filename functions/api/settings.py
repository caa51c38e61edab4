"""Settings of api."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.runtime.settings import BarSettings, CsvList, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings):
    """Settings: database, Redis, access and rate limits."""

    anonymous_history_days: Annotated[int, Meta(ge=0)] = 30
    """Days of history open without a token; 0: all of it, and the exports."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""
