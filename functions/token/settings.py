"""Settings of the function token."""

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from shared.auth.authenticator import AuthSettings
from shared.http.public_address import PublicAddressSettings
from shared.runtime.settings import DatabaseSettings, RedisSettings, SecretList

Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class Settings(DatabaseSettings, RedisSettings, AuthSettings, PublicAddressSettings):
    """Lifetimes of tokens, limits on attempts, and who may register."""

    api_token_expiry_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    """Default lifetime of a token."""

    login_expiry_days: Annotated[int, Meta(ge=1, le=30)] = 30
    """Lifetime of a login, at most that of a token."""

    login_attempts: Count = 10
    """Wrong passwords for one account from one client address in five minutes."""

    login_attempts_per_address: Count = 100
    """Logins from one client address in five minutes, right or wrong."""

    registrations_per_address: Count = 20
    """New accounts from one client address in an hour."""

    registration: Literal["open", "invite", "closed"] = "open"
    """Registration: open to all, with an invite code, or closed."""

    registration_invites: SecretList = ()

    def check(self) -> None:
        """Refuse invitations without codes, and codes that are easy to guess."""
        super().check()
        codes = [code.reveal() for code in self.registration_invites]
        if self.registration == "invite" and (not codes or min(map(len, codes)) < 12):
            raise ValueError(
                "REGISTRATION_INVITES: should list codes of at least 12 characters for REGISTRATION=invite"
            )

    @property
    def login_days(self) -> int:
        """Days a login lasts."""
        return min(self.login_expiry_days, self.api_token_expiry_days)
