"""Settings of mcp."""

from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings
from shared.runtime.settings import Secret, SettingsGroup


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings):
    """Addresses of the public functions within the cluster."""

    api_url: str
    insights_url: str
    alerts_url: str


@dataclass(frozen=True, kw_only=True)
class StdioSettings(SettingsGroup):
    """Deployment from which a server over standard input and output reads."""

    stocksalot_url: str = "http://localhost:8080/api"
    """Address of its API."""

    stocksalot_token: Secret | None = None
    """Token to send; none: public data only."""

    def check(self) -> None:
        """Refuse an address with more than a path, and a token that no header can carry."""
        super().check()
        if "?" in self.stocksalot_url or "#" in self.stocksalot_url:
            raise ValueError("STOCKSALOT_URL: should end with the path of the API, such as /api, without ? or #")
        token = self.stocksalot_token.reveal() if self.stocksalot_token else "sal_"
        if not (token.isascii() and token.isprintable()) or " " in token:
            raise ValueError("STOCKSALOT_TOKEN: should be one token, such as sal_..., without spaces")
