"""Company profiles: the newest response of a provider replaces the one before, and the catalogue's."""

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import scalar_row

from shared.cache.market_version import raise_market_version
from shared.events.types import CompaniesFetched, Company


async def store_companies(connection: AsyncConnection, fetched: CompaniesFetched) -> tuple[int | None, list[str]]:
    """Store *fetched* in one transaction of *connection* (which has autocommit).

    Return the new epoch, None if nothing changed, and the tickers that are not tracked.
    """
    companies = {_clean(company.ticker): _without_nul(company) for company in fetched.companies}
    async with connection.transaction():
        known = await lock_tickers(connection, sorted(companies))
        changed = await upsert_companies(connection, fetched, [companies[ticker] for ticker in known])
        changed += await update_company_names(connection, known)
        epoch = await raise_market_version(connection) if changed else None
    return epoch, sorted(companies.keys() - set(known))


async def lock_tickers(connection: AsyncConnection, tickers: list[str]) -> list[str]:
    """Return which of *tickers* are known, locked in order until the transaction ends."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        SELECT ticker
          FROM tickers
         WHERE ticker = ANY (%(tickers)s::text[])
         ORDER BY ticker
           FOR NO KEY UPDATE
        """,
        {"tickers": tickers},
    )
    return await cursor.fetchall()


async def upsert_companies(connection: AsyncConnection, fetched: CompaniesFetched, companies: list[Company]) -> int:
    """Upsert *companies* that are not older than the stored ones, and return the number of changed rows."""
    cursor = await connection.execute(
        """
        INSERT INTO companies AS stored (ticker, name, exchange, industry, country, currency, ipo, website, logo, phone,
                                       market_cap_millions, shares_millions, source, fetched_at)
             SELECT ticker, name, exchange, industry, country, currency, ipo, website, logo, phone,
                    trim_scale(market_cap_millions), trim_scale(shares_millions), %(source)s, %(fetched_at)s
               FROM jsonb_to_recordset(%(companies)s::jsonb)
                    AS batch (ticker text, name text, exchange text, industry text, country text, currency text,
                             ipo date, website text, logo text, phone text, market_cap_millions numeric,
                             shares_millions numeric)
        ON CONFLICT (ticker) DO UPDATE
                SET name = excluded.name,
                    exchange = excluded.exchange,
                    industry = excluded.industry,
                    country = excluded.country,
                    currency = excluded.currency,
                    ipo = excluded.ipo,
                    website = excluded.website,
                    logo = excluded.logo,
                    phone = excluded.phone,
                    market_cap_millions = excluded.market_cap_millions,
                    shares_millions = excluded.shares_millions,
                    source = excluded.source,
                    fetched_at = excluded.fetched_at
              WHERE (stored.source = 'catalogue' OR stored.fetched_at <= excluded.fetched_at)
                AND stored.* IS DISTINCT FROM excluded.*
        """,
        {
            "source": fetched.source,
            "fetched_at": fetched.fetched_at,
            "companies": msgspec.json.encode(companies).decode(),
        },
    )
    return cursor.rowcount


async def update_company_names(connection: AsyncConnection, tickers: list[str]) -> int:
    """Update the company names of *tickers*, and return the number that changed."""
    cursor = await connection.execute(
        """
        UPDATE tickers
           SET name = companies.name
          FROM companies
         WHERE companies.ticker = tickers.ticker
           AND tickers.ticker = ANY (%(tickers)s::text[])
           AND tickers.name <> companies.name
        """,
        {"tickers": tickers},
    )
    return cursor.rowcount


def _without_nul(company: Company) -> Company:
    """Return *company* without NUL in its texts, which Postgres cannot hold."""
    texts = {name: _clean(value) for name, value in msgspec.structs.asdict(company).items() if isinstance(value, str)}
    return msgspec.structs.replace(company, **texts)


def _clean(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
