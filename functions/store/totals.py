"""Counters of the results of events, written in the transaction of each event: a process would lose its counts."""

from psycopg import AsyncConnection

from shared.events.types import BarsStored


async def add_to_totals(connection: AsyncConnection, source: str, summary: BarsStored) -> None:
    """Add *summary* of an event of *source* to its totals."""
    await connection.execute(
        """
        INSERT INTO store_totals AS total (source, events, inserted, revised, unchanged, rejected)
             VALUES (%(source)s, 1, %(inserted)s, %(revised)s, %(unchanged)s, %(rejected)s)
        ON CONFLICT (source) DO UPDATE
                SET events = total.events + 1,
                    inserted = total.inserted + excluded.inserted,
                    revised = total.revised + excluded.revised,
                    unchanged = total.unchanged + excluded.unchanged,
                    rejected = total.rejected + excluded.rejected
        """,
        {
            "source": source,
            "inserted": summary.inserted,
            "revised": summary.revised,
            "unchanged": summary.unchanged,
            "rejected": summary.rejected,
        },
    )
