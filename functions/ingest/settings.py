"""Settings of ingest: database, providers and their budgets."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zlib import crc32

from msgspec import Meta

from functions.ingest.csv_files.times import find_zone
from shared.runtime.settings import (
    BarSettings,
    CsvList,
    CsvMap,
    DatabaseSettings,
    RedisSettings,
    Secret,
    SecretList,
    SecretMap,
    SettingsGroup,
)

BAR_PROVIDERS = ("twelvedata", "alpaca", "yahoo", "replay", "simulated")

YAHOO = Secret("yahoo")
"""Yahoo has no key; requests to it are counted under this name."""


def _version(name: str) -> str:
    """Return the name of a file with a checksum of its content, without one where it cannot be read."""
    try:
        stat = Path(name).stat()
        return f"{name} {_checksum(name, stat.st_mtime_ns, stat.st_size)}"
    except OSError:
        return name


@lru_cache(maxsize=256)
def _checksum(name: str, modified: int, size: int) -> int:  # noqa: ARG001  a changed file is read again
    return crc32(Path(name).read_bytes())


Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Providers(SettingsGroup):
    """Providers of bars and profiles, and their credit budgets."""

    providers: CsvList = ()
    """Providers of bars in order of failover; none: twelvedata if it has a key, else simulated."""
    provider_keys: SecretMap = field(default_factory=dict)
    """Keys of providers that have no setting of their own, by name: `acme=KEY`."""
    provider_timeout_seconds: Annotated[float, Meta(gt=0, le=30)] = 10
    history_sessions: Annotated[int, Meta(ge=1, le=700)] = 60
    """Sessions fetched for a ticker without any bars."""

    twelvedata_api_keys: SecretList = ()
    twelvedata_base_url: str = "https://api.twelvedata.com"
    twelvedata_credits_per_minute: Count = 8
    twelvedata_credits_per_day: Count = 800
    twelvedata_symbols: CsvMap = field(default_factory=dict)
    """Its symbol of a ticker where it differs: `BRK.A=BRK.A:NYSE,META=FB`."""

    finnhub_api_key: Secret | None = None
    finnhub_base_url: str = "https://finnhub.io/api/v1"
    finnhub_calls_per_minute: Count = 60
    finnhub_symbols: CsvMap = field(default_factory=dict)

    alpaca_key_id: Secret | None = None
    alpaca_secret_key: Secret | None = None
    alpaca_feed: Literal["sip", "iex"] = "sip"
    """sip: all exchanges, 15 minutes late on the free plan; iex: one exchange, at once."""
    alpaca_base_url: str = "https://data.alpaca.markets"
    alpaca_calls_per_minute: Count = 200
    alpaca_symbols: CsvMap = field(default_factory=dict)

    yahoo_base_url: str = "https://query1.finance.yahoo.com"
    yahoo_calls_per_minute: Count = 20
    yahoo_symbols: CsvMap = field(default_factory=dict)

    replay_files: CsvList = ()
    replay_zone: str | None = None
    """Time zone of times in these files that name none."""

    @property
    def order(self) -> tuple[str, ...]:
        """The bar providers to ask, the first that can serve wins."""
        return self.providers or (("twelvedata",) if self.twelvedata_api_keys else ("simulated",))

    @property
    def configuration(self) -> str:
        """Digest of the providers and of the files to replay: where it changes, absent bars may be there now."""
        symbols = (self.twelvedata_symbols, self.alpaca_symbols, self.yahoo_symbols)
        parts = [*self.order, self.alpaca_feed, *(repr(item) for one in symbols for item in one.items())]
        if "replay" in self.order:
            parts.append(self.replay_zone or "")
            parts += [_version(name) for name in self.replay_files]
        return f"{crc32(' '.join(parts).encode()):08x}"

    @property
    def only_simulated(self) -> bool:
        """True if the simulated provider is the only one; otherwise a simulated bar counts as missing."""
        return self.order == ("simulated",)

    def check(self) -> None:
        """Refuse providers that could not work."""
        super().check()
        for name in self.order:
            if name not in BAR_PROVIDERS:
                raise ValueError(
                    f"PROVIDERS names {name!r}; bars come from {', '.join(BAR_PROVIDERS)}. "
                    "Finnhub is used whenever FINNHUB_API_KEY is set."
                )
        for name in self.provider_keys:
            if name not in BAR_PROVIDERS:
                # The name is not repeated: of a pair the wrong way round it is the key.
                raise ValueError(f"PROVIDER_KEYS: each NAME of NAME=KEY should be one of {', '.join(BAR_PROVIDERS)}")
        if "twelvedata" in self.order and not self.twelvedata_api_keys:
            raise ValueError("PROVIDERS names twelvedata, which needs TWELVEDATA_API_KEYS")
        if "alpaca" in self.order and not (self.alpaca_key_id and self.alpaca_secret_key):
            raise ValueError("PROVIDERS names alpaca, which needs ALPACA_KEY_ID and ALPACA_SECRET_KEY")
        if "replay" in self.order and not self.replay_files:
            raise ValueError("PROVIDERS names replay, which needs REPLAY_FILES")
        try:
            find_zone(self.replay_zone or "UTC")
        except ValueError as error:
            raise ValueError(f"REPLAY_ZONE: {error}") from error


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, Providers):
    """Settings of ingest."""
