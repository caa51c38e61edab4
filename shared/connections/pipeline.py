"""Transaction whose statements are sent without waiting for the ones before: most of a small one's time is waiting.

`execute` returns once a statement is sent, `fetchall` waits for its rows, and the rowcount is not known before that. An
error of the server comes out of whatever waits next, at the latest at the end.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg import AsyncConnection, AsyncCursor

T = TypeVar("T")


class Sent(NamedTuple, Generic[T]):
    """A statement that was sent, and how its rows are read."""

    cursor: AsyncCursor[Any]
    read: Callable[[Sequence[Any]], T]

    async def result(self) -> T:
        """Wait for the rows, and return what they say."""
        return self.read(await self.cursor.fetchall())


@asynccontextmanager
async def pipelined_transaction(connection: AsyncConnection) -> AsyncIterator[None]:
    """Run one transaction of *connection* (which has autocommit) as a pipeline; it is committed at the end.

    No error may be caught inside: the server ignores what follows one, COMMIT and ROLLBACK too.
    """
    try:
        async with connection.pipeline():
            # psycopg's own transaction waits after BEGIN and before COMMIT.
            await connection.execute("BEGIN")
            yield
            await connection.execute("COMMIT")
    except BaseException:
        if not connection.closed:
            await connection.rollback()
        raise
