"""Settings of mcp."""

from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings):
    """Addresses of the public functions within the cluster."""

    api_url: str
    insights_url: str

    def check(self) -> None:
        """Check that both addresses are HTTP addresses."""
        super().check()
        for name in ("api_url", "insights_url"):
            if not getattr(self, name).startswith(("http://", "https://")):
                raise ValueError(f"{name.upper()}: should start with http://")
