"""How copies share a limit by leases, and whose request it is: both without a server."""

import asyncio
from collections.abc import Callable

import pytest

from shared.auth import rate_limit as quotas
from shared.auth.client_address import ClientAddresses
from shared.auth.rate_limit import RateLimit, RateLimiter
from shared.http.problem import Problem


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
        (1, (), b"::ffff:203.0.113.9", "127.0.0.1", "203.0.113.9"),
        (1, (), b"\xff\x00, 203.0.113.9\x00", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_whose_request_it_is(
    hops: int, networks: tuple[str, ...], forwarded: bytes | None, peer: str, client: str
) -> None:
    """The address that the trusted proxies saw; what a client writes itself is never believed."""
    assert ClientAddresses(hops, networks).client(forwarded, peer) == client


class FakeCounts:
    """Counters without Redis; *others* have counted so many before."""

    def __init__(self, others: int = 0) -> None:
        self.others = others
        self.added: dict[str, int] = {}

    async def add(self, name: str, amount: int, seconds: int) -> int:
        await asyncio.sleep(0)
        self.added[name] = self.added.get(name, self.others) + amount
        return self.added[name]

    def hurry(self) -> None:
        """Nobody is slow here."""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A function that moves the clock of quotas by some seconds; it stands at the start of a minute."""
    now = [6000.0]

    class Time:
        time = staticmethod(lambda: now[0])
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(quotas, "time", Time)

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


async def served(quota: RateLimit, requests: int) -> int:
    """How many of so many requests are served, one after the other."""
    count = 0
    for _ in range(requests):
        try:
            await quota.admit()
        except Problem:
            continue
        count += 1
    return count


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 49, 50, 51, 100, 1000, 20000])
def test_alone_one_gets_exactly_the_limit(clock: Callable[[float], None], limit: int) -> None:
    """One copy, one caller: the limit to the last request, in every minute anew."""

    async def work() -> list[int]:
        quota = RateLimit(FakeCounts(), "x", limit)  # pyright: ignore[reportArgumentType]
        first = await served(quota, limit + 20)
        clock(59)
        same = await served(quota, 5)
        clock(1)
        return [first, same, await served(quota, limit + 20)]

    assert asyncio.run(work()) == [limit, 0, limit]


@pytest.mark.parametrize("limit", [1, 10, 100, 300, 3000])
def test_a_copy_that_starts_late_gives_little_away(clock: Callable[[float], None], limit: int) -> None:
    """Where others have used the minute up, a new copy serves a hundredth on credit at most, or one request."""

    async def work() -> int:
        quota = RateLimit(FakeCounts(limit), "x", limit)  # pyright: ignore[reportArgumentType]
        return await served(quota, limit + 20)

    assert 0 < asyncio.run(work()) <= max(limit // 100, 1)


@pytest.mark.parametrize("copies", [2, 4, 20])
def test_copies_share_one_limit(clock: Callable[[float], None], copies: int) -> None:
    """However many copies lease from one count, all together serve the limit and not more."""
    limit = 1000

    async def work() -> int:
        counts = FakeCounts()
        each = [RateLimit(counts, "x", limit) for _ in range(copies)]  # pyright: ignore[reportArgumentType]
        return sum(await asyncio.gather(*(served(quota, limit) for quota in each)))

    count = asyncio.run(work())
    assert limit * 0.95 <= count <= limit


def test_a_lease_from_the_minute_before_counts_for_nothing(clock: Callable[[float], None]) -> None:
    """An answer of Redis that comes after the minute has ended gives no requests away in the next one."""

    async def work() -> int:
        quota = RateLimit(FakeCounts(), "x", 100)  # pyright: ignore[reportArgumentType]
        assert quota.take(6000.0)
        await asyncio.sleep(0)  # the question is on its way
        clock(60)
        return await served(quota, 120)

    assert asyncio.run(work()) == 100


def test_a_flood_of_addresses_does_not_fill_the_memory() -> None:
    """Of those who have not asked in this minute nothing is kept, and of all others only so many."""
    some = RateLimiter(FakeCounts())  # pyright: ignore[reportArgumentType]
    for number in range(50_000):
        some.of(f"address:{number}", 300)

    assert len(some._quotas) <= 20_000
