"""Target addresses of webhooks: only public ones, in every notation and after resolution."""

import asyncio
import socket
from ipaddress import ip_address
from typing import Any

import pytest

from functions.alerts.delivery.addresses import RefusedTargetError, check_url, is_public, resolve
from functions.alerts.delivery.webhook import post_webhook
from tests.alerts_harness import Receiver

REFUSED = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1",
    "203.0.113.9", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:10.0.0.1", "fe80::1", "fc00::1",
    "fd00:ec2::254", "ff02::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:808:808::", "fec0::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "100::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    """Loopback, private, link-local, shared, reserved, multicast, metadata; plain, mapped, translated and tunnelled."""
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_permitted(address: str) -> None:
    """Of both families, mapped and translated, too."""
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "https:///x", "example.com", "https://user@example.com/",
        "https://u:p@example.com/", "https://example.com/#x", "https://example.com:22/", "https://example.com:99999/",
        "https://exa mple.com/", "https://example.com/\n", "https://exämple.com/", "https://127.0.0.1/",
        "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://[::1]/",
        "https://[::ffff:169.254.169.254]/", "https://[fe80::1%25eth0]/", "https://0/", "https://192.168.1/",
        "https://example.com/" + "x" * 2000, "https://example.com\\@127.0.0.1/",
    ],
)  # fmt: skip
def test_a_webhook_url_must_be_public_https(url: str) -> None:
    """Before anything is resolved: schemes, ports, user names, and addresses in every form that a resolver takes."""
    assert check_url(url, private=False)


@pytest.mark.parametrize("url", ["https://example.com/", "https://example.com:8443/a?b=c", "https://8.8.8.8/"])
def test_an_address_of_https_is_accepted(url: str) -> None:
    """With a path, a query, and a port of its own."""
    assert check_url(url, private=False) is None


def test_a_name_is_refused_when_one_of_its_addresses_is_not_public(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client may connect to any of them."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)

    with pytest.raises(RefusedTargetError, match="not public"):
        asyncio.run(resolve("example.com", 443, private=False))


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is public when it is checked and local when it is used leads nowhere else."""
    asked: list[Any] = []
    looked_up = socket.getaddrinfo

    def rebind(host: Any, *more: Any, **others: Any) -> Any:
        if host in ("8.8.8.8", b"8.8.8.8"):
            return looked_up(host, *more, **others)
        asked.append(host)
        return looked_up("8.8.8.8" if len(asked) == 1 else "127.0.0.1", *more, **others)

    connected: list[str] = []

    async def connect(_: Any, host: str, *__: Any, **___: Any) -> Any:
        connected.append(host)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    monkeypatch.setattr("httpcore.AnyIOBackend.connect_tcp", connect)
    result = asyncio.run(post_webhook("https://rebound.example/", "whsec_AAAA", "msg_1", 1, b"{}", private=False))

    assert (asked, connected) == (["rebound.example"], ["8.8.8.8"])
    assert not result.delivered


def test_a_local_receiver_gets_nothing(receiver: Receiver) -> None:
    """Without the setting no connection is made, whatever the name says."""
    for host in ("127.0.0.1", "localhost", "2130706433"):
        url = receiver.url.replace("127.0.0.1", host)
        result = asyncio.run(post_webhook(url, "whsec_AAAA", "msg_1", 1, b"{}", private=False))
        assert not result.delivered
        assert result.error == "the host name leads to an address that is not public"

    assert receiver.requests == []


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    """It is a failed attempt like any other answer that is no 2xx."""
    receiver.answer = lambda path, _: 302 if path == "/hook" else 204

    result = asyncio.run(post_webhook(f"{receiver.url}/hook", "whsec_AAAA", "msg_1", 1, b"{}", private=True))

    assert (result.delivered, result.error) == (False, "the receiver answered 302")
    assert [one["path"] for one in receiver.requests] == ["/hook"]
