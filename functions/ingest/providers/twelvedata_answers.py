"""Twelve Data's answers: series, errors for the whole request or for one symbol, and labels of a series."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

import httpx

from functions.ingest.gaps import FetchRequest
from functions.ingest.outages import is_server_fault
from functions.ingest.providers import WrongLabels
from functions.ingest.providers.parsing import parse_decimal, parse_instant, refuse_time, sent_text
from shared.events.types import Bar, RefusedBar
from shared.runtime.settings import Secret

_NO_SHARES = ("Currency", "Index", "Bond", "Mutual Fund")
_FIELDS = ("open", "high", "low", "close", "volume")


class TwelveDataFailure(Exception):  # noqa: N818
    """This request, or one symbol of it, failed; the provider requests a *pause*, or has an outage."""

    def __init__(self, message: str, pause: timedelta | None = None, *, outage: bool = False) -> None:
        super().__init__(message)
        self.pause = pause
        self.outage = outage


class OutOfCredits(Exception):  # noqa: N818
    """The provider counts more than we did; the text is "minute" or "day"."""


class KeyRefused(Exception):  # noqa: N818
    """The provider does not accept the key, or not for this."""


class SymbolSeries(NamedTuple):
    """One symbol's part of an answer."""

    bars: list[Bar]
    refused: tuple[RefusedBar, ...] = ()
    labels: WrongLabels | None = None


def read_body(response: httpx.Response) -> dict[str, object]:
    try:
        body = json.loads(response.content, parse_float=Decimal)
    except ValueError as error:  # HTML, cut off, empty, not UTF-8
        outage = is_server_fault(response.status_code)
        raise TwelveDataFailure(f"HTTP {response.status_code} without JSON", outage=outage) from error
    if not isinstance(body, dict):
        outage = is_server_fault(response.status_code)
        raise TwelveDataFailure(f"HTTP {response.status_code} without a JSON object", outage=outage)
    return body


def raise_error(body: Mapping[str, object], status: int, key: Secret, *, alone: bool) -> None:
    """Raise the exception for an error of the whole request; return if it concerns the dates or the one symbol.

    The status may be 200: the body decides.
    """
    code, message = _error(body, status, key)
    if code == 429:
        raise OutOfCredits("day" if "for the day" in message else "minute")
    if code in (401, 403):
        raise KeyRefused(message)
    if not (_is_empty(code, message) or (alone and 400 <= code < 500)):
        raise TwelveDataFailure(f"{code} {message}", outage=is_server_fault(code))


def match_flat(
    body: dict[str, object], batch: Sequence[FetchRequest], symbols: Sequence[str]
) -> dict[FetchRequest, object]:
    """Return the asks that a series which is not keyed by symbol answers."""
    if len(batch) == 1:
        return {batch[0]: body}
    meta = body.get("meta")
    named = meta.get("symbol") if isinstance(meta, dict) else None
    return {ask: body if symbol == named else None for ask, symbol in zip(batch, symbols, strict=True)}


def read_series(answer: object, interval: str, key: Secret) -> SymbolSeries:
    """Return one symbol's part of the answer, oldest bar first; TwelveDataFailure when there is none to read."""
    if not isinstance(answer, dict):
        raise TwelveDataFailure("left out of the answer")
    if "code" in answer or answer.get("status") == "error":
        code, message = _error(answer, 0, key)
        if _is_empty(code, message):
            return SymbolSeries([])
        raise TwelveDataFailure(f"{code} {message}")
    values = answer.get("values")
    if not isinstance(values, list):
        raise TwelveDataFailure("no values")
    meta = answer.get("meta")
    bars: list[Bar] = []
    refused: list[RefusedBar] = []
    for value in values:
        if bar := _read_bar(value):
            bars.append(bar)
        else:
            refused.append(refuse_time(value))
    # Sorting keeps the order of bars with the same start: the last one sent comes last.
    bars.sort(key=lambda bar: bar.start)
    return SymbolSeries(bars, tuple(refused), _check_labels(meta, interval) if isinstance(meta, dict) else None)


def _check_labels(meta: Mapping[str, object], interval: str) -> WrongLabels | None:
    """Return the labels of the series that differ from the request, None if they match or are absent."""
    for name, expected in (
        ("interval", (interval,)),
        ("currency", ("USD",)),
        ("exchange_timezone", ("America/New_York",)),
    ):
        found = meta.get(name)
        if found not in (None, "", *expected):
            return WrongLabels(f"{name.replace('_', '-')}-wrong", f"The {name} is {found}, not {expected[0]}.")
    if any(word in str(meta.get("type", "")) for word in _NO_SHARES):
        return WrongLabels("instrument-wrong", f"The instrument is a {meta['type']}, not a share.")
    return None


def _read_bar(value: object) -> Bar | None:
    """Return one bar, None when its time cannot be read."""
    if not isinstance(value, dict):
        return None
    start = parse_instant(value.get("datetime"))
    if start is None:
        return None
    figures = {name: parse_decimal(value.get(name)) for name in _FIELDS}
    return Bar(
        start=start,
        **figures,
        text=sent_text(value) if any(figure is not None and figure.is_nan() for figure in figures.values()) else None,
    )


def _error(body: Mapping[str, object], status: int, key: Secret) -> tuple[int, str]:
    """Return code and message of an error, fit for the log: vendors have been seen to repeat the key."""
    code, message = str(body.get("code", "")), str(body.get("message", ""))
    return int(code) if code.isdecimal() else status, message.replace(key.reveal(), "***")[:300]


def _is_empty(code: int, message: str) -> bool:
    return code == 400 and "No data is available" in message
