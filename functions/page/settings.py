"""Settings of page: those of rate limits."""

from shared.auth.address_limiter import AddressSettings as Settings

__all__ = ["Settings"]
