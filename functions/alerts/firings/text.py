"""Texts of firings: why a rule fired, or why a correction revokes an earlier firing."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from urllib.parse import quote

from functions.alerts.rules.sentence import dollars, format_number
from shared.calendar.trading import EXCHANGE_ZONE
from shared.http.response_data import rfc3339

_CENT = Decimal("0.01")
_SPANS = {"20_sessions": "20-session", "52_weeks": "52-week"}
_BASES = {"previous_close": "the previous close", "session_open": "the open"}


@dataclass(frozen=True, slots=True)
class FiringDetails:
    """A firing with the evaluated figures."""

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
        """URL of the bar, relative to the root of the API."""
        if self.condition["kind"] == "insight":
            return f"/insights?ticker={quote(self.ticker)}&date={self.start.astimezone(EXCHANGE_ZONE).date()}"
        end = max(self.end, self.start + timedelta(seconds=1))
        return f"/ohlc/{quote(self.ticker)}?start={rfc3339(self.start)}&end={rfc3339(end)}"


def explain(firing: FiringDetails) -> str:
    """Return why the rule fired, or why a correction revokes the firing, with the bar and its revision."""
    kind = firing.condition["kind"]
    if firing.kind == "corrected":
        return f"Correction: {_CORRECTIONS[kind](firing)} {_bar(firing)}".rstrip()
    return f"{_REASONS[kind](firing)} {_bar(firing)}".rstrip()


def _bar(firing: FiringDetails) -> str:
    if firing.revision is None:
        return ""
    return f"Bar of {_span(firing)}, revision {firing.revision}, source {firing.source}."


def _span(firing: FiringDetails) -> str:
    start, end = firing.start.astimezone(EXCHANGE_ZONE), firing.end.astimezone(EXCHANGE_ZONE)
    return f"{start:%Y-%m-%d %H:%M}-{end:%H:%M} New York"


def _price(firing: FiringDetails) -> str:
    bound, stated = dollars(firing.bound), dollars(Decimal(firing.condition["amount"]))
    before = "" if bound == stated else f" ({stated} before the split)"
    return f"{firing.ticker} is at {dollars(firing.price)}, {firing.condition['direction']} {bound}{before}."


def _change(firing: FiringDetails) -> str:
    value = firing.value or Decimal()
    side = "above" if value > 0 else "below"
    basis = f"{_BASES[firing.condition['basis']]} of {dollars(firing.bound)}"
    return f"{firing.ticker} is at {dollars(firing.price)}, {_percent(value)} {side} {basis}."


def _volume(firing: FiringDetails) -> str:
    times = format_number((firing.value or Decimal()).quantize(_CENT, ROUND_HALF_UP))
    return f"{firing.ticker} has traded {times} times its usual volume in the session so far."


def _extreme(firing: FiringDetails) -> str:
    side, span = firing.condition["direction"], _SPANS[firing.condition["span"]]
    outermost = "highest" if side == "high" else "lowest"
    before = f"the {outermost} before was {dollars(firing.bound)}"
    return f"{firing.ticker} reached a new {span} {side} of {dollars(firing.value)}; {before}."


def _insight(firing: FiringDetails) -> str:
    return firing.detail or f"There is an insight about {firing.ticker}."


def _missing(firing: FiringDetails) -> str:
    return f"The bar of {firing.ticker} of {_span(firing)} is missing."


def _was_revised(firing: FiringDetails) -> str:
    if firing.revision is None:
        return f"the bar of {firing.ticker} of {_span(firing)} was withdrawn; the alert does not hold without it."
    return f"bars of {firing.ticker} were revised, and the alert does not hold any more. {_now(firing)}"


def _now(firing: FiringDetails) -> str:
    match firing.condition["kind"]:
        case "price":
            return f"It is at {dollars(firing.price)}, not {firing.condition['direction']} {dollars(firing.bound)}."
        case "change":
            basis = _BASES[firing.condition["basis"]]
            return f"It is at {dollars(firing.price)}, against {dollars(firing.bound)} at {basis}."
        case "volume":
            times = format_number((firing.value or Decimal()).quantize(_CENT, ROUND_HALF_UP))
            return f"It has traded {times} times its usual volume."
        case _:
            side = firing.condition["direction"]
            return f"The {side} of the bar is {dollars(firing.value)}; before it was {dollars(firing.bound)}."


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
    "insight": lambda firing: f"the insights of the hour were rewritten, and none is about {firing.ticker} any more.",
    "missing": lambda firing: f"the bar of {firing.ticker} of {_span(firing)} that was missing has arrived.",
}
