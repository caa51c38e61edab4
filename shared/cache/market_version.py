"""The market epoch: a number that grows with every change of market data, so that cached answers know their age.

The truth is one row in Postgres, written in store's own transaction. Redis holds a copy that lives five seconds: a copy
that could not be written costs a reader at most that much.
"""

from typing import TYPE_CHECKING

from psycopg import AsyncConnection

if TYPE_CHECKING:
    from redis.asyncio import Redis

KEY = "market:epoch"
LIFETIME_SECONDS = 5

# Two stores may commit in one order and publish in the other: the copy never goes back.
_PUBLISH = """
local copy = redis.call('GET', KEYS[1])
if copy and tonumber(copy) >= tonumber(ARGV[1]) then return copy end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return ARGV[1]
"""


async def bump_epoch(connection: AsyncConnection) -> int:
    """Raise the epoch within the caller's transaction, as its last statement: it locks the row until the commit."""
    cursor = await connection.execute("SELECT raise_epoch()")
    row = await cursor.fetchone()
    assert row is not None, "the migration inserts the one row"  # noqa: S101
    return row[0]


async def select_epoch(connection: AsyncConnection) -> int:
    """Return the committed epoch."""
    cursor = await connection.execute("SELECT epoch FROM market_epoch")
    row = await cursor.fetchone()
    assert row is not None, "the migration inserts the one row"  # noqa: S101
    return row[0]


async def publish_epoch(redis: "Redis", epoch: int) -> int:
    """Tell all readers of *epoch*; return the newest one known. redis.RedisError when Redis is down."""
    return int(await redis.eval(_PUBLISH, 1, KEY, epoch, LIFETIME_SECONDS))  # pyright: ignore[reportGeneralTypeIssues]


async def read_epoch(redis: "Redis") -> int | None:
    """Return Redis's copy of the epoch, None when it has run out. redis.RedisError when Redis is down."""
    copy = await redis.get(KEY)
    return None if copy is None else int(copy)
