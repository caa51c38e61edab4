"""Model part of /status: results of the sentences that a language model proposed in the last seven days."""

from datetime import datetime, timedelta

from psycopg import AsyncConnection
from psycopg.rows import dict_row

_SPAN = timedelta(days=7)


async def select_model_status(connection: AsyncConnection, now: datetime) -> dict[str, object] | None:
    """Return counts, reasons and the last request; None where no model was asked."""
    cursor = connection.cursor(row_factory=dict_row)
    await cursor.execute(
        """
        WITH run AS MATERIALIZED (
             SELECT *
               FROM insight_model_runs
              WHERE asked_at >= %(since)s
        ), last AS (
             SELECT rfc3339(asked_at) AS asked_at, model, outcome, advice
               FROM run
              ORDER BY run.asked_at DESC
              LIMIT 1
        )
        SELECT (SELECT count(*) FROM run) AS requests,
               (SELECT count(*) FROM run WHERE outcome = 'answered') AS answered,
               (SELECT sum(proposed) FROM run) AS proposed,
               (SELECT sum(accepted) FROM run) AS accepted,
               (SELECT sum(repaired) FROM run) AS repaired,
               (SELECT sum(fallen_back) FROM run) AS fallen_back,
               coalesce((SELECT jsonb_object_agg(code, total)
                           FROM (SELECT code, sum(count::integer) AS total
                                   FROM run
                                  CROSS JOIN jsonb_each_text(run.reasons) AS refused (code, count)
                                  GROUP BY code) AS counted), '{}') AS refused,
               to_jsonb(last) AS last
          FROM last
        """,
        {"since": now - _SPAN},
    )
    return await cursor.fetchone()
