"""Reasons for rejecting a bar, in words, with advice about each."""

from typing import NamedTuple


class Reason(NamedTuple):
    """A reason in words, and the advice for the operator."""

    text: str
    advice: str


_SOURCE = "Nothing, if it is one bar: it is requested again. If it recurs, correct the file or ask the provider."
_CLOCK = "State the time zone of the file (REPLAY_ZONE), or correct its times to the starts of bars in UTC."
_LENGTH = "Provide bars of one hour that start when the session opens, or shorter ones, which are aggregated."
_PARTS = "Provide the missing bars of the hour, or import the file with --allow-gaps."
_LABELS = "Check how the provider names this ticker, and the plan of the key: the response does not match the request."
_WAIT = "Nothing: the bar is requested again, and stored as soon as another bar or a second source confirms it."
_SCALE = "If the shares were split, state it with the verb split. If the stored bars are wrong, withdraw their source."
_TRACK = "Add the ticker to TICKERS and run the migration, if it is to be tracked."

REASONS = {
    "price-missing": Reason("a price is missing", _SOURCE),
    "price-not-a-number": Reason("a price is not a number", _SOURCE),
    "price-not-positive": Reason("a price is not above zero", _SOURCE),
    "price-absurd": Reason("a price is implausibly high or low", _SOURCE),
    "low-not-lowest": Reason("the low is not the lowest price", _SOURCE),
    "high-not-highest": Reason("the high is not the highest price", _SOURCE),
    "volume-not-a-number": Reason("the volume is not a number; the prices are stored", _SOURCE),
    "volume-out-of-range": Reason("the volume is not a possible number of shares; the prices are stored", _SOURCE),
    "volume-not-whole": Reason("the volume is not whole; the prices are stored", _SOURCE),
    "volume-zero": Reason("the volume is 0 while the price moved; the prices are stored", _SOURCE),
    "volume-incomplete": Reason("a part of the hour has no volume; the prices are stored", _SOURCE),
    "hour-incomplete": Reason("a part of the hour is missing", _PARTS),
    "line-incomplete": Reason("the line has too few cells", _SOURCE),
    "off-grid": Reason("the bar does not start on the grid of the session", _LENGTH),
    "outside-session": Reason("the exchange was closed", "Nothing. If the exchange was open, add CALENDAR_CLOSINGS."),
    "unfinished": Reason("the bar had not ended when it was fetched", "Nothing: it is requested again."),
    "clock-doubtful": Reason("the clock is not UTC", _CLOCK),
    "named-by-end": Reason("bars are named by their end", _CLOCK),
    "spacing": Reason("the bars are longer than their interval", _LENGTH),
    "interval-wrong": Reason("the answer has another interval", _LABELS),
    "currency-wrong": Reason("the answer is not in US dollars", _LABELS),
    "exchange-timezone-wrong": Reason("the response is for another exchange", _LABELS),
    "instrument-wrong": Reason("the response is for another instrument", _LABELS),
    "time-unreadable": Reason("the bar has no readable time", _SOURCE),
    "contradicted": Reason("the same answer has the bar with other figures", _SOURCE),
    "jump-refuted": Reason("the price jumps for some bars only", _SOURCE),
    "jump-unconfirmed": Reason("the price jumps, and nothing confirms it yet", _WAIT),
    "spike": Reason("one price is far from the surrounding prices", _SOURCE),
    "scale-doubtful": Reason("the answer is on another scale than the stored bars", _SCALE),
    "interval-derived": Reason("bars of this length are derived, never stored", _LENGTH),
    "interval-unknown": Reason("bars of this length are not stored", _LENGTH),
    "ticker-unknown": Reason("the ticker is not tracked", _TRACK),
    "ticker-inactive": Reason("the ticker is no longer tracked", _TRACK),
}


def reason(code: str) -> Reason:
    """Return the reason of *code*, as an event or a newer store may write it."""
    return REASONS.get(code) or Reason(code.replace("-", " "), "See docs/data.md.")
