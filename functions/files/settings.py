"""Settings of files."""

from dataclasses import dataclass

from shared.auth.authenticator import AuthSettings
from shared.auth.open_history import HistorySettings
from shared.runtime.settings import DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, AuthSettings, HistorySettings):
    """Settings: database, Redis, access and rate limits."""
