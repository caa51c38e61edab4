"""Settings of alerts: limits of an account, permitted targets, and the credentials of transports."""

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.auth.email_address import normalize_email
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import BarSettings, DatabaseSettings, RedisSettings, Secret, SettingsGroup

_VAPID_KEY = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=?")
"""32 bytes in base64url."""


@dataclass(frozen=True, kw_only=True)
class PushSettings(SettingsGroup):
    """Identity towards push services (VAPID, RFC 8292)."""

    alerts_vapid_private_key: Secret | None = None
    """Private key: 32 random bytes in base64url."""

    alerts_vapid_contact: str | None = None
    """Address at which a push service reaches the operator."""

    def check(self) -> None:
        """Refuse an invalid private key of P-256, and a contact that push services refuse."""
        super().check()
        key = self.alerts_vapid_private_key
        if key and not _VAPID_KEY.fullmatch(key.reveal()):
            raise ValueError("ALERTS_VAPID_PRIVATE_KEY: should be 32 random bytes in base64url, see .env.sample")
        contact = self.alerts_vapid_contact
        if contact and not re.fullmatch(r"mailto:[^@\s]+@[^@\s]+|https://[^\s/]+", contact):
            raise ValueError("ALERTS_VAPID_CONTACT: should look like mailto:me@example.com or https://example.com")


@dataclass(frozen=True, kw_only=True)
class MailSettings(SettingsGroup):
    """Mail server that takes messages by SMTP."""

    smtp_host: str | None = None
    smtp_port: Annotated[int, Meta(ge=1, le=65535)] = 587
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str | None = None
    smtp_password: Secret | None = None
    smtp_from: str | None = None

    def check(self) -> None:
        """Refuse an invalid sender address, and a password that would be sent unencrypted."""
        super().check()
        if self.smtp_from:
            try:
                normalize_email(self.smtp_from)
            except ValueError as error:
                raise ValueError(f"SMTP_FROM: {error}") from None
        if self.smtp_password and self.smtp_security == "none":
            raise ValueError("SMTP_SECURITY: should be starttls or tls where there is an SMTP_PASSWORD")


@dataclass(frozen=True, kw_only=True)
class Settings(
    DatabaseSettings, RedisSettings, BarSettings, AuthSettings, PublicAddressSettings, PushSettings, MailSettings
):
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
