"""What api is told from outside."""

from pydantic import Field

from shared.settings import Cache, Database, Market, Names


class Settings(Database, Cache, Market):
    """Where the data are, who may read them from another origin, and what ingest may spend (shown by /status)."""

    cors_origins: Names = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""

    twelvedata_credits_per_minute: int = Field(default=8, ge=1)
    twelvedata_credits_per_day: int = Field(default=800, ge=1)
    finnhub_calls_per_minute: int = Field(default=60, ge=1)
