"""The tickers that are tracked, and a small catalogue of the top 50 so that profiles are there without any key."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from psycopg import Connection

from shared.calendar.trading import EXCHANGE_ZONE
from shared.runtime import clock

SOURCE = "catalogue"
WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)
"""Date of the figures in catalogue.csv."""


def read_catalogue() -> list[dict[str, str | None]]:
    """Return the rows of catalogue.csv by column; None where a cell is empty."""
    with (Path(__file__).parent / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return [{column: cell or None for column, cell in row.items()} for row in csv.DictReader(file)]


def upsert_catalogue(connection: Connection, companies: Sequence[dict[str, str | None]]) -> int:
    """Upsert *companies* unless another source is newer, and return the number of changed rows."""
    with connection.cursor() as cursor:
        cursor.executemany(
            """
            INSERT INTO tickers (ticker, name)
                 VALUES (%(ticker)s, %(name)s)
            ON CONFLICT (ticker) DO UPDATE
                    SET name = excluded.name
                  WHERE tickers.name <> excluded.name
                    AND NOT EXISTS (SELECT
                                      FROM companies
                                     WHERE companies.ticker = excluded.ticker
                                       AND companies.source <> %(source)s)
            """,
            [company | {"source": SOURCE} for company in companies],
        )
        changed = cursor.rowcount
        cursor.executemany(
            """
            INSERT INTO companies (ticker, name, exchange, industry, country, currency, ipo, website,
                                   market_cap_millions, shares_millions, source, fetched_at)
                 VALUES (%(ticker)s, %(name)s, %(exchange)s, %(industry)s, %(country)s, %(currency)s, %(ipo)s::date,
                         %(website)s, %(market_cap_millions)s::numeric, %(shares_millions)s::numeric, %(source)s,
                         %(fetched_at)s)
            ON CONFLICT (ticker) DO UPDATE
                    SET name = excluded.name,
                        exchange = excluded.exchange,
                        industry = excluded.industry,
                        country = excluded.country,
                        currency = excluded.currency,
                        ipo = excluded.ipo,
                        website = excluded.website,
                        market_cap_millions = excluded.market_cap_millions,
                        shares_millions = excluded.shares_millions,
                        fetched_at = excluded.fetched_at
                  WHERE companies.source = excluded.source
                    AND companies.* IS DISTINCT FROM excluded.*
            """,
            [company | {"source": SOURCE, "fetched_at": WRITTEN} for company in companies],
        )
        return changed + cursor.rowcount


def activate(connection: Connection, tickers: Sequence[str]) -> int:
    """Make exactly *tickers* the active ones; an unknown one is added under its own name. Return how many changed.

    psycopg.errors.CheckViolation for an invalid ticker. The bars of other tickers stay.
    """
    added = connection.execute(
        """
        INSERT INTO tickers (ticker, name)
             SELECT ticker, ticker
               FROM unnest(%(tickers)s::text[]) AS wanted (ticker)
        ON CONFLICT DO NOTHING
        """,
        {"tickers": list(tickers)},
    )
    turned = connection.execute(
        """
        UPDATE tickers
           SET active = NOT active,
               ended_on = CASE WHEN active THEN %(today)s::date END
         WHERE active <> (ticker = ANY (%(tickers)s::text[]))
        """,
        {"tickers": list(tickers), "today": clock.now().astimezone(EXCHANGE_ZONE).date()},
    )
    return added.rowcount + turned.rowcount
