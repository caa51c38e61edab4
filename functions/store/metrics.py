"""Metrics for Prometheus at /metrics, computed from Postgres and Redis on each scrape.

No process holds state, so any copy can respond, also after scaling from zero. With a scrape every five
minutes store scales to zero in between.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from psycopg import AsyncConnection
from redis import RedisError
from redis.asyncio import Redis

from shared.connections.redis import installation_key
from shared.providers.credits import read_usage
from shared.runtime import clock
from shared.runtime.clock_check import PROVIDER_OFFSETS, offset_seconds

HELP = {
    "stocksalot_ingest_lag_seconds": "Seconds since the end of the newest hour that an active ticker lacks, or 0",
    "stocksalot_tickers_behind": "Active tickers that lack the newest finished bar",
    "stocksalot_tickers": "Active tickers",
    "stocksalot_newest_bar_end_timestamp_seconds": "When the newest stored bar ended",
    "stocksalot_provider_answered_timestamp_seconds": "When a provider last answered with bars",
    "stocksalot_bars_total": "Bars sent by providers, by result: inserted, revised, unchanged, rejected",
    "stocksalot_events_total": "Processed events with bars",
    "stocksalot_rejected_bars": "Distinct rejected bars, by reason",
    "stocksalot_dead_letters": "Dead letters: events that need an operator",
    "stocksalot_dead_letters_by_type": "Dead letters, by event type",
    "stocksalot_insight_hours_total": "Hours with insights, revisions included, by generator of the sentences",
    "stocksalot_insight_verdicts_total": "Hours requested from a model, by outcome",
    "stocksalot_insight_sentences_total": "Sentences of a model: proposed, accepted, repaired, left to the rules",
    "stocksalot_insights_told_timestamp_seconds": "End of the newest hour with insights",
    "stocksalot_sessions_end_timestamp_seconds": "Start of the last known session: migrate before it",
    "stocksalot_database_bytes": "Size of the database",
    "stocksalot_database_connections": "Connections to the database, of all clients",
    "stocksalot_provider_credits_used": "Credits that ingest has used in the current minute or day of its clock",
    "stocksalot_provider_credits_limit": "Credit limit of that minute or day, for the keys that have used any",
    "stocksalot_redis_up": "Redis responds (1) or not (0); without it providers with a budget are not called",
    "stocksalot_clock_offset_seconds": "Seconds by which our clock is ahead of the database's or a provider's",
}

_CLOCK = "stocksalot_clock_offset_seconds"
Figure = tuple[str, Mapping[str, str], float]


async def answer_metrics(connection: AsyncConnection, redis: Redis, installation: str, grace: timedelta) -> str:
    """Return all figures of *installation* in Prometheus's text format."""
    figures = [*await select_figures(connection, grace), *await _database_clock(connection)]
    try:
        usage = await read_usage(redis, installation)
        offsets = await read_offsets(redis, installation)
    except RedisError:
        figures.append(("stocksalot_redis_up", {}, 0))
    else:
        figures += [("stocksalot_redis_up", {}, 1), *_credits(usage)]
        figures += [(_CLOCK, {"clock": provider}, seconds) for provider, seconds in offsets.items()]
    return _text(figures)


async def select_figures(connection: AsyncConnection, grace: timedelta) -> list[Figure]:
    """Return the current figures of the tables."""
    cursor = await connection.execute(
        """
        SELECT name, labels, value
          FROM figures_at(%(now)s, %(grace)s)
         WHERE value IS NOT NULL
           AND name <> 'stocksalot_insight_verdicts_total'
         UNION ALL
        SELECT name, labels, value
          FROM model_figures()
        """,
        {"now": clock.now(), "grace": grace},
    )
    return [(name, labels, value) for name, labels, value in await cursor.fetchall()]


async def _database_clock(connection: AsyncConnection) -> list[Figure]:
    """Return the offset to the database's clock; nothing while CLOCK replays another time."""
    cursor = await connection.execute("SELECT clock_timestamp()")
    [(theirs,)] = await cursor.fetchall()
    offset = offset_seconds(theirs)
    return [] if offset is None else [(_CLOCK, {"clock": "database"}, offset)]


async def read_offsets(redis: Redis, installation: str) -> dict[str, int]:
    """Return the seconds by which ingest's clock was ahead of each provider's."""
    stored: Any = await redis.hgetall(installation_key(installation, PROVIDER_OFFSETS))
    return {provider.decode(): int(seconds) for provider, seconds in stored.items()}


def _credits(usage: Iterable[Mapping[str, Any]]) -> Iterable[Figure]:
    for provider in usage:
        for window in ("day", "minute"):
            labels = {"provider": provider["provider"], "window": window}
            yield "stocksalot_provider_credits_used", labels, provider[window]["used"]
            if limit := provider[window]["limit"]:
                yield "stocksalot_provider_credits_limit", labels, limit


def _text(figures: Iterable[Figure]) -> str:
    lines: list[str] = []
    by_name: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    for name, labels, value in figures:
        by_name.setdefault(name, []).append((labels, value))
    for name, samples in by_name.items():
        lines += [f"# HELP {name} {HELP[name]}", f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}"]
        for labels, value in samples:
            inner = ",".join(f'{label}="{_escape(text)}"' for label, text in sorted(labels.items()))
            lines.append(f"{name}{{{inner}}} {value:.17g}" if inner else f"{name} {value:.17g}")
    return "\n".join(lines) + "\n"


def _escape(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: {"\n": "\\n"}.get(found[0], f"\\{found[0]}"), text)
