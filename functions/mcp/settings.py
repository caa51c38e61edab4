"""Settings of mcp."""

from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings):
    """Addresses of the public functions within the cluster."""

    api_url: str
    insights_url: str
