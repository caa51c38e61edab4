"""Evaluation of alerts: one hour's event of 50 stocks against many rules, and the same with fewer.

`python -m benchmarks.alerts [--rules 10000] [--rounds 7]`. A year of hourly bars of all stocks, and rules of every kind
that bars are evaluated by; the event is one of ingest's: the newest hour and the ten bars before it.
"""

import argparse
import asyncio
import time
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import psutil
import psycopg

from benchmarks.table import print_table, quantiles
from functions.alerts.evaluation.bars import evaluate_bars
from functions.alerts.evaluation.results import store_results
from functions.store.migrate import migrate
from knative.local.services.postgres import Postgres
from shared.connections.single_connection import connection_parameters

NOW = datetime.fromisoformat("2026-11-20T19:32:00+00:00")
"""Five bars of Friday's session are final."""
FIRST = NOW - timedelta(days=1, hours=5, minutes=2)
"""Start of the bar ten before the newest."""
FILL = """
    INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, received_at)
    SELECT ticker, '1h', hour, price, price + 1, price - 1, price + 0.5, 1000 + (random() * 1000)::int, 'simulated',
           hour + interval '1 hour'
      FROM tickers,
           (SELECT * FROM sessions WHERE opens < '2026-11-21' ORDER BY opens DESC LIMIT 260) AS session,
           generate_series(opens, closes - interval '1 second', interval '1 hour') AS hour,
           LATERAL (SELECT 100 + ('x' || substr(md5(ticker || hour), 1, 6))::bit(24)::int % 1800 / 100.0 AS price)
                   AS priced
     WHERE hour < '2026-11-20 19:30Z'
"""
OWNER = """
    INSERT INTO users (email, password_hash)
    SELECT 'u' || number || '@example.com', '$argon2id$' FROM generate_series(1, 200) AS number
"""
CHANNELS = """
    INSERT INTO alert_channels (user_id, kind, name, target, salt, key_id, state, created_at)
    SELECT user_id, 'webhook', 'x', 'https://example.com/', '', '', 'active', now() FROM users
"""
RULES = """
    INSERT INTO alert_rules (user_id, ticker, kind, direction, basis, span, amount, repeat, since, stated_at,
                             created_at, changed_at)
    SELECT owner.user_id, stock.ticker, kind.*, 'always', '2026-11-01', '2026-11-01', '2026-11-01', '2026-11-01'
      FROM generate_series(1, %(rules)s) AS number
      JOIN (SELECT user_id, row_number() OVER () AS place FROM users) AS owner ON owner.place = 1 + number %% 200
      JOIN (SELECT ticker, row_number() OVER () AS place FROM tickers WHERE active) AS stock
           ON stock.place = 1 + number / 7 %% 50
     CROSS JOIN LATERAL (SELECT kind, direction, basis, span, amount
                           FROM (VALUES (0, 'price', 'above', NULL, NULL, 118.2::numeric),
                                        (1, 'price', 'below', NULL, NULL, 100.6),
                                        (2, 'change', 'down', 'previous_close', NULL, 14),
                                        (3, 'change', 'any', 'session_open', NULL, 15),
                                        (4, 'volume', NULL, NULL, NULL, 1.3),
                                        (5, 'extreme', 'high', NULL, '20_sessions', NULL),
                                        (6, 'extreme', 'low', NULL, '52_weeks', NULL))
                                AS kinds (place, kind, direction, basis, span, amount)
                          WHERE place = number %% 7) AS kind
"""

LISTS = """
    WITH list AS (
         INSERT INTO lists (user_id, name, name_key) SELECT user_id, 'Tech', 'tech' FROM users RETURNING *
    ), item AS (
         INSERT INTO list_tickers (list_id, ticker, position)
         SELECT list_id, ticker, place
           FROM list, (SELECT ticker, row_number() OVER () AS place FROM tickers WHERE active LIMIT 10) AS stock
    )
    UPDATE alert_rules AS rule
       SET ticker = NULL, list_id = list.list_id
      FROM list
     WHERE rule.user_id = list.user_id
       AND hashtext(rule.rule_id::text) % 20 = 0
"""
"""Every twentieth rule is about a list of ten stocks."""


async def measure(url: str, rounds: int) -> tuple[list[float], float, int, int]:
    """Return the seconds of evaluation in each round, Postgres's processor time of one, and two numbers.

    The first counts results, the second those that were stored; all is undone again.
    """
    seconds: list[float] = []
    found = stored = 0
    async with await psycopg.AsyncConnection.connect(**connection_parameters(url)) as connection:
        await connection.execute("SET jit = off")
        tickers = [one for (one,) in await (await connection.execute("SELECT ticker FROM tickers")).fetchall()]
        backend = psutil.Process(connection.info.backend_pid)
        used = 0.0
        for _ in range(rounds):
            async with connection.transaction(force_rollback=True):
                before, begun = sum(backend.cpu_times()[:2]), time.perf_counter()
                results = await evaluate_bars(connection, tickers, FIRST, NOW, timedelta(minutes=1))
                seconds.append(time.perf_counter() - begun)
                used += sum(backend.cpu_times()[:2]) - before
                stored = await store_results(connection, results, NOW)
                found = results.number
    return seconds, used / rounds, found, stored


def main() -> None:
    """Fill a database, and print the times for a tenth of the rules and for all."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    rows: list[tuple[object, ...]] = []
    with TemporaryDirectory() as folder:
        server = Postgres(Path(folder) / "postgres", {}, fast=True)
        server.start()
        try:
            url = urlsplit(server.url).geturl()
            migrate(url)
            for count in (arguments.rules // 10, arguments.rules):
                with psycopg.connect(url, autocommit=True) as connection:
                    connection.execute("TRUNCATE bars, users CASCADE")
                    connection.execute(FILL)
                    connection.execute(OWNER)
                    connection.execute(CHANNELS)
                    connection.execute(RULES, {"rules": count})
                    connection.execute(LISTS)
                    connection.execute("VACUUM ANALYZE")
                seconds, used, found, stored = asyncio.run(measure(url, arguments.rounds))
                rows.append((count, found, stored, f"{used * 1000:.0f}", *quantiles(seconds)))
        finally:
            server.stop()
    head = ("rules", "firings", "stored", "CPU ms", "p10 ms", "median ms", "p90 ms", "max ms")
    print_table(f"One hour's event of 50 stocks, 11 bars of each, {arguments.rounds} rounds", head, rows)


if __name__ == "__main__":
    main()
