"""Settings of insights: database, access, and the optional language model."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import BarSettings, DatabaseSettings, RedisSettings, Secret, SettingsGroup

_OPENAI_MODEL = "gpt-5-mini"


@dataclass(frozen=True, kw_only=True)
class ModelSettings(SettingsGroup):
    """Language model that writes sentences. Without a key and a base URL the rules write them."""

    openai_api_key: Secret | None = None
    openai_base_url: str | None = None
    """Base URL of any server with OpenAI's wire format; none: OpenAI itself."""

    insights_model: str | None = None
    """None: gpt-5-mini at OpenAI; elsewhere the first model that the server lists."""

    insights_api: Literal["responses", "chat"] | None = None
    """None: /responses at OpenAI; elsewhere both are tried."""

    insights_timeout_seconds: Annotated[float, Meta(gt=0, le=900)] = 120
    """For both calls of an hour together, waiting for a server that loads its model included."""

    insights_max_tokens: Annotated[int, Meta(ge=200, le=20_000)] = 8000
    """Of one answer, hidden reasoning included."""

    def check(self) -> None:
        """Refuse INSIGHTS_MODEL and INSIGHTS_API without a configured server."""
        super().check()
        if (self.insights_model or self.insights_api) and not self.has_model:
            raise ValueError(
                "INSIGHTS_MODEL and INSIGHTS_API need OPENAI_API_KEY, or OPENAI_BASE_URL of another server"
            )

    @property
    def has_model(self) -> bool:
        """Return whether there is a model to ask."""
        return bool(self.openai_api_key or self.openai_base_url)

    @property
    def default_model(self) -> str | None:
        """Return the model to ask for, None for the first one that the server lists."""
        return self.insights_model or (None if self.openai_base_url else _OPENAI_MODEL)


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings, ModelSettings, PublicAddressSettings):
    """All settings of the function."""

    insights_deadline_minutes: Annotated[int, Meta(ge=0, le=600)] = 12
    """Minutes an hour waits for missing bars after its end; then it is written without them."""

    insights_history_hours: Annotated[int, Meta(ge=1, le=400)] = 7
    """Number of the newest hours that are updated: written if they lack insights, again if their bars changed."""

    @property
    def deadline(self) -> timedelta:
        """`insights_deadline_minutes` as a span."""
        return timedelta(minutes=self.insights_deadline_minutes)
