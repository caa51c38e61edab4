"""What ingest is told from outside: where its data are, whom to ask, and what that may cost."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from shared.settings import Cache, Database, Market, Names, Secrets, Slice

BAR_PROVIDERS = ("twelvedata", "replay", "simulated")


def _pairs(value: object) -> object:
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if not all(name.strip() and theirs.strip() for name, _, theirs in pairs):
        raise ValueError("should look like OURS=THEIRS,OURS=THEIRS")
    return {name.strip(): theirs.strip() for name, _, theirs in pairs}


Spelling = Annotated[dict[str, str], BeforeValidator(_pairs)]
"""How a provider spells a ticker where it differs: `BRK.A=BRK.A:NYSE,META=FB`."""


class Providers(Slice):
    """Where bars and profiles come from, and what may be spent on them."""

    providers: Names = ()
    """Where bars come from, in order of fall-over; none: twelvedata if it has a key, else simulated."""
    provider_timeout_seconds: float = Field(default=10, gt=0, le=30)
    history_sessions: int = Field(default=60, ge=1, le=700)
    """How far back a ticker without any bars is filled."""

    twelvedata_api_keys: Secrets = ()
    twelvedata_base_url: str = "https://api.twelvedata.com"
    twelvedata_credits_per_minute: int = Field(default=8, ge=1)
    twelvedata_credits_per_day: int = Field(default=800, ge=1)
    twelvedata_symbols: Spelling = Field(default_factory=dict)

    finnhub_api_key: SecretStr | None = None
    finnhub_base_url: str = "https://finnhub.io/api/v1"
    finnhub_calls_per_minute: int = Field(default=60, ge=1)
    finnhub_symbols: Spelling = Field(default_factory=dict)

    replay_files: Names = ()

    @property
    def order(self) -> tuple[str, ...]:
        """The bar providers to ask, the first that can serve wins."""
        return self.providers or (("twelvedata",) if self.twelvedata_api_keys else ("simulated",))

    @property
    def invents(self) -> bool:
        """Whether all bars are invented; else an invented bar is one that is still missing."""
        return self.order == ("simulated",)

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        for name in self.order:
            if name not in BAR_PROVIDERS:
                raise ValueError(
                    f"PROVIDERS names {name!r}; bars come from {', '.join(BAR_PROVIDERS)}. "
                    "Finnhub is used whenever FINNHUB_API_KEY is set."
                )
        if "twelvedata" in self.order and not self.twelvedata_api_keys:
            raise ValueError("PROVIDERS names twelvedata, which needs TWELVEDATA_API_KEYS")
        if "replay" in self.order and not self.replay_files:
            raise ValueError("PROVIDERS names replay, which needs REPLAY_FILES")
        return self


class Settings(Database, Cache, Market, Providers):
    """All that ingest is told."""
