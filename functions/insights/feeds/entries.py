"""Entries of a feed: one for each hour, one for the wrap of each session, with notes on corrections since."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any

from functions.insights.feeds.queries import Change, Publication
from shared.calendar.trading import EXCHANGE_ZONE

_SLOT = re.compile(r"\{(f[0-9]+)\}")
_MAX_TICKERS = 5
"""Tickers that a note names."""
_ENTRY_BYTES = 600
"""Of ids, links and dates."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FeedAddress:
    """Parts of an entry's id and links: *root* is the page's address, *ticker* that of a feed about one company."""

    root: str
    installation: str
    view: str
    ticker: str | None

    @property
    def page(self) -> str:
        """The page that people read."""
        return f"{self.root}/stocks/{self.ticker}" if self.ticker else f"{self.root}/"

    def tag(self, what: str) -> str:
        """Return a tag URI (RFC 4151) that stays the same for *what* in every version of it."""
        view = f"?{self.view}" if self.view else ""
        return f"tag:stocksalot.tech,2026:{self.installation}/insights{view}/{what}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry: *lines* are its sentences and notes as text, *html* the same with links from figures to bars."""

    start: datetime
    id: str
    url: str
    title: str
    lines: tuple[str, ...]
    html: str
    tags: tuple[str, ...]
    published: datetime
    updated: datetime
    revision: int
    corrected: bool
    superseded: bool

    @property
    def size(self) -> int:
        """Approximate bytes in a document."""
        return len(self.html) + sum(map(len, self.lines)) + len(self.title) + _ENTRY_BYTES


def make_entries(
    hours: Sequence[Json], publications: Sequence[Publication], changes: Sequence[Change], address: FeedAddress
) -> list[Entry]:
    """Return the entries of *hours*, as /insights has them, newest first; the wrap before the hour that it closes."""
    first = {one.start: one for one in publications}
    known = {(one.start, one.wrap, one.corrected): one for one in changes}
    entries: list[Entry] = []
    for hour in hours:
        start = datetime.fromisoformat(hour["datetime"])
        for wrap in (True, False):
            insights = [one for one in hour["insights"] if (one["kind"] == "wrap") == wrap]
            if insights:
                corrected, superseded = (known.get((start, wrap, past)) for past in (True, False))
                entries.append(_make_entry(hour, insights, first[start], corrected, superseded, address, wrap=wrap))
    return entries


def _make_entry(
    hour: Json,
    insights: Sequence[Json],
    first: Publication,
    corrected: Change | None,
    superseded: Change | None,
    address: FeedAddress,
    *,
    wrap: bool,
) -> Entry:
    written = datetime.fromisoformat(hour["written_at"])
    changed_at = superseded.at if superseded else None
    notes = [*_notes(hour, first, written, corrected, superseded)]
    prefix = "Corrected: " if corrected or superseded else ""
    title = f"Wrap of {hour['session']}: " if wrap else ""
    about = _about(hour)
    links = "".join(f"<li>{_linked(one, address.root)}</li>" for one in insights)
    paragraphs = "".join(f"<p>{escape(note)}</p>" for note in notes)
    return Entry(
        start=first.start,
        id=address.tag(f"wrap/{hour['session']}" if wrap else f"hour/{hour['datetime']}"),
        url=address.page,
        title=f"{prefix}{title}{insights[0]['insight']}",
        lines=(*notes, *(one["insight"] for one in insights), about),
        html=f"{paragraphs}<ul>{links}</ul><p>{escape(about)}</p>",
        tags=tuple(dict.fromkeys(_tags(insights, wrap=wrap))),
        published=first.published,
        updated=max(written, changed_at) if changed_at else written,
        revision=hour["revision"],
        corrected=corrected is not None,
        superseded=superseded is not None,
    )


def _notes(
    hour: Json, first: Publication, written: datetime, corrected: Change | None, superseded: Change | None
) -> Iterator[str]:
    """Yield the notes for a reader of an earlier version."""
    if superseded:
        since = f" on {_moment(superseded.at)}" if superseded.at else ""
        yield (
            f"Correction: {_bars_of(superseded)} changed{since}, after this was written. "
            "The sentences below state the figures as they were before."
        )
    if corrected:
        yield (
            f"Correction of {_moment(written)}: {_bars_of(corrected)} changed after this was first published. "
            "The sentences below were written again."
        )
    if late := sorted(set(first.missing) - set(hour["missing"])):
        yield f"Completed on {_moment(written)}: bars of {_listed(late)} came after this was first published."
    if hour["missing"]:
        yield f"Written without bars of {_listed(hour['missing'])}, which had not come."


def _about(hour: Json) -> str:
    """Return the hour, the end of its bars, and their source."""
    start, end = (datetime.fromisoformat(hour[name]).astimezone(EXCHANGE_ZONE) for name in ("datetime", "end"))
    simulated = " (invented prices)" if hour["source"] == "simulated" else ""
    return (
        f"{start:%H:%M} to {end:%H:%M} in New York on {hour['session']}. Bars up to {_moment(end)}. "
        f"Source: {hour['source']}{simulated}."
    )


def _bars_of(change: Change) -> str:
    return f"bars of {_listed(change.tickers)}" if change.tickers else "bars behind these figures"


def _listed(tickers: Sequence[str]) -> str:
    shown, more = tickers[:_MAX_TICKERS], len(tickers) - _MAX_TICKERS
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def _moment(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _tags(insights: Sequence[Json], *, wrap: bool) -> Iterator[str]:
    yield "wrap" if wrap else "hour"
    for one in insights:
        if one["kind"]:
            yield one["kind"]
        yield from one["tickers"]


def _linked(insight: Json, root: str) -> str:
    """Return the sentence in HTML, each figure a link to the bars that it is computed from."""
    facts = {fact["id"]: fact for fact in insight["facts"]}
    parts = _SLOT.split(insight["template"])
    if any(slot not in facts for slot in parts[1::2]):
        return escape(insight["insight"])
    html = escape(parts[0])
    for slot, rest in zip(parts[1::2], parts[2::2], strict=True):
        figure: str = facts[slot]["text"]
        if not html:  # the sentence begins with it
            figure = figure[:1].upper() + figure[1:]
        html += f'<a href="{escape(root + "/api" + facts[slot]["link"])}">{escape(figure)}</a>{escape(rest)}'
    return html


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of a feed; *updated* is the newest change of an entry."""

    id: str
    title: str
    subtitle: str
    home: str
    address: str
    first: str
    next: str | None
    updated: datetime
    entries: Sequence[Entry]
