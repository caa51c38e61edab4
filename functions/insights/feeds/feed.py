"""A page of a feed: the hours that it has room for, and where the next page begins."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from psycopg import AsyncConnection

from functions.insights.feeds.atom import MEDIA_TYPE as ATOM
from functions.insights.feeds.atom import atom
from functions.insights.feeds.entries import Entry, Feed, FeedAddress, Json, make_entries
from functions.insights.feeds.json_feed import MEDIA_TYPE as JSON_FEED
from functions.insights.feeds.json_feed import json_feed
from functions.insights.feeds.parameters import FeedQuery
from functions.insights.feeds.queries import select_changes, select_installation, select_publications
from functions.insights.reading.absence import explain_insights
from functions.insights.reading.queries import select_hours
from shared.auth.account_lists import AccountList
from shared.cache.response_cache import code_version
from shared.http.response_data import ResponseData, reason_until
from shared.runtime import clock

Format = Literal["atom", "json"]
CODE = code_version(Path(__file__))
"""Begins the names of these responses: another version of this package makes others."""
_MAX_BYTES = 200_000
_SUBTITLE = (
    "Sentences about each hour of trading, and a wrap of each session. Every figure links to the bars it is computed "
    "from. When bars change, the entry is issued again under the same id, with a note that says so."
)


async def answer_feed(
    connection: AsyncConnection,
    wanted: FeedQuery,
    own_list: AccountList | None,
    form: Format,
    root: str,
    due: datetime | None,
    grace: timedelta,
) -> ResponseData:
    """Return the *wanted* page of the feed for the installation at the address *root*."""
    query = wanted.hours()
    tickers = query.tickers(own_list)
    rows = await select_hours(connection, query, tickers)
    hours: list[Json] = json.loads(f"[{rows.text}]", parse_float=str)
    starts = [datetime.fromisoformat(hour["datetime"]) for hour in hours]
    # Lists of two accounts may have one name, and a list may get another: its id is in those of the entries.
    view = (replace(wanted, list=own_list.list_id) if own_list else wanted).view()
    address = FeedAddress(root, await select_installation(connection), view, wanted.ticker)
    publications = await select_publications(connection, starts)
    changes = await select_changes(connection, query, tickers, starts)
    entries = make_entries(hours, publications, changes, address)
    shown, goes_on = cut_to_page(entries, rows.oldest if rows.more else None)
    reason = None if entries else await explain_insights(connection, query, due, grace)
    subject, about = own_list.name if own_list else wanted.ticker, f"{reason['text']}" if reason else _SUBTITLE
    feed = _make_feed(wanted, subject, form, address, shown, goes_on, about)
    headers = [("Last-Modified", format_datetime(feed.updated.astimezone(UTC), usegmt=True))]
    if feed.next:
        headers.append(("Link", f'<{feed.next}>; rel="next"'))
    body, media_type = (atom(feed), ATOM) if form == "atom" else (json_feed(feed), JSON_FEED)
    return ResponseData(body, media_type, valid_until=reason_until(reason), next_update_at=due, headers=tuple(headers))


def cut_to_page(entries: Sequence[Entry], goes_on: datetime | None) -> tuple[Sequence[Entry], datetime | None]:
    """Return the entries that a document has room for, whole hours and one at least, and where the next page begins."""
    size = 0
    for entry in entries:
        size += entry.size
        if size > _MAX_BYTES and entry.start != entries[0].start:
            cut = next(n for n, one in enumerate(entries) if one.start == entry.start)
            return entries[:cut], entries[cut - 1].start
    return entries, goes_on


def _make_feed(
    wanted: FeedQuery,
    subject: str | None,
    form: Format,
    address: FeedAddress,
    shown: Sequence[Entry],
    goes_on: datetime | None,
    about: str,
) -> Feed:
    base = f"{address.root}/api/insights/feed.{form}"
    first, here = wanted.page(None), wanted.page(wanted.cursor)
    today = clock.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Feed(
        id=address.tag("feed"),
        title=f"StocksALot: insights{f' on {subject}' if subject else ''}",
        subtitle=about,
        home=address.page,
        address=f"{base}?{here}" if here else base,
        first=f"{base}?{first}" if first else base,
        next=f"{base}?{wanted.page(goes_on)}" if goes_on else None,
        updated=max((one.updated for one in shown), default=today),
        entries=shown,
    )
