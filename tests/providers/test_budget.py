"""No provider is asked for more than its budget allows, however many copies ask."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.providers.credits import AllKeysSuspended, CreditBudget
from shared.runtime.settings import Secret
from tests.fake_vendors import KEY, OTHER_KEY, Hands, utc


class TestBudget:
    """Credits in Redis, shared by all copies."""

    def run(self, redis_url: str, work: Callable[[Redis], Awaitable[Any]]) -> Any:
        async def worked() -> Any:
            async with Redis.from_url(redis_url) as redis:
                return await work(redis)

        return asyncio.run(worked())

    def test_twenty_copies_together_take_no_more_than_there_is(self, redis_url: str, hands: Hands) -> None:
        """However many ask at once, a minute's grants add up to the limit, whichever keys they come from."""

        async def work(redis: Redis) -> list[int]:
            keys = [Secret(KEY), Secret(OTHER_KEY)]
            copies = [CreditBudget(redis, "twelvedata", keys, 8, 800) for _ in range(20)]
            granted = await asyncio.gather(*(copy.acquire(3) for copy in copies))
            return [grant.credits for grants in granted for grant in grants]

        assert sum(self.run(redis_url, work)) == 16

    def test_no_more_is_charged_than_was_wanted(self, redis_url: str, hands: Hands) -> None:
        """The second key pays only for what the first has no credits for."""

        async def work(redis: Redis) -> list[list[int]]:
            budget = CreditBudget(redis, "twelvedata", [Secret(KEY), Secret(OTHER_KEY)], 8, 800)
            return [[grant.credits for grant in await budget.acquire(wanted)] for wanted in (3, 7, 20)]

        assert self.run(redis_url, work) == [[3], [5, 2], [6]]

    def test_the_end_of_a_minute_is_charged_to_both(self, redis_url: str, hands: Hands) -> None:
        """A request that is under way when the minute ends may be counted in the next one: both have room for it."""

        async def work(redis: Redis) -> list[int]:
            budget, granted = CreditBudget(redis, "twelvedata", [Secret(KEY)], 8, 800), []
            for at in ("12:00:55", "12:01:01", "12:01:52", "12:02:00"):
                hands.at = utc(f"2026-11-21 {at}")
                granted.append(sum(grant.credits for grant in await budget.acquire(5)))
            return granted

        assert self.run(redis_url, work) == [5, 3, 0, 5]

    def test_a_day_has_an_end(self, redis_url: str, hands: Hands) -> None:
        """After the day's credits nothing is granted until midnight UTC."""

        async def work(redis: Redis) -> list[int]:
            budget, granted = CreditBudget(redis, "twelvedata", [Secret(KEY)], 8, 20), []
            for at in ("21 12:00", "21 12:01", "21 12:02", "21 12:03", "22 00:00"):
                hands.at = utc(f"2026-11-{at}")
                granted.append(sum(grant.credits for grant in await budget.acquire(50)))
            return granted

        assert self.run(redis_url, work) == [8, 8, 4, 0, 8]

    def test_no_key_is_written_to_redis(self, redis_url: str, hands: Hands) -> None:
        """Redis knows keys by a short hash."""

        async def work(redis: Redis) -> str:
            budget = CreditBudget(redis, "twelvedata", [Secret(KEY)], 8, 800)
            for grant in await budget.acquire(1):
                await budget.mark_spent(grant, "day")
                await budget.suspend(grant)
            with pytest.raises(AllKeysSuspended):
                await budget.acquire(1)
            names = [key.decode() async for key in redis.scan_iter("credits:*")]
            return str([(name, await redis.dump(name)) for name in names])

        written = self.run(redis_url, work)
        assert KEY not in written
        assert written.count("credits:twelvedata:") == 4

    def test_a_pause_that_a_clock_ahead_recorded_does_not_count(self, redis_url: str, hands: Hands) -> None:
        """Put back by two hours, the clock lies before the pause's beginning."""

        async def work(redis: Redis) -> int:
            budget = CreditBudget(redis, "twelvedata", [Secret(KEY)], 8, 800)
            (grant,) = await budget.acquire(1)
            await budget.suspend(grant)
            hands.forward(hours=-2)
            return sum(grant.credits for grant in await budget.acquire(1))

        assert self.run(redis_url, work) == 1

    def test_credits_never_come_back_within_the_window(self, redis_url: str, hands: Hands) -> None:
        """Noting what the vendor says never lowers a count: requests under way are in ours and not yet in theirs."""

        async def work(redis: Redis) -> list[Any]:
            budget = CreditBudget(redis, "twelvedata", [Secret(KEY)], 8, 800)
            (grant,) = await budget.acquire(6)
            await budget.mark_spent(grant, "minute", left=7)
            return [grant.credits for grant in await budget.acquire(8)]

        assert self.run(redis_url, work) == [2]
