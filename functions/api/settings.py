"""Settings of api."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import BarSettings, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings, PublicAddressSettings):
    """Settings: database, Redis, access and rate limits."""

    anonymous_history_days: Annotated[int, Meta(ge=0)] = 30
    """Days of history open without a token; 0: all of it, and the exports."""
