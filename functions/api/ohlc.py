"""/ohlc: bars of one ticker or several, in pages that go on ticker by ticker where the one before ended."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from psycopg import AsyncConnection

from functions.api.answer import Answer, Rows, json_body, market_members
from functions.api.bars import Series, Span, select_derived_bars, select_newest_bars, select_oldest_bars
from functions.api.cursors import read_cursor, write_cursor
from functions.api.parameters import MAX_BARS, TickerBars, bad_query
from functions.api.scene import HOURLY, Scene
from functions.api.tables import CSV, NDJSON, csv_body, ndjson_body

_DEFAULT_LIMIT = 500


@dataclass(frozen=True, slots=True)
class Page:
    """What one answer holds: up to *limit* bars of each span, found from the newest or from the oldest."""

    spans: Sequence[Span]
    limit: int
    from_newest: bool


async def answer_ohlc(connection: AsyncConnection, scene: Scene, query: TickerBars, tickers: Sequence[str]) -> Answer:
    """Return bars by ticker, then time. Without a start they are the newest, and pages lead back in time.

    Problem 404 for an unknown ticker, 400 for a foreign cursor or for more bars than an answer holds.
    """
    scene.check(tickers)
    question = _identity(query, tickers)
    page = read_page(query, tickers, question)
    series = await _select(connection, query, page)
    rows = Rows(
        ",\n".join(one.text for one in series),
        sum(one.count for one in series),
        max((one.newest_end for one in series), default=None),
        tuple(sorted({source for one in series for source in one.sources})),
    )
    edges = {
        one.ticker: int((one.oldest if page.from_newest else one.newest).timestamp()) for one in series if one.more
    }
    return _format(query, rows, write_cursor(question, edges) if edges else None, scene.due)


def read_page(query: TickerBars, tickers: Sequence[str], question: str) -> Page:
    """Return which bars *query* asks for; Problem 400 as `answer_ohlc`."""
    fits = max(MAX_BARS // max(len(tickers), 1), 1)
    if query.limit and query.limit > fits:
        what = f"should be at most {fits} for {len(tickers)} tickers: an answer holds {MAX_BARS} bars"
        raise bad_query([("limit", what)])
    from_newest = query.order == "desc" or query.start is None
    spans = [Span(ticker, query.start, query.end) for ticker in tickers]
    if query.cursor:
        try:
            edges = read_cursor(question, query.cursor)
        except ValueError:
            what = "should be a next_cursor as it was given, with all other parameters of that question unchanged"
            raise bad_query([("cursor", what)]) from None
        spans = [_beyond(Span(ticker, query.start, query.end), edge, from_newest) for ticker, edge in edges.items()]
    return Page(spans, query.limit or min(_DEFAULT_LIMIT, fits), from_newest)


async def _select(connection: AsyncConnection, query: TickerBars, page: Page) -> list[Series]:
    newest_first = query.order == "desc"
    if query.interval != HOURLY:
        return await select_derived_bars(
            connection,
            query.interval,
            page.spans,
            page.limit,
            from_newest=page.from_newest,
            newest_first=newest_first,
        )
    select = select_newest_bars if page.from_newest else select_oldest_bars
    return await select(connection, page.spans, page.limit, newest_first=newest_first)


def _beyond(span: Span, edge: int, from_newest: bool) -> Span:
    instant = datetime.fromtimestamp(edge, UTC)
    return replace(span, end=instant) if from_newest else replace(span, first=instant + timedelta(seconds=1))


def _identity(query: TickerBars, tickers: Sequence[str]) -> str:
    """Return what a cursor is bound to: a page may be longer or in another format, but not of another question."""
    return f"{','.join(tickers)} {query.model_dump_json(exclude={'cursor', 'limit', 'format', 'tickers'})}"


def _format(query: TickerBars, rows: Rows, next_cursor: str | None, due: datetime | None) -> Answer:
    members = market_members(rows) | {"interval": query.interval, "next_cursor": next_cursor}
    headers: list[tuple[str, str]] = []
    if next_cursor:
        # Relative to what was asked, so that it is right behind any prefix.
        headers.append(("Link", f'<?{urlencode(_again(query) | {"cursor": next_cursor})}>; rel="next"'))
    if query.format in (None, "json"):
        return Answer(json_body(members, rows.text), due=due, headers=tuple(headers))
    headers += [("X-As-Of", f"{members['as_of'] or ''}"), ("X-Source", f"{members['source'] or ''}")]
    if query.format == "csv":
        return Answer(csv_body(rows.text, query.interval), CSV, due=due, headers=tuple(headers))
    return Answer(ndjson_body(rows.text), NDJSON, due=due, headers=tuple(headers))


def _again(query: TickerBars) -> dict[str, str]:
    """Return the parameters that ask the same question again."""
    given = query.model_dump(mode="json", exclude_unset=True, exclude_none=True, exclude_defaults=True)
    if query.format == "json":  # which is what is sent to those who do not say
        del given["format"]
    return {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in given.items()}
