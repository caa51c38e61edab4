"""Settings of page: those of rate limits, the public address, and the contact for security reports."""

import re
from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings
from shared.http.public_address import PublicAddressSettings

_CONTACT = re.compile(r"(mailto:|tel:|https://)\S+")


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings, PublicAddressSettings):
    """Settings of page."""

    security_contact: str | None = None
    """Address in `/.well-known/security.txt`, such as mailto:security@example.com; none: there is no such file."""

    def check(self) -> None:
        """Refuse a contact that is no address of a mailbox, a phone or a page."""
        super().check()
        contact = self.security_contact
        if contact and not (_CONTACT.fullmatch(contact) and contact.isprintable()):
            raise ValueError("SECURITY_CONTACT: should be one address that starts with mailto:, tel: or https://")
