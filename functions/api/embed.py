"""/embed/{ticker}: a small document with a stock's price, for frames in pages of other sites."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import scalar_row
from starlette.responses import Response

from functions.api.absence import nothing_stored
from functions.api.embed_parameters import Embed
from functions.api.latest import select_latest
from functions.api.market_state import MarketState
from functions.api.quote_text import instant_text, percent_text, price_text, source_text
from shared.http.problem import Problem
from shared.http.response_data import ResponseData, rfc3339

PREFIX = "/embed/"
_MEDIA_TYPE = "text/html; charset=utf-8"
_FOLDER = Path(__file__).parent
_SESSIONS = 3
_WIDTH, _HEIGHT = 240, 48
_UP, _DOWN = "▲ +", "▼ \N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Assets:
    """Style and script of the document, and the policy that admits them alone, in frames of any site."""

    style: str
    script: str
    policy: str


@cache
def assets() -> Assets:
    """Return the assets, read at the first request."""
    style, script = ((_FOLDER / f"embed.{name}").read_text().strip() for name in ("css", "js"))
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors *; "
        # An origin of its own: the document is far from whatever the page of this host keeps in the browser.
        "sandbox allow-scripts allow-popups allow-popups-to-escape-sandbox"
    )
    return Assets(style, script, policy)


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _headers() -> tuple[tuple[str, str], ...]:
    return (
        ("Content-Security-Policy", assets().policy),
        ("Access-Control-Allow-Origin", "*"),  # for the document itself, whose sandbox has no origin of this host
        ("Cross-Origin-Resource-Policy", "cross-origin"),
        ("Referrer-Policy", "no-referrer"),
        ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), storage-access=()"),
    )


async def respond_embed(
    connection: AsyncConnection, state: MarketState, query: Embed, ticker: str, page_address: str
) -> ResponseData:
    """Return the document about *ticker*, which links to its page below *page_address*; Problem 404 without a bar."""
    rows = await select_latest(connection, [ticker])
    if not rows.count:
        reason = nothing_stored(state, [ticker])
        raise Problem(404, "no-bar", "No bar", f"{reason['text']}", reason=reason)
    bar = json.loads(rows.text, parse_float=Decimal, parse_int=Decimal)
    is_late = any(status.behind for status in state.tickers if status.ticker == ticker)
    closes = [] if query.size == "small" else await select_closes(connection, ticker)
    due = None if state.behind else state.next_due
    body = _document(query, ticker, _quote(bar, closes, page_address, is_late=is_late), due and rfc3339(due))
    return ResponseData(body, _MEDIA_TYPE, next_update_at=state.next_update_at, headers=_headers())


async def select_closes(connection: AsyncConnection, ticker: str) -> list[Decimal | None]:
    """Return the hourly closes of the newest sessions, None for a missing bar or one on another scale."""
    cursor = connection.cursor(row_factory=scalar_row)
    await cursor.execute(
        """
        WITH newest AS (
             SELECT max(start) AS start FROM bars WHERE ticker = %(ticker)s AND interval = '1h'
        )
        SELECT bar.close
          FROM newest
         CROSS JOIN LATERAL (SELECT opens, closes
                               FROM sessions
                              WHERE opens <= newest.start
                              ORDER BY opens DESC
                              LIMIT %(sessions)s) AS session
         CROSS JOIN LATERAL generate_series(session.opens, least(session.closes - interval '1 second', newest.start),
                                            interval '1 hour') AS hour (start)
          LEFT JOIN left_out_tickers AS left_out ON left_out.ticker = %(ticker)s
          LEFT JOIN bars AS bar
                 ON bar.ticker = %(ticker)s
                AND bar.interval = '1h'
                AND bar.start = hour.start
                AND bar.start >= coalesce(left_out.starts_at, '-infinity')
         ORDER BY hour.start
        """,
        {"ticker": ticker, "sessions": _SESSIONS},
    )
    return await cursor.fetchall()


def _quote(bar: dict[str, Any], closes: Sequence[Decimal | None], page_address: str, *, is_late: bool) -> str:
    ticker = escape(bar["ticker"])
    late = "<p>A newer hour is late.</p>" if is_late else ""
    return (
        f'<h1><a href="{escape(page_address)}/stocks/{ticker}" target="_blank" rel="noopener">{ticker}'
        f"<span>{escape(bar['name'])}</span></a></h1>"
        f'<p class="price"><b>{price_text(bar["close"])}</b> USD {_change(bar)}</p>{sparkline(closes)}{late}'
        f'<p>As of <time datetime="{bar["end"]}">{instant_text(bar["end"])}</time>. '
        f"Source: {escape(source_text(bar['source']))}.</p>"
    )


def _change(bar: dict[str, Any]) -> str:
    """Return the change since the previous close in words and signs, "" where there is none."""
    change, percent = bar["change"], bar["change_percent"]
    if change is None:
        return ""
    name, sign = ("up", _UP) if change > 0 else ("down", _DOWN) if change < 0 else ("", "")
    said = f'<span class="said">{name} since the previous close</span>'
    return f'<span class="{name}" title="since the previous close">{sign}{percent_text(percent)}</span>{said}'


def sparkline(closes: Sequence[Decimal | None]) -> str:
    """Return the closes as a line in SVG, broken where one is missing; "" for fewer than two."""
    known = [close for close in closes if close is not None]
    if len(known) < 2:
        return ""
    low, high = min(known), max(known)
    step = Decimal(_WIDTH - 4) / (len(closes) - 1)
    path, pen = "", "M"
    for place, close in enumerate(closes):
        if close is None:
            pen = "M"
            continue
        height = (close - low) / (high - low) if high > low else Decimal("0.5")
        # A point alone between two gaps is a dot: a line of no length with round ends.
        path += f"{pen}{2 + step * place:.1f} {_HEIGHT - 3 - height * (_HEIGHT - 6):.1f}" + ("h0" if pen == "M" else "")
        pen = "L"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true"><path d="{path}"/></svg>'
    )


def _document(query: Embed, title: str, content: str, due: str | None = None) -> bytes:
    return (
        f'<!doctype html><html lang="en" class="{query.theme} {query.size}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} \N{EN DASH} StocksALot</title><style>{assets().style}</style>"
        f'<main data-due="{due or ""}">{content}'
        # The cache writes true in place of false when the database does not answer; the style shows the note then.
        '<p class="note" data-state=\'"stale":false\'>A saved copy: the service cannot confirm it now.</p></main>'
        '<p class="note" id="failed" role="status" hidden>No update: the service does not answer.</p>'
        "<noscript><p>Reload the page for a newer price: without scripts this stays as it is.</p></noscript>"
        f"<script>{assets().script}</script></html>\n"
    ).encode()


def problem_document(problem: Response) -> Response:
    """Return the response *problem* (problem+json) as a document for a person who looks at a frame."""
    body = json.loads(bytes(problem.body))
    title, detail = f"{body['title']}", f"{body['detail']}"
    content = f"<h1>{escape(title)}</h1><p>{escape(detail)}</p>"
    document = _document(Embed(), title, content)
    kept = {name: value for name, value in problem.headers.items() if name not in ("content-type", "content-length")}
    return Response(document, problem.status_code, {**kept, **dict(_headers())}, _MEDIA_TYPE)
