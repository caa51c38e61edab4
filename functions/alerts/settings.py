"""Settings of alerts: limits of an account, and where messages may go."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import BarSettings, DatabaseSettings, RedisSettings


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, BarSettings, AuthSettings, PublicAddressSettings):
    """All settings of the function."""

    alerts_max_rules: Annotated[int, Meta(ge=1, le=1000)] = 50
    """Alerts of an account."""

    alerts_max_channels: Annotated[int, Meta(ge=1, le=100)] = 10
    """Channels of an account."""

    alerts_private_targets: Literal["refused", "allowed"] = "refused"
    """Permission of private addresses and of plain HTTP for channels."""

    alerts_missing_minutes: Annotated[int, Meta(ge=1, le=1440)] = 30
    """Minutes after its end from which a bar counts as missing."""

    @property
    def permits_private(self) -> bool:
        """True when channels may lead to private addresses."""
        return self.alerts_private_targets == "allowed"

    @property
    def grace(self) -> timedelta:
        """`bar_grace_seconds` as a span."""
        return timedelta(seconds=self.bar_grace_seconds)

    @property
    def missing_after(self) -> timedelta:
        """`alerts_missing_minutes` as a span."""
        return timedelta(minutes=self.alerts_missing_minutes)
