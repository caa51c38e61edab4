"""Settings of api."""

from dataclasses import dataclass

from shared.auth.authenticator import AuthSettings
from shared.auth.open_history import HistorySettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import BarSettings, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings, HistorySettings, PublicAddressSettings):
    """Settings: database, Redis, access and rate limits."""
