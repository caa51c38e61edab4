"""Faults on demand: each set by name, for the next requests that it applies to."""

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

VENDORS = ("twelvedata", "finnhub", "alpaca", "yahoo")

CONNECTION = {"timeout", "slow", "reset", "truncated", "empty_body", "html_200", "bad_gateway", "error_500"}
"""Faults of any request to any vendor."""

TWELVEDATA = {
    "minute_credits": "429, out of credits for the minute",
    "minute_credits_200": "the same as HTTP 200",
    "day_credits": "429, out of credits for the day",
    "day_credits_200": "the same as HTTP 200",
    "credits_left_zero": "a good answer whose headers say that no credits are left",
    "unauthorized": "401",
    "unauthorized_200": "the same as HTTP 200",
    "forbidden": "403, not in this plan",
    "not_found": "404 for the whole request",
    "no_data": "400, no data on the dates",
    "no_data_200": "the same as HTTP 200",
    "symbol_error": "in a batch an error in the place of the symbols (`code`, `message`)",
    "left_out": "a batch without the symbols",
    "wrong_interval": "a series that says of itself that it has half hours",
    "descending": "newest first in any requested order",
    "duplicate_bar": "the newest bar twice, then with another close",
    "changed_bar": "the newest bar with another close",
    "missing_bar": "the newest bar is left out",
    "weekend_bar": "a bar on the Saturday after the newest bar",
    "off_grid_bar": "a bar seven minutes after the newest",
    "extended_hours_bar": "a bar an hour before the newest session opens",
    "null_values": "the newest bar with nulls",
    "nan_values": 'the newest bar with "NaN"',
    "missing_volume": "bars without volume",
    "price_x10000": "the newest bar 10,000 times too dear",
}
"""Faults of a request to Twelve Data; those of one bar take `symbols`, else all."""

FINNHUB = {
    "zeros": "a quote of zeros with HTTP 200",
    "stale_quote": "a quote of three days ago",
    "empty_profile": "{} with HTTP 200",
    "missing_fields": "a profile with empty and missing fields",
    "float_phone": 'a phone number that ends in ".0"',
    "text_429": "429 in text/plain",
    "json_429": "429",
    "unauthorized": "401",
}
"""Faults of a request to Finnhub."""

ALPACA = {
    "unauthorized": "401",
    "recent_sip": "403, no recent SIP data in this plan",
    "retry_after": "429 that states a pause of `seconds`",
    "missing_half": "the newest half hour of the symbols is left out",
    "null_values": "the newest half hour with nulls",
    "missing_volume": "the newest half hour without a volume",
    "zero_volume": "the newest half hour with the volume 0 and a price that moved",
    "no_object": "200 with JSON that has no bars",
}
"""Faults of a request to Alpaca."""

YAHOO = {
    "throttled": "429 `Too Many Requests` in text/plain",
    "nulls": "an hour with nulls in all arrays",
    "wrong_interval": "a chart that says of itself that it has half hours",
    "post_market": "an hour after the close of the newest session",
}
"""Faults of a request to Yahoo."""

LASTING = {
    "split": "from now on all prices of the symbols divided by `factor`",
    "renamed": "from now on the symbols are unknown, and known as `to`",
}


class UnknownFault(Exception):  # noqa: N818
    """No such fault; the text says what there is."""


@dataclass
class Fault:
    """One fault, for the next *times* requests to *vendor* (that name one of *symbols*, if any are given)."""

    kind: str
    vendor: str
    times: int
    symbols: Collection[str]
    options: Mapping[str, Any]

    def concerns(self, symbol: str) -> bool:
        """Return whether *symbol* is meant."""
        return not self.symbols or symbol in self.symbols


@dataclass
class Faults:
    """The faults that wait for their requests, oldest first, and those that last."""

    factors: dict[str, Decimal] = field(default_factory=dict)
    """By symbol: what its prices are divided by."""
    renamed: dict[str, str] = field(default_factory=dict)
    """By new symbol: the old one."""
    _waiting: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kinds: ClassVar[dict[str, set[str]]] = {
        "twelvedata": CONNECTION | TWELVEDATA.keys(),
        "finnhub": CONNECTION | FINNHUB.keys(),
        "alpaca": CONNECTION | ALPACA.keys(),
        "yahoo": CONNECTION | YAHOO.keys(),
    }

    def order(self, wish: Mapping[str, Any]) -> None:
        """Take in `{"kind": …, "vendor": …, "times": n, "symbols": […], …}`. UnknownFault for what there is not."""
        options = dict(wish)
        kind, vendor = options.pop("kind", None), options.pop("vendor", "twelvedata")
        times, symbols = options.pop("times", 1), options.pop("symbols", ())
        if kind == "split" and symbols:
            self.factors |= dict.fromkeys(symbols, Decimal(str(options.get("factor", 2))))
        elif kind == "renamed" and len(symbols) == 1 and "to" in options:
            self.renamed[options["to"]] = symbols[0]
        elif vendor in VENDORS and kind in self._kinds[vendor]:
            with self._lock:
                self._waiting.append(Fault(kind, vendor, times, frozenset(symbols), options))
        else:
            known = {vendor: sorted(kinds) for vendor, kinds in self._kinds.items()} | {"lasting": sorted(LASTING)}
            raise UnknownFault(f"there is no {kind!r} of {vendor!r} with these symbols: {known}")

    def take(self, vendor: str, symbols: Collection[str]) -> Fault | None:
        """Return the fault that concerns this request, and count it."""
        with self._lock:
            for fault in self._waiting:
                if fault.vendor == vendor and (not symbols or any(fault.concerns(symbol) for symbol in symbols)):
                    fault.times -= 1
                    if fault.times <= 0:
                        self._waiting.remove(fault)
                    return fault
        return None

    def forget(self) -> None:
        """Behave from now on."""
        with self._lock:
            self._waiting.clear()
            self.factors.clear()
            self.renamed.clear()
