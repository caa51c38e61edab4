"""/ohlc: bars of one ticker or several, in pages that go on ticker by ticker where the one before ended."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from psycopg import AsyncConnection

from functions.api.bars import Page, Series, Span, select_derived_bars, select_hourly_bars
from functions.api.cursors import read_cursor, write_cursor
from functions.api.formats import table_body
from functions.api.parameters import MAX_BARS, TickerBars, given
from functions.api.rows import Rows, market_members
from functions.api.scene import HOURLY, Scene
from shared.http.problem import bad_parameters
from shared.http.response_data import ResponseData, json_body, rfc3339

_DEFAULT_LIMIT = 500
_PAST_MAX_AGE = 3600
"""Seconds. What was known then changes only when an answer of then arrives late."""
_NO_PART_OF_THE_QUESTION = {"cursor", "limit", "format", "tickers"}


async def answer_ohlc(
    connection: AsyncConnection, scene: Scene, query: TickerBars, tickers: Sequence[str]
) -> ResponseData:
    """Return bars by ticker, then time. Without a start they are the newest, and pages lead back in time.

    Problem 404 for an unknown ticker, 400 for a foreign cursor or for more bars than an answer holds.
    """
    scene.check(tickers)
    question = _identity(query, tickers)
    page = read_page(query, tickers, question, scene.open_from)
    series = await _select(connection, query.interval, page)
    rows = Rows(
        ",\n".join(one.text for one in series),
        sum(one.count for one in series),
        max((one.newest_end for one in series), default=None),
        tuple(sorted({source for one in series for source in one.sources})),
    )
    edges = {
        one.ticker: int((one.oldest if page.from_newest else one.newest).timestamp()) for one in series if one.more
    }
    answer = await _packed(query, tickers, rows, scene.open_from, write_cursor(question, edges) if edges else None)
    if query.as_of and query.as_of <= scene.now:
        return replace(answer, max_age=_PAST_MAX_AGE)
    return replace(answer, due=scene.due)


def read_page(query: TickerBars, tickers: Sequence[str], question: str, open_from: datetime | None) -> Page:
    """Return which bars *query* asks for, none from before *open_from*; Problem 400 as `answer_ohlc`."""
    fits = max(MAX_BARS // max(len(tickers), 1), 1)
    if query.limit and query.limit > fits:
        what = f"should be at most {fits} for {len(tickers)} tickers: an answer holds {MAX_BARS} bars"
        raise bad_parameters([("limit", what)])
    from_newest = query.order == "desc" or query.start is None
    first = query.start or open_from
    spans = [Span(ticker, first, query.end) for ticker in tickers]
    if query.cursor:
        try:
            edges = read_cursor(question, query.cursor)
        except ValueError:
            what = "should be a next_cursor as it was given, with all other parameters of that question unchanged"
            raise bad_parameters([("cursor", what)]) from None
        spans = [_beyond(Span(ticker, first, query.end), edge, from_newest) for ticker, edge in edges.items()]
    return Page(spans, query.limit or min(_DEFAULT_LIMIT, fits), from_newest, query.order == "desc", query.as_of)


async def _select(connection: AsyncConnection, interval: str, page: Page) -> list[Series]:
    if interval == HOURLY:
        return await select_hourly_bars(connection, page)
    return await select_derived_bars(connection, interval, page)


def _beyond(span: Span, edge: int, from_newest: bool) -> Span:
    instant = datetime.fromtimestamp(edge, UTC)
    return replace(span, end=instant) if from_newest else replace(span, first=instant + timedelta(seconds=1))


def _identity(query: TickerBars, tickers: Sequence[str]) -> str:
    """Return what a cursor is bound to: a page may be longer or in another format, but not of another question."""
    asked = {name: str(value) for name, value in asdict(query).items() if name not in _NO_PART_OF_THE_QUESTION}
    return f"{','.join(tickers)} {asked}"


async def _packed(
    query: TickerBars, tickers: Sequence[str], rows: Rows, open_from: datetime | None, next_cursor: str | None
) -> ResponseData:
    """Return *rows* in the form that *query* asks for; of what JSON has around them the others have some as headers."""
    headers: list[tuple[str, str]] = []
    if next_cursor:
        # Relative to what was asked, so that it is right behind any prefix.
        headers.append(("Link", f'<?{urlencode(_again(query) | {"cursor": next_cursor})}>; rel="next"'))
    members = market_members(rows) | {
        "interval": query.interval,
        "known_at": query.as_of and rfc3339(query.as_of),
        "open_from": open_from and rfc3339(open_from),
        "next_cursor": next_cursor,
    }
    form = query.format or "json"
    if form == "json":
        return ResponseData(json_body(members, rows.text), headers=tuple(headers))
    file = f"{tickers[0] if len(tickers) == 1 else 'ohlc'}-{query.interval}.{form}"
    headers += [
        ("X-As-Of", f"{members['as_of'] or ''}"),
        ("X-Source", f"{members['source'] or ''}"),
        ("Content-Disposition", f'attachment; filename="{file}"'),
    ]
    body, media_type = await table_body(form, rows.text, query.interval)
    return ResponseData(body, media_type, headers=tuple(headers))


def _again(query: TickerBars) -> dict[str, str]:
    """Return the parameters that ask the same question again."""
    asked = given(query)
    if query.format == "json":  # which is what is sent to those who do not say
        del asked["format"]
    return {name: _text(value) for name, value in asked.items()}


def _text(value: object) -> str:
    """Return *value* as a parameter is written."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return ",".join(value) if isinstance(value, tuple) else str(value)
