"""Pages of bars: the bars that a query reads, its cursor, and the link to the next page."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from functions.api.bars import BarQuery, BarRange
from functions.api.cursors import read_cursor
from functions.api.parameters import MAX_BARS, History, changed_parameters
from shared.http.problem import bad_parameters

_DEFAULT_LIMIT = 500
_NOT_IDENTIFYING = {"cursor", "limit", "format", "tickers"}


def bar_query(query: History, tickers: Sequence[str], identity: str, open_from: datetime | None) -> BarQuery:
    """Return the bars to read for *query*; Problem 400 as `respond_ohlc`."""
    fits = max(MAX_BARS // max(len(tickers), 1), 1)
    if query.limit and query.limit > fits:
        what = f"should be at most {fits} for {len(tickers)} tickers: a response has at most {MAX_BARS} bars"
        raise bad_parameters([("limit", what)])
    from_newest = query.order == "desc" or query.start is None
    first = query.start or open_from
    ranges = {ticker: BarRange(ticker, first, query.end) for ticker in tickers}
    if query.cursor:
        try:
            edges = read_cursor(identity, query.cursor, tickers)
        except ValueError:
            what = "should be a next_cursor of a response, with all other parameters unchanged"
            raise bad_parameters([("cursor", what)]) from None
        ranges = {ticker: _continue(ranges[ticker], edge, from_newest) for ticker, edge in edges.items()}
    return BarQuery(
        [*ranges.values()], query.limit or min(_DEFAULT_LIMIT, fits), from_newest, query.order == "desc", query.as_of
    )


def _continue(bars: BarRange, edge: int, from_newest: bool) -> BarRange:
    """Return the part of *bars* beyond *edge*, never more: a cursor may be made up."""
    instant = datetime.fromtimestamp(edge, UTC)
    if from_newest:
        return replace(bars, end=min(instant, bars.end or instant))
    after = instant + timedelta(seconds=1)
    return replace(bars, first=max(after, bars.first or after))


def query_identity(query: History, tickers: Sequence[str]) -> str:
    """Return the text that a cursor is bound to: all that decides which bars are read, not how many."""
    parameters = {name: str(value) for name, value in asdict(query).items() if name not in _NOT_IDENTIFYING}
    return f"{','.join(tickers)} {parameters}"


def next_link(query: History, cursor: str | None) -> list[tuple[str, str]]:
    """Return the header that leads to the page at *cursor*, none for None."""
    if not cursor:
        return []
    # Relative to what was requested, so that it is right under any path prefix.
    return [("Link", f'<?{urlencode(_parameters(query) | {"cursor": cursor})}>; rel="next"')]


def _parameters(query: History) -> dict[str, str]:
    """Return the parameters of the same query; the format too where an Accept header chose it."""
    return {name: _text(value) for name, value in changed_parameters(query).items()}


def _text(value: object) -> str:
    """Return *value* as a parameter is written."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return ",".join(value) if isinstance(value, tuple) else str(value)
