"""Public address of an installation, for absolute links in feeds and previews."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from shared.runtime.settings import SettingsGroup

_HOST = re.compile(rb"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_FALLBACK = "http://localhost"


@dataclass(frozen=True, kw_only=True)
class PublicAddressSettings(SettingsGroup):
    """Setting of the public address, the same in all functions."""

    public_url: str | None = None
    """Address at which readers reach the page, such as https://stocks.example.com; none: the address of the request."""

    def check(self) -> None:
        """Refuse an address with a path or a query: the page is at the root of its host."""
        super().check()
        if self.public_url:
            parts = urlsplit(self.public_url)
            if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
                raise ValueError("PUBLIC_URL: should be a scheme and a host alone, such as https://stocks.example.com")


def public_address(settings: PublicAddressSettings, headers: Mapping[bytes, bytes]) -> str:
    """Return the address of the page, without a slash at its end.

    Without the setting it is that of the request, as named by the proxy or else by the client: a cache
    of the response needs the address in its key.
    """
    if settings.public_url:
        return settings.public_url.rstrip("/")
    host = headers.get(b"x-forwarded-host") or headers.get(b"host", b"")
    scheme = "https" if headers.get(b"x-forwarded-proto") == b"https" else "http"
    return f"{scheme}://{host.decode()}" if _HOST.fullmatch(host) else _FALLBACK
