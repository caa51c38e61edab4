"""Interface of the providers of bars. A provider is imported when it is first used, not at start."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from typing import NamedTuple, Protocol

from functions.ingest.gaps import FetchRequest
from functions.ingest.settings import Providers, Settings
from shared.calendar.trading import TradingCalendar
from shared.events.types import Bar, RefusedBar


class ProviderError(Exception):
    """A request to the provider failed; the message is the reason and contains no secret."""


class NoCredits(Exception):  # noqa: N818
    """No request may be made: the provider's credits are used up until the minute or the day ends."""


class ProviderPauses(NoCredits):
    """No request may be made: the provider did not respond to the last one."""


class WrongLabels(NamedTuple):
    """An answer with labels other than those of the request: none of its bars may be stored."""

    reason: str
    detail: str


class FetchResult(NamedTuple):
    """The served requests with the bars of the source (none: it has none there), and the failed ones with the reason.

    The others were not served: credits ran out.
    """

    bars: dict[FetchRequest, list[Bar]]
    credits: int = 0
    failures: Mapping[FetchRequest, str] = {}
    refused: Mapping[FetchRequest, tuple[RefusedBar, ...]] = {}
    """Bars that could not be parsed, as sent."""
    mislabelled: Mapping[FetchRequest, WrongLabels] = {}
    served_at: datetime | None = None
    """The provider's time at its first response, None where it has no clock."""
    source: str | None = None
    """Of the bars, where the provider has several; None: the provider's name."""


class Provider(Protocol):
    """A source of bars. ProviderError or NoCredits when no ask could be served."""

    name: str

    async def fetch(self, asks: Sequence[FetchRequest], interval: str, market: TradingCalendar) -> FetchResult:
        """Serve as many of *asks*, in order, as the budget allows now; *market* holds the sessions they touch."""
        ...


def open_provider(name: str, settings: Settings | Providers) -> Provider:
    """Return the provider that PROVIDERS calls *name*."""
    return import_module(f"functions.ingest.providers.{name}").PROVIDER(settings)
