"""What insights is told from outside: where the data are, who may read, and which model writes, if any."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.runtime.settings import BarSettings, CsvList, DatabaseSettings, RedisSettings, Secret, SettingsGroup


@dataclass(frozen=True, kw_only=True)
class Model(SettingsGroup):
    """The model that words the facts. Without a key the rules do."""

    openai_api_key: Secret | None = None
    openai_base_url: str | None = None
    """A server that speaks OpenAI's wire format; none: OpenAI itself."""

    insights_model: str = "gpt-5-mini"
    insights_api: Literal["responses", "chat"] = "responses"
    """`chat` for servers that have /chat/completions only, as most but OpenAI's do."""

    insights_timeout_seconds: Annotated[float, Meta(gt=0, le=45)] = 25
    """For both calls of an hour together: the function itself is given 60."""

    insights_max_tokens: Annotated[int, Meta(ge=200, le=20_000)] = 8000
    """Of one answer, what a model thinks to itself included."""


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings, Model):
    """What is written when, and who may read it."""

    insights_deadline_minutes: Annotated[int, Meta(ge=0, le=600)] = 12
    """How long after its end an hour is waited for; then it is written with what is there."""

    insights_history_hours: Annotated[int, Meta(ge=1, le=400)] = 7
    """How many of the newest hours are looked after: written if they lack insights, again if their bars changed."""

    cors_origins: CsvList = ()
    """Origins whose pages may read the answers, `*` for all; none: only pages of the same origin."""

    @property
    def waits(self) -> timedelta:
        """`insights_deadline_minutes` as a span."""
        return timedelta(minutes=self.insights_deadline_minutes)
