"""Whose request it is when nobody says: the client's address, believed as far as our own proxies have written it."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network


class ClientAddresses:
    """Reads X-Forwarded-For from the right, because only what trusted proxies have appended is known to be true.

    *hops* trusted proxies have appended an address each; in front of that, addresses within *networks* are skipped:
    parts of the cluster that a request passes through sometimes, as Knative's activator. ValueError for no network.
    """

    def __init__(self, hops: int, networks: Sequence[str]) -> None:
        self._hops = hops
        self._networks = [ip_network(network) for network in networks]

    def client(self, forwarded: bytes | None, peer: str) -> str:
        """Return the unit that is counted: an IPv4 address, or the /64 that one subscriber has of IPv6.

        *peer* is who is connected; it is also the answer when the header *forwarded* does not lead as far as it should.
        """
        chain = [part.strip() for part in (forwarded or b"").decode("latin-1").split(",")] if self._hops else []
        while chain and self._is_ours(chain[-1]):
            chain.pop()
        address = _read(chain[-self._hops]) if 0 < self._hops <= len(chain) else None
        return _unit(address or _read(peer)) or peer

    def _is_ours(self, text: str) -> bool:
        address = _read(text)
        return address is not None and any(address in network for network in self._networks)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address in *text*, which may carry a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _unit(address: IPv4Address | IPv6Address | None) -> str | None:
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, 64), strict=False))
    return address and str(address)
