"""Permitted addresses of receivers: no private, local or reserved network, whatever a host name resolves to."""

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

_MAX_URL = 2000
_HTTPS = 443
_LEAST_OTHER_PORT = 1024
_RESOLVE_SECONDS = 3
_RESOLVERS = ThreadPoolExecutor(32, "resolver")
"""Separate threads, since a look-up that has timed out still occupies its thread."""
_PLATFORMS = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
"""Internal services of clouds at addresses that look public: Azure's, Oracle's."""
_TRANSLATION = IPv6Network("64:ff9b::/96")
"""NAT64: such an address ends with the IPv4 address that it stands for."""

Address = IPv4Address | IPv6Address


class RefusedTargetError(Exception):
    """Messages may not be sent to a target; the text says why, without the address."""


def check_url(url: str, *, private: bool) -> str | None:
    """Return the fault of *url* as the URL of a webhook, None without one; no host name is resolved."""
    if len(url) > _MAX_URL or not url.isascii() or not url.isprintable() or any(part in url for part in ' \\"<>'):
        return f"should be a URL of at most {_MAX_URL} ASCII characters without spaces"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "should be a URL such as https://example.com/hook"
    if parts.scheme not in (("http", "https") if private else ("https",)) or not parts.hostname:
        return "should be a URL such as https://example.com/hook"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "should have no user name, password or fragment"
    if not private and port is not None and port != _HTTPS and port < _LEAST_OTHER_PORT:
        return f"should have the port {_HTTPS}, or one of {_LEAST_OTHER_PORT} and more"
    literal = _parse(parts.hostname)
    if literal and not (private or is_public(literal)):
        return "should lead to a public address"
    return None


async def resolve(host: str, port: int, *, private: bool) -> Sequence[str]:
    """Return the addresses of *host*, all of which are public unless *private*; RefusedTargetError.

    The caller connects to these and does not resolve the name again: the result could be another address.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            look_up = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
            found = await loop.run_in_executor(_RESOLVERS, look_up)
    except (OSError, UnicodeError, TimeoutError):
        raise RefusedTargetError("the host name cannot be resolved") from None
    addresses = list(dict.fromkeys(str(one[4][0]).partition("%")[0] for one in found))
    if not addresses:
        raise RefusedTargetError("the host name cannot be resolved")
    if not private and not all(is_public(ip_address(one)) for one in addresses):
        raise RefusedTargetError("the host name leads to an address that is not public")
    return addresses


def is_public(address: Address) -> bool:
    """Return whether *address* belongs to the public Internet; not through a tunnel (6to4, Teredo)."""
    if isinstance(address, IPv6Address):
        if inner := _translated(address):
            return is_public(inner)
        if address.sixtofour or address.teredo or address.is_site_local:
            return False
    public = address.is_global and not address.is_multicast and not address.is_reserved
    return public and not any(address in network for network in _PLATFORMS)


def _translated(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that *address* embeds, None without one."""
    if address in _TRANSLATION:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped


def _parse(host: str) -> Address | None:
    """Return the address in *host*, in any form that a resolver accepts: 127.1, 0x7f000001, 2130706433."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None
