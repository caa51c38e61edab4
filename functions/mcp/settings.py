"""Settings of mcp."""

from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings
from shared.runtime.settings import Secret, SettingsGroup


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings):
    """Addresses of the public functions within the cluster."""

    api_url: str
    insights_url: str


@dataclass(frozen=True, kw_only=True)
class StdioSettings(SettingsGroup):
    """Deployment that a server over standard input and output reads from."""

    stocksalot_url: str = "http://localhost:8080/api"
    """Address of its API."""

    stocksalot_token: Secret | None = None
