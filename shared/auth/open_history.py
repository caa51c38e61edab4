"""Open history: the days of bars that callers without a token may read."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from shared.runtime.settings import SettingsGroup

_EXCHANGE_ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, kw_only=True)
class HistorySettings(SettingsGroup):
    """Setting of the functions that serve history."""

    anonymous_history_days: Annotated[int, Meta(ge=0)] = 30
    """Days of history that are open without a token; 0: all of it, and the exports."""


def open_history(days: int, now: datetime) -> tuple[datetime, datetime]:
    """Return the midnight in New York from which bars are open, and the next one, at which it changes."""
    today = now.astimezone(_EXCHANGE_ZONE).date()
    first, midnight = (
        datetime.combine(day, time(), _EXCHANGE_ZONE).astimezone(UTC)
        for day in (today - timedelta(days=days), today + timedelta(days=1))
    )
    return first, midnight
