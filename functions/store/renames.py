"""Renamed tickers: the history moves to the new name, in the transaction of the migration; idempotent."""

from collections.abc import Mapping

from psycopg import Connection


def rename_tickers(connection: Connection, renames: Mapping[str, str]) -> int:
    """Move the bars of each old ticker to its new one, and return how many tickers changed.

    Of two bars of the same start, that of the new name is current; the other stays under the old name.
    """
    return sum(_rename(connection, old, new) for old, new in renames.items())


def _rename(connection: Connection, old: str, new: str) -> bool:
    names = {"old": old, "new": new}
    connection.execute(
        """
        INSERT INTO tickers (ticker, name)
             SELECT %(new)s, name
               FROM tickers
              WHERE ticker = %(old)s
        ON CONFLICT DO NOTHING
        """,
        names,
    )
    # A name that is in use again no longer counts as renamed: otherwise each would redirect to the other.
    connection.execute("UPDATE tickers SET renamed_to = NULL WHERE ticker = %(new)s", names)
    marked = connection.execute(
        """
        UPDATE tickers
           SET renamed_to = %(new)s
         WHERE ticker = %(old)s
           AND renamed_to IS DISTINCT FROM %(new)s
        """,
        names,
    )
    if not marked.rowcount:
        return False
    connection.execute(
        """
        CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
        SELECT interval, start
          FROM bars AS bar
         WHERE ticker = %(old)s
           AND NOT EXISTS (SELECT
                             FROM bars AS other
                            WHERE other.ticker = %(new)s
                              AND other.interval = bar.interval
                              AND other.start = bar.start)
        """,
        names,
    )
    _move_bars(connection, names)
    connection.execute("DROP TABLE moved")
    connection.execute(
        """
        UPDATE splits AS split
           SET ticker = %(new)s
         WHERE ticker = %(old)s
           AND NOT EXISTS (SELECT
                             FROM splits AS other
                            WHERE other.ticker = %(new)s
                              AND other.date = split.date)
        """,
        names,
    )
    _move_firings(connection, names)
    # Fetched ranges of the old name do not hold for the new one, which is requested again.
    connection.execute("DELETE FROM asked_windows WHERE ticker = %(old)s", names)
    return True


def _move_firings(connection: Connection, names: Mapping[str, str]) -> None:
    """Move firings from the old name to the new one, under which rules are evaluated.

    Rules and lists keep the name that their owner gave: they are read through `renamed_to`. Of two firings of a rule,
    that of the new name is current; the other stays in the history and is not evaluated again, as its bar has moved.
    """
    connection.execute(
        """
        UPDATE alert_firings AS firing
           SET ticker = %(new)s
         WHERE ticker = %(old)s
           AND NOT EXISTS (SELECT
                             FROM alert_firings AS other
                            WHERE other.rule_id = firing.rule_id
                              AND other.ticker = %(new)s
                              AND (other.interval = firing.interval AND other.start = firing.start
                                   OR other.standing AND firing.standing AND other.period = firing.period))
        """,
        names,
    )
    connection.execute("UPDATE alert_firings SET standing = false WHERE ticker = %(old)s AND standing", names)


def _move_bars(connection: Connection, names: Mapping[str, str]) -> None:
    """Move the bars in the table `moved`, and their revisions, which refer to them."""
    connection.execute(
        """
        INSERT INTO bars
        SELECT (jsonb_populate_record(bar, jsonb_build_object('ticker', %(new)s::text))).*
          FROM bars AS bar
          JOIN moved USING (interval, start)
         WHERE bar.ticker = %(old)s
        """,
        names,
    )
    connection.execute(
        """
        UPDATE bar_revisions AS revision
           SET ticker = %(new)s
          FROM moved
         WHERE revision.ticker = %(old)s
           AND revision.interval = moved.interval
           AND revision.start = moved.start
        """,
        names,
    )
    connection.execute(
        """
        DELETE FROM bars AS bar
         USING moved
         WHERE bar.ticker = %(old)s
           AND bar.interval = moved.interval
           AND bar.start = moved.start
        """,
        names,
    )
