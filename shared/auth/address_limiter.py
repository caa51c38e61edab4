"""Rate limits by client address: their settings, and a limiter in one process for functions without accounts."""

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from starlette.requests import Request

from shared.auth.client_address import ClientAddresses
from shared.auth.rate_limit import LocalCounters, RateLimiter, RawHeaders
from shared.runtime.settings import CsvList, SettingsGroup

Count = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, kw_only=True)
class AddressSettings(SettingsGroup):
    """Settings of rate limits, the same in all functions."""

    rate_limit_anonymous: Count = 300
    """Requests a minute of a client address."""

    rate_limit_token: Count = 3000
    """Requests a minute of an account; also of an address at page and mcp, which read no tokens."""

    trusted_proxy_hops: Annotated[int, Meta(ge=0, le=10)] = 1
    trusted_proxy_networks: CsvList = ()

    def check(self) -> None:
        """Refuse invalid networks."""
        super().check()
        try:
            ClientAddresses(self.trusted_proxy_hops, self.trusted_proxy_networks)
        except ValueError:
            raise ValueError("TRUSTED_PROXY_NETWORKS: should be networks such as 10.0.0.0/8") from None


class AddressLimiter:
    """Counts requests of each client address in this process."""

    def __init__(self, settings: AddressSettings) -> None:
        self._limit = max(settings.rate_limit_anonymous, settings.rate_limit_token)
        self._limiter = RateLimiter(LocalCounters())
        self._addresses = ClientAddresses(settings.trusted_proxy_hops, settings.trusted_proxy_networks)

    async def acquire(self, request: Request) -> RawHeaders:
        """Count a request and return its rate limit headers; Problem 429."""
        forwarded = dict(request.scope["headers"]).get(b"x-forwarded-for")
        address = self._addresses.client_address(forwarded, request.client.host if request.client else "unknown")
        return await self._limiter.for_key(f"address:{address}", self._limit).acquire()
