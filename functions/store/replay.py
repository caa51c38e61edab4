"""Replay of dead letters: `python -m functions.store.replay BROKER [ID ...]`, once their cause is fixed.

Each goes to the broker as it first came, so that every Trigger that it matches gets it; a function that has handled it
before changes nothing. One that fails again is a dead letter again.

A broker can lose an event that it has accepted. So a dead letter that store handles is deleted by store, after its
effect; until then each replay sends it again. Any other event only makes a function look for what is missing, as the
next tick does: replay deletes it once the broker has accepted it.
"""

from shared.runtime.termination import exit_on_sigterm

if __name__ == "__main__":
    exit_on_sigterm()

import logging
import sys
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote

from psycopg import Connection
from psycopg.rows import class_row

from shared.connections.single_connection import connect_once
from shared.events.types import BarsFetched, CompaniesFetched
from shared.runtime import log
from shared.runtime.settings import DatabaseSettings, read_settings

_logger = logging.getLogger(__name__)
_ADDED_BY_THE_BROKER = ("knativeerrordest", "knativeerrorcode", "knativeerrordata")
_DELETED_BY_STORE = (BarsFetched.TYPE, CompaniesFetched.TYPE)
_PATIENCE_SECONDS = 10
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
"""Characters a header may hold unescaped; percent signs too, because an encoded value stays encoded."""


class DeadLetter(NamedTuple):
    """An event that could not be handled."""

    id: int
    type: str
    attributes: dict[str, str]
    data: bytes
    reason: str


class SendError(RuntimeError):
    """The broker did not accept the event; the message says why."""


def replay(database_url: str, broker: str, ids: Sequence[int] = ()) -> list[DeadLetter]:
    """Send the dead letters *ids* (none: all) to the address *broker*, oldest first; return those that were sent.

    SendError or psycopg.Error ends it; what was sent before stays sent.
    """
    sent: list[DeadLetter] = []
    with connect_once(database_url) as connection:
        for letter in select_letters_to_send(connection, ids):
            _send(letter, broker)
            if letter.type not in _DELETED_BY_STORE:
                delete_dead_letter(connection, letter)
            _logger.info("sent %s %s again: %s", letter.type, letter.attributes.get("id"), letter.reason)
            sent.append(letter)
    return sent


def select_letters_to_send(connection: Connection, ids: Sequence[int]) -> list[DeadLetter]:
    """Return the dead letters *ids*, or all, oldest first."""
    cursor = connection.cursor(row_factory=class_row(DeadLetter))
    cursor.execute(
        """
        SELECT id, type, attributes, data, reason
          FROM dead_letters
         WHERE cardinality(%(ids)s::bigint[]) = 0
            OR id = ANY (%(ids)s)
         ORDER BY first_at, id
        """,
        {"ids": list(ids)},
    )
    return cursor.fetchall()


def delete_dead_letter(connection: Connection, letter: DeadLetter) -> None:
    """Delete *letter*, unless it came again meanwhile with another reason."""
    connection.execute(
        "DELETE FROM dead_letters WHERE id = %(id)s AND reason = %(reason)s", {"id": letter.id, "reason": letter.reason}
    )


def _send(letter: DeadLetter, broker: str) -> None:
    """POST *letter* in binary mode; SendError unless the broker accepts it."""
    attributes = {name: value for name, value in letter.attributes.items() if name not in _ADDED_BY_THE_BROKER}
    if letter.type in _DELETED_BY_STORE:
        attributes["replayed"] = "true"
    content_type = attributes.pop("datacontenttype", "application/json")
    headers = {f"ce-{name}": quote(value, safe=_PRINTABLE) for name, value in attributes.items()}
    request = urllib.request.Request(  # noqa: S310  the operator's own address
        broker, bytes(letter.data), {**headers, "Content-Type": content_type}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310
            status = answer.status
    except urllib.error.HTTPError as error:
        raise SendError(f"{broker} answered {error.code} to dead letter {letter.id}") from error
    except OSError as error:
        raise SendError(f"{broker} does not answer: {error}") from error
    if status != 202:
        raise SendError(f"{broker} answered {status} to dead letter {letter.id}; a broker answers 202")


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit code."""
    log.configure()
    broker, *ids = arguments
    try:
        sent = replay(read_settings(DatabaseSettings).database_url.reveal(), broker, [int(one) for one in ids])
    except SendError as error:
        _logger.error("%s", error)
        return 1
    _logger.info("%d dead letters sent again", len(sent))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
