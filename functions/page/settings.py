"""Settings of page: those of rate limits, and the contact for security reports."""

from dataclasses import dataclass

from shared.auth.address_limiter import AddressSettings


@dataclass(frozen=True, kw_only=True)
class Settings(AddressSettings):
    """Settings of page."""

    security_contact: str | None = None
    """Address in `/.well-known/security.txt`, such as mailto:security@example.com; none: there is no such file."""

    def check(self) -> None:
        """Refuse a contact that is no address of a mailbox, a phone or a page."""
        super().check()
        contact = self.security_contact
        if contact and not (contact.startswith(("mailto:", "tel:", "https://")) and contact.isprintable()):
            raise ValueError("SECURITY_CONTACT: should start with mailto:, tel: or https://")
