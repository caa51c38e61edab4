"""Check after a restore: `python -m functions.token.after_restore LOG ...` lists the undone security events.

LOG is a file with the function's log, - for standard input. `--end-all` ends all logins and tokens instead. Both use
DATABASE_URL; repeating them changes nothing.
"""

import fileinput
import json
import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from psycopg import Connection

from shared.connections.single_connection import connect_once
from shared.runtime.settings import DatabaseSettings, read_settings

_LINE = re.compile(r"(password changed|token revoked|tokens revoked|account deleted) account=(\S{1,64})(.{0,500})")
_TOKEN = re.compile(r" token_id=(\S{1,64})")


class SecurityEvent(NamedTuple):
    """An event that a restore undoes; *token_id* is set if it concerns one token."""

    at: datetime
    event: str
    account: str
    token_id: str | None


def read_events(lines: Iterable[str]) -> Iterator[SecurityEvent]:
    """Yield the events of the logger `security` that a restore undoes; other lines are ignored."""
    for line in lines:
        try:
            entry = json.loads(line)
            at = datetime.fromisoformat(entry["time"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        match = _LINE.match(str(entry.get("message"))) if entry.get("logger") == "security" else None
        if match:
            token = _TOKEN.search(match[3])
            yield SecurityEvent(at, match[1], match[2], token and token[1])


def find_undone(connection: Connection, events: Iterable[SecurityEvent]) -> list[str]:
    """Return a sentence for each of *events* that the database lacks."""
    sentences = {
        "account deleted": "account {0.account} was deleted at {0.at}, and is there again",
        "token revoked": "token {0.token_id} of account {0.account} was revoked at {0.at}, and is valid again",
        "tokens revoked": "tokens of account {0.account} were revoked at {0.at}, and some of before are valid again",
        "password changed": "the password of account {0.account} was changed at {0.at}: the old one may be valid again",
    }
    found: list[str] = []
    for event in events:
        row = connection.execute(
            """
            SELECT CASE %(event)s
                   WHEN 'token revoked'
                   THEN EXISTS (SELECT FROM tokens
                                 WHERE token_id::text = %(token_id)s AND revoked_at IS NULL AND expires_at > now())
                   WHEN 'tokens revoked'
                   THEN EXISTS (SELECT FROM tokens
                                 WHERE user_id::text = %(account)s AND created_at < %(at)s AND is_login
                                   AND revoked_at IS NULL AND expires_at > now())
                   ELSE EXISTS (SELECT FROM users WHERE user_id::text = %(account)s)
                   END
            """,
            event._asdict(),
        ).fetchone()
        if row and row[0]:
            found.append(sentences[event.event].format(event))
    return found


def end_all(connection: Connection) -> int:
    """Revoke all logins and tokens, and return their number; readers see it within six seconds."""
    return connection.execute("UPDATE tokens SET revoked_at = now() WHERE revoked_at IS NULL").rowcount


def main(arguments: list[str]) -> str:
    """Return the output of the command line."""
    parser = ArgumentParser(prog="python -m functions.token.after_restore", description=__doc__)
    parser.add_argument("logs", nargs="*", metavar="LOG")
    parser.add_argument("--end-all", action="store_true", help="end all logins and tokens")
    parser.add_argument("--since", type=datetime.fromisoformat, help="only events from then: the time of the backup")
    given = parser.parse_args(arguments)
    if bool(given.logs) == given.end_all:
        parser.error("name the log files, or --end-all")
    url = read_settings(DatabaseSettings).database_url.reveal()
    with connect_once(url) as connection:
        if given.end_all:
            return f"ended {end_all(connection)} logins and tokens"
        with fileinput.input(given.logs, encoding="utf-8", errors="replace") as lines:
            events = [one for one in read_events(lines) if given.since is None or one.at >= given.since]
        return "\n".join(find_undone(connection, events)) or f"{len(events)} events, and all of them still hold"


if __name__ == "__main__":
    sys.stdout.write(f"{main(sys.argv[1:])}\n")
