"""Client addresses from X-Forwarded-For."""

import time

import pytest

from shared.auth.client_address import ClientAddresses


@pytest.mark.parametrize(
    ("hops", "networks", "forwarded", "peer", "client"),
    [
        (1, (), b"203.0.113.9", "127.0.0.1", "203.0.113.9"),
        (1, (), b"1.2.3.4, 203.0.113.9", "127.0.0.1", "203.0.113.9"),
        (1, (), None, "192.0.2.1", "192.0.2.1"),
        (1, (), b"", "192.0.2.1", "192.0.2.1"),
        (1, (), b"garbage", "192.0.2.1", "192.0.2.1"),
        (1, (), b"unknown, 203.0.113.9:4711", "192.0.2.1", "203.0.113.9"),
        (0, (), b"203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (2, (), b"1.2.3.4, 203.0.113.9, 198.51.100.1", "127.0.0.1", "203.0.113.9"),
        (2, (), b"203.0.113.9", "192.0.2.1", "192.0.2.1"),
        (1, ("10.0.0.0/8",), b"203.0.113.9, 10.1.2.3, 10.4.5.6", "10.7.8.9", "203.0.113.9"),
        (1, ("10.0.0.0/8",), b"1.2.3.4, 203.0.113.9, 10.1.2.3", "127.0.0.1", "203.0.113.9"),
        (1, ("10.0.0.0/8",), b"10.1.2.3", "10.7.8.9", "10.7.8.9"),
        (1, (), b"2001:db8:1:2:3:4:5:6", "127.0.0.1", "2001:db8:1:2::/64"),
        (1, (), b"[2001:db8:1:2:ffff::1]:443", "127.0.0.1", "2001:db8:1:2::/64"),
        (1, (), b"2001:db8:1:2::1%any-text", "127.0.0.1", "2001:db8:1:2::/64"),
        (1, (), b"::ffff:203.0.113.9", "127.0.0.1", "203.0.113.9"),
        (1, (), b"\xff\x00, 203.0.113.9\x00", "192.0.2.1", "192.0.2.1"),
        (0, (), None, "2001:db8:1:2::9", "2001:db8:1:2::/64"),
        (1, (), None, "unknown", "unknown"),
        (1, (), b"x" * 50_000, "192.0.2.1", "192.0.2.1"),
        (1, (), b"x" * 50_000 + b", 203.0.113.9", "192.0.2.1", "203.0.113.9"),
    ],
)
def test_only_trusted_proxies_name_the_client(
    hops: int, networks: tuple[str, ...], forwarded: bytes | None, peer: str, client: str
) -> None:
    """The client is the address that the trusted proxies saw; addresses that it writes itself are ignored."""
    assert ClientAddresses(hops, networks).client_address(forwarded, peer) == client


def test_a_long_header_costs_no_more_than_a_short_one() -> None:
    """Only the last 1,024 bytes are parsed, so 60 KB of commas cost at most some hundred addresses."""
    addresses = ClientAddresses(1, ("10.0.0.0/8",))

    def seconds(forwarded: bytes) -> float:
        began = time.perf_counter()
        for _ in range(200):
            addresses.client_address(forwarded, "192.0.2.1")
        return time.perf_counter() - began

    plain = min(seconds(b"10.0.0.1," * 110) for _ in range(3))
    assert min(seconds(b"10.0.0.1," * 7000) for _ in range(3)) < 5 * plain
