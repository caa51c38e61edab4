"""Client address of a request: the connected peer, or an address that trusted proxies added to X-Forwarded-For."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_MAX_HEADER = 1024
_MAX_ADDRESS = 64


class ClientAddresses:
    """Reads X-Forwarded-For from the right, because only addresses appended by trusted proxies are reliable.

    *hops* trusted proxies append an address each. Addresses within *networks* are skipped first: parts of the cluster
    that only some requests pass through, such as Knative's activator. ValueError for an invalid network.
    """

    def __init__(self, hops: int, networks: Sequence[str]) -> None:
        self._hops = hops
        self._networks = [ip_network(network) for network in networks]

    def client_address(self, forwarded: bytes | None, peer: str) -> str:
        """Return the unit of rate limits: an IPv4 address, or the /64 network of an IPv6 address.

        *peer* is the connected address, and the result when the header *forwarded* lists too few addresses.
        """
        if forwarded and self._hops:
            chain = forwarded[-_MAX_HEADER:].decode("latin-1").split(",")
            while chain and self._networks and self._is_trusted(chain[-1]):
                chain.pop()
            if self._hops <= len(chain) and (unit := _unit(chain[-self._hops])):
                return unit
        return _unit(peer) or peer

    def _is_trusted(self, text: str) -> bool:
        address = _parse(text)
        return address is not None and any(address in network for network in self._networks)


@lru_cache(4096)
def _unit(text: str) -> str:
    """Return the unit of rate limits that the address in *text* belongs to, "" for no address."""
    address = _parse(text)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return str(address or "")


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in *text*, which may carry a port."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    if len(text) > _MAX_ADDRESS:
        return None
    try:
        address = ip_address(text.partition("%")[0])  # without the zone, which may be any text
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
