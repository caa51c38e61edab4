"""Retention: deletion of old records. `python -m functions.store.prune [DAYS]`, 400 days by default.

Bars, insights and accounts stay. With old revisions go the answers to `as_of` from before them. Done again it changes
nothing; it needs the rights of the migration.
"""

from shared.runtime.termination import exit_on_sigterm

if __name__ == "__main__":
    exit_on_sigterm()

import logging
import sys
from datetime import datetime, timedelta
from typing import LiteralString

from shared.connections.single_connection import connect_once
from shared.runtime import clock, log
from shared.runtime.settings import DatabaseSettings, read_settings

DEFAULT_DAYS, MINIMUM_DAYS = 400, 30

_logger = logging.getLogger(__name__)

STATEMENTS: dict[str, LiteralString] = {
    "rejected_bars": "DELETE FROM rejected_bars WHERE received_at < %(before)s",
    "bar_revisions": "DELETE FROM bar_revisions WHERE superseded_at < %(before)s",
    "dead_letters": "DELETE FROM dead_letters WHERE last_at < %(before)s",
    "disagreements": "DELETE FROM disagreements WHERE resolved_at < %(before)s",
    "insight_model_runs": "DELETE FROM insight_model_runs WHERE asked_at < %(before)s",
    "insight_model_calls": "DELETE FROM insight_model_calls WHERE start < %(before)s",
    "alert_deliveries": "DELETE FROM alert_deliveries WHERE created_at < %(before)s AND state <> 'pending'",
    # Without the firing of a rule that fires once the rule would fire again.
    "alert_firings": "DELETE FROM alert_firings WHERE fired_at < %(before)s AND NOT (standing AND period = 'once')",
    "tokens": "DELETE FROM tokens WHERE least(revoked_at, invalidated_at, expires_at) < %(before)s",
}
"""By table. Fetched ranges and overlaps do not grow: one row for each ticker."""


def prune(url: str, before: datetime) -> dict[str, int]:
    """Delete records that ended before that instant, a transaction for each table; return the rows by table.

    Where this machine's clock is ahead of the database's, it is earlier by as much.
    """
    with connect_once(url) as connection:
        [(ahead,)] = connection.execute("SELECT greatest(%s - now(), interval '0')", [clock.now()]).fetchall()
        before -= ahead
        return {table: connection.execute(text, {"before": before}).rowcount for table, text in STATEMENTS.items()}


def parse_days(arguments: list[str]) -> int:
    """Return the age in days that the command line names; ValueError for too few and for no number."""
    days = int(arguments[0]) if arguments else DEFAULT_DAYS
    if days < MINIMUM_DAYS:
        raise ValueError
    return days


if __name__ == "__main__":
    log.configure()
    try:
        days = parse_days(sys.argv[1:])
    except ValueError:
        sys.exit(f"DAYS should be a number of at least {MINIMUM_DAYS}")
    rows = prune(read_settings(DatabaseSettings).database_url.reveal(), clock.now() - timedelta(days=days))
    deleted = ", ".join(f"{count} of {table}" for table, count in rows.items() if count)
    _logger.info("pruned what ended more than %d days ago: %s", days, deleted or "nothing")
