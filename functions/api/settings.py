"""What api is told from outside."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.runtime.settings import BarSettings, CsvList, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings):
    """Where the data are, who may read them and how often."""

    anonymous_history_days: Annotated[int, Meta(ge=0)] = 30
    """How much of the history is open without a token; 0: all of it, and the exports."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""
