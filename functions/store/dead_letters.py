"""Dead letters: events that could not be handled, stored whole for inspection and replay."""

from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from shared.events.cloudevents import Received
from shared.runtime import clock


def dead_letter_reason(event: Received) -> str:
    """Return why the broker gave *event* up, from the extensions that Knative adds (knativeerrordest, -code, -data)."""
    attributes = event.attributes
    subscriber = attributes.get("knativeerrordest", "an unnamed subscriber")
    if error := attributes.get("knativeerrordata"):  # the subscriber succeeded, and its reply failed
        return f"{subscriber}: {error}"
    return f"{subscriber} answered {attributes.get('knativeerrorcode', 'nothing')} until the retries were used up"


async def upsert_dead_letter(connection: AsyncConnection, event: Received, reason: str) -> None:
    """Insert *event* with its attributes and data as they came; a repeated one is counted and its reason updated."""
    attributes = {_text(name): _text(value) for name, value in event.attributes.items()}
    await connection.execute(
        """
        INSERT INTO dead_letters AS known (source, event_id, type, attributes, data, reason, first_at, last_at)
             VALUES (%(source)s, %(event_id)s, %(type)s, %(attributes)s, %(data)s, %(reason)s, %(now)s, %(now)s)
        ON CONFLICT (source, event_id, type) DO UPDATE
                SET attributes = excluded.attributes,
                    data = excluded.data,
                    reason = excluded.reason,
                    arrivals = known.arrivals + 1,
                    last_at = excluded.last_at
        """,
        {
            "source": attributes["source"],
            "event_id": attributes["id"],
            "type": attributes["type"],
            "attributes": Jsonb(attributes),
            "data": event.data,
            "reason": _text(reason),
            "now": clock.now(),
        },
    )


async def delete_replayed(connection: AsyncConnection, event: Received) -> None:
    """Delete the dead letter that *event* is a replay of; idempotent."""
    await connection.execute(
        """
        DELETE FROM dead_letters
              WHERE source = %(source)s
                AND event_id = %(event_id)s
                AND type = %(type)s
        """,
        {"source": _text(event.attributes["source"]), "event_id": _text(event.id), "type": _text(event.type)},
    )


async def select_dead_letters(connection: AsyncConnection) -> str:
    """Return the dead letters, oldest first and a thousand at most, as JSON: event, reason, number of times."""
    cursor = await connection.execute(
        """
        SELECT json_build_object(
                   'count', (SELECT count(*) FROM dead_letters),
                   'items', coalesce(json_agg(letter ORDER BY letter.first_at, letter.id), '[]'))::text
          FROM (SELECT id, type, source, event_id, reason, arrivals, first_at, last_at, attributes,
                       left(encode(data, 'escape'), 1000) AS data
                  FROM dead_letters
                 ORDER BY first_at, id
                 LIMIT 1000) AS letter
        """
    )
    row = await cursor.fetchone()
    assert row is not None, "an aggregate has one row"  # noqa: S101
    return row[0]


def _text(text: str) -> str:
    """Return *text* without characters that Postgres cannot store, NUL and halves of surrogate pairs."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()
