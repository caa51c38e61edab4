"""Pipelined transaction: statements are sent without waiting for earlier results, as waiting takes most of its time.

`execute` returns once a statement is sent, `fetchall` waits for its rows, and the rowcount is not known before that. An
error of the server is raised by the next wait, at the latest at the end.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Generic, NamedTuple, TypeVar

from psycopg import AsyncConnection, AsyncCursor

T = TypeVar("T")


class PendingResult(NamedTuple, Generic[T]):
    """Result of a statement that was sent but not awaited; *read* turns its rows into a value."""

    cursor: AsyncCursor[Any]
    read: Callable[[Sequence[Any]], T]

    async def result(self) -> T:
        """Wait for the rows and return the value read from them."""
        return self.read(await self.cursor.fetchall())


@asynccontextmanager
async def pipelined_transaction(connection: AsyncConnection) -> AsyncIterator[None]:
    """Run one transaction of *connection* (which has autocommit) as a pipeline; it is committed at the end.

    No error may be caught inside: after one the server ignores all further statements, COMMIT and ROLLBACK too.
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
