"""Words for what a rule told of: why it fired, and what a correction takes back."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote

from functions.alerts.rules.sentence import dollars, plain
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.response_data import rfc3339

_CENT = Decimal("0.01")
_SPANS = {"20_sessions": "20-session", "52_weeks": "52-week"}
_BASES = {"previous_close": "the previous close", "session_open": "the open"}


@dataclass(frozen=True, slots=True)
class Told:
    """A firing, with the figures that were judged."""

    kind: str
    ticker: str
    start: datetime
    end: datetime
    condition: dict[str, Any]
    revision: int | None
    source: str | None
    price: Decimal | None
    value: Decimal | None
    bound: Decimal | None
    detail: str | None

    @property
    def link(self) -> str:
        """Address of the bar, relative to the root of the API."""
        if self.condition["kind"] == "insight":
            return f"/insights?ticker={quote(self.ticker)}&date={self.start.astimezone(EXCHANGE_ZONE).date()}"
        end = max(self.end, self.start + timedelta(seconds=1))
        return f"/ohlc/{quote(self.ticker)}?start={rfc3339(self.start)}&end={rfc3339(end)}"


def explain(told: Told) -> str:
    """Return why a rule fired, or what a correction takes back, with the bar and its revision."""
    kind = told.condition["kind"]
    if told.kind == "corrected":
        return f"Correction: {_CORRECTIONS[kind](told)} {_bar(told)}".rstrip()
    return f"{_REASONS[kind](told)} {_bar(told)}".rstrip()


def _bar(told: Told) -> str:
    if told.revision is None:
        return ""
    return f"Bar of {_span(told)}, revision {told.revision}, source {told.source}."


def _span(told: Told) -> str:
    start, end = told.start.astimezone(EXCHANGE_ZONE), told.end.astimezone(EXCHANGE_ZONE)
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} New York"


def _price(told: Told) -> str:
    bound, stated = dollars(told.bound), dollars(Decimal(told.condition["amount"]))
    before = "" if bound == stated else f" ({stated} before the split)"
    return f"{told.ticker} is at {dollars(told.price)}, {told.condition['direction']} {bound}{before}."


def _change(told: Told) -> str:
    value = told.value or Decimal()
    side = "above" if value > 0 else "below"
    basis = _BASES[told.condition["basis"]]
    return f"{told.ticker} is at {dollars(told.price)}, {_percent(value)} {side} {basis} of {dollars(told.bound)}."


def _volume(told: Told) -> str:
    times = plain((told.value or Decimal()).quantize(_CENT, ROUND_HALF_UP))
    return f"{told.ticker} has traded {times} times its usual volume in the session so far."


def _extreme(told: Told) -> str:
    side, span = told.condition["direction"], _SPANS[told.condition["span"]]
    outermost = "highest" if side == "high" else "lowest"
    before = f"the {outermost} before was {dollars(told.bound)}"
    return f"{told.ticker} reached a new {span} {side} of {dollars(told.value)}; {before}."


def _insight(told: Told) -> str:
    return told.detail or f"There is an insight about {told.ticker}."


def _missing(told: Told) -> str:
    return f"The bar of {told.ticker} of {_span(told)} is missing."


def _was_revised(told: Told) -> str:
    if told.revision is None:
        return f"the bar of {told.ticker} of {_span(told)} was withdrawn; the alert does not hold without it."
    return f"bars of {told.ticker} were revised, and the alert does not hold any more. {_now(told)}"


def _now(told: Told) -> str:
    match told.condition["kind"]:
        case "price":
            return f"It is at {dollars(told.price)}, not {told.condition['direction']} {dollars(told.bound)}."
        case "change":
            basis = _BASES[told.condition["basis"]]
            return f"It is at {dollars(told.price)}, against {dollars(told.bound)} at {basis}."
        case "volume":
            times = plain((told.value or Decimal()).quantize(_CENT, ROUND_HALF_UP))
            return f"It has traded {times} times its usual volume."
        case _:
            side = told.condition["direction"]
            return f"The {side} of the bar is {dollars(told.value)}; before it was {dollars(told.bound)}."


def _percent(value: Decimal) -> str:
    return f"{abs(value).quantize(_CENT, ROUND_HALF_UP)}%"


_REASONS = {
    "price": _price,
    "change": _change,
    "volume": _volume,
    "extreme": _extreme,
    "insight": _insight,
    "missing": _missing,
}
_CORRECTIONS = {
    **dict.fromkeys(("price", "change", "volume", "extreme"), _was_revised),
    "insight": lambda told: f"the insights of the hour were written anew, and none is about {told.ticker} any more.",
    "missing": lambda told: f"the bar of {told.ticker} of {_span(told)} that was missing has arrived.",
}
