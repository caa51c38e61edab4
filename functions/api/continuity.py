"""Continuity of a series: the complete run of bars up to each bar, and the interruption before it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from functions.api.absence import period_starts
from functions.api.market_state import HOURLY
from shared.calendar.trading import TradingCalendar

WARM_UP, GAP, UNFINISHED, SPLIT = "warm-up", "gap", "unfinished", "split"
SOURCE_CHANGED, VOLUME_UNKNOWN = "source-changed", "volume-unknown"
REASONS = (WARM_UP, GAP, UNFINISHED, SPLIT, SOURCE_CHANGED, VOLUME_UNKNOWN)


class CompleteRun(NamedTuple):
    """Uninterrupted bars from the index *first* up to a bar; *reason* names the interruption before them."""

    first: int
    reason: str

    def explain(self, index: int, window: int) -> str | None:
        """Return why the *window* bars up to *index* are not whole, None if they are."""
        begins = index - window + 1
        if self.first > 0 and begins < self.first:
            return self.reason
        return WARM_UP if begins < 0 else None


def find_complete_runs(
    bars: Sequence[Mapping[str, Any]],
    interval: str,
    calendar: TradingCalendar,
    splits: Collection[datetime],
    now: datetime,
) -> list[CompleteRun]:
    """Return for each of *bars* (items of /ohlc, in order) the complete run of the series that ends there.

    A bar that the *calendar* calls for and that is missing interrupts it, a longer bar that lacks hours, and the start
    of one of *splits*, before which bars are on another scale.
    """
    starts = [datetime.fromisoformat(bar["datetime"]) for bar in bars]
    places = {start: place for place, start in enumerate(period_starts(calendar, interval))}
    whole, found = CompleteRun(0, WARM_UP), list[CompleteRun]()
    for index, bar in enumerate(bars):
        if index:
            before, start = starts[index - 1], starts[index]
            if places.get(start, index) - places.get(before, index - 1) > 1:
                whole = CompleteRun(index, GAP)
            if any(before < split <= start for split in splits):
                whole = CompleteRun(index, SPLIT)
        if not bar.get("complete", True):
            is_open = datetime.fromisoformat(bar["end"]) > now
            whole = CompleteRun(index + 1, UNFINISHED if is_open else GAP)
        found.append(whole)
    return found


def explain_session(
    bars: Sequence[Mapping[str, Any]], starts: Mapping[str, tuple[int, int]], index: int, whole: CompleteRun
) -> str | None:
    """Return why the session of an hourly bar is not whole up to it, None if it is.

    *starts* has by the datetime of each expected bar its session and its place in it.
    """
    _, place = starts.get(bars[index]["datetime"], (0, 0))
    if reason := whole.explain(index, place + 1):
        return GAP if reason == WARM_UP else reason
    own = bars[index - place : index + 1]
    if len({bar["source"] for bar in own}) > 1:
        return SOURCE_CHANGED
    return VOLUME_UNKNOWN if any(bar["volume"] is None for bar in own) else None


def explain_period(bar: Mapping[str, Any], whole: CompleteRun, index: int) -> str | None:
    """Return why the volume of a longer bar does not cover its hours, None if it does."""
    if whole.first > index:
        return whole.reason
    if bar["source"] == "mixed":
        return SOURCE_CHANGED
    return VOLUME_UNKNOWN if bar["volume"] is None else None


def session_places(calendar: TradingCalendar) -> dict[str, tuple[int, int]]:
    """Return by the datetime of each expected hourly bar its session's opening (Unix seconds) and its place in it."""
    return {
        f"{start:%Y-%m-%dT%H:%M:%SZ}": (int(session.opens.timestamp()), place)
        for session in calendar.sessions
        for place, start in enumerate(session.starts(HOURLY))
    }
