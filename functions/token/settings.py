"""What token is told from outside."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.runtime.settings import CsvList, DatabaseSettings, RedisSettings

Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, AuthSettings):
    """Where accounts are kept, how long tokens live, and how often one may guess."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""

    api_token_expiry_days: Annotated[int, Meta(ge=1, le=3650)] = 365

    login_attempts: Count = 10
    """Wrong passwords for one account within five minutes."""

    login_attempts_per_address: Count = 100
    """Logins from one client address within five minutes, right or wrong."""

    registrations_per_address: Count = 20
    """New accounts from one client address within an hour."""
