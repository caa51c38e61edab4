"""Rate limits shared by copies through leases, without a server."""

import asyncio
from collections.abc import Callable

import pytest

from shared.auth import rate_limit
from shared.auth.rate_limit import LocalCounters, RateLimit, RateLimiter
from shared.http.problem import Problem


class FakeCounters:
    """Counters without Redis; other copies have counted *others* before."""

    def __init__(self, others: int = 0) -> None:
        self.others = others
        self.added: dict[str, int] = {}

    async def add(self, key: str, amount: int, seconds: int) -> int:
        await asyncio.sleep(0)
        self.added[key] = self.added.get(key, self.others) + amount
        return self.added[key]

    def load_now(self) -> None:
        """Nothing is loaded here."""


@pytest.fixture
def move_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Moves the clock of rate limits by some seconds; it stands at the start of a minute."""
    now = [6000.0]

    class Time:
        time = staticmethod(lambda: now[0])
        monotonic = staticmethod(lambda: now[0])

    monkeypatch.setattr(rate_limit, "time", Time)

    def move(seconds: float) -> None:
        now[0] += seconds

    return move


async def served(limit: RateLimit, requests: int) -> int:
    """The number of sequential requests that are served."""
    count = 0
    for _ in range(requests):
        try:
            await limit.acquire()
        except Problem:
            continue
        count += 1
    return count


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 49, 50, 51, 100, 1000, 20000])
def test_a_single_copy_serves_exactly_the_limit(move_clock: Callable[[float], None], limit: int) -> None:
    """One copy serves one caller the limit to the last request, again in every minute."""

    async def work() -> list[int]:
        caller = RateLimit(FakeCounters(), "x", limit)
        first = await served(caller, limit + 20)
        move_clock(59)
        same = await served(caller, 5)
        move_clock(1)
        return [first, same, await served(caller, limit + 20)]

    assert asyncio.run(work()) == [limit, 0, limit]


@pytest.mark.parametrize("limit", [1, 10, 100, 300, 3000])
def test_a_copy_that_starts_late_serves_little_on_credit(move_clock: Callable[[float], None], limit: int) -> None:
    """A new copy serves at most a hundredth, or one request, in a minute that others have used up."""
    count = asyncio.run(served(RateLimit(FakeCounters(limit), "x", limit), limit + 20))

    assert 0 < count <= max(limit // 100, 1)


@pytest.mark.parametrize("copies", [2, 4, 20])
def test_copies_share_one_limit(move_clock: Callable[[float], None], copies: int) -> None:
    """All copies together serve the limit and not more."""
    limit = 1000

    async def work() -> int:
        shared = FakeCounters()
        return sum(await asyncio.gather(*(served(RateLimit(shared, "x", limit), limit) for _ in range(copies))))

    assert limit * 0.95 <= asyncio.run(work()) <= limit


def test_a_lease_of_the_previous_minute_does_not_count(move_clock: Callable[[float], None]) -> None:
    """A lease that arrives after its minute admits nothing in the next one."""

    async def work() -> int:
        caller = RateLimit(FakeCounters(), "x", 100)
        assert caller.try_acquire(6000.0)
        await asyncio.sleep(0)  # the lease is in flight
        move_clock(60)
        return await served(caller, 120)

    assert asyncio.run(work()) == 100


def test_many_keys_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rate limits and local counters keep a bounded number of keys."""
    monkeypatch.setattr(rate_limit, "_MAX_LIMITS", 100)
    monkeypatch.setattr(rate_limit, "_MAX_COUNTERS", 100)
    limiter, local = RateLimiter(FakeCounters()), LocalCounters()

    async def work() -> None:
        for number in range(1_000):
            limiter.for_key(f"address:{number}", 300)
            await local.add(f"{number}", 1, 60)

    asyncio.run(work())

    assert len(limiter._limits) == 100
    assert len(local._counts) == 100
