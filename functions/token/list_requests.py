"""Request bodies of /lists."""

from typing import Annotated

import msgspec
from msgspec import Meta

from shared.http.tickers import MAX_TICKERS

TickerNames = Annotated[list[str], Meta(max_length=MAX_TICKERS)]


class CreateList(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a list."""

    name: str
    tickers: TickerNames = []


class ChangeList(msgspec.Struct, forbid_unknown_fields=True):
    """Another name of a list, or another order of its tickers."""

    name: str | None = None
    tickers: TickerNames | None = None


class AddTickers(msgspec.Struct, forbid_unknown_fields=True):
    """Tickers to add to a list."""

    tickers: Annotated[list[str], Meta(min_length=1, max_length=MAX_TICKERS)]
