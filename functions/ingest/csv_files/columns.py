"""Columns of a CSV file, found by the names that vendors give them."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

PRICES = ("open", "high", "low", "close")
FIGURES = (*PRICES, "volume")

_NAMES: Mapping[str, tuple[str, ...]] = {
    "ticker": ("ticker", "symbol", "instrument"),
    "interval": ("interval", "per", "timeframe", "resolution", "barsize"),
    "datetime": ("datetime", "timestamp", "date/time", "gmt time", "local time", "opentime", "t", "unix"),
    "date": ("date", "data", "datum", "day"),
    "time": ("time", "czas", "zeit", "hour"),
    "open": ("open", "o", "1. open", "otwarcie", "openprice", "price open"),
    "high": ("high", "h", "2. high", "najwyzszy"),
    "low": ("low", "l", "3. low", "najnizszy"),
    "close": ("close", "c", "4. close", "zamkniecie", "close/last", "last"),
    "volume": ("volume", "vol", "v", "5. volume", "wolumen"),
}
"""Of Yahoo, Stooq (English and Polish), IBKR, Alpaca, Twelve Data, TradingView, Alpha Vantage, Dukascopy."""
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_ZONE = re.compile(r"\(([^()]+)\)\s*$")


class Columns(NamedTuple):
    """The place of each role in a line, the header as it came, and the zone that it names for the times."""

    places: Mapping[str, int]
    header: Sequence[str]
    zone: str | None = None

    @property
    def is_complete(self) -> bool:
        """Return whether the columns have a time and all four prices."""
        return {"datetime", *PRICES} <= self.places.keys() or {"date", *PRICES} <= self.places.keys()

    @property
    def unused(self) -> list[str]:
        """The names of the columns that mean nothing here."""
        return [name for place, name in enumerate(self.header) if place not in self.places.values()]

    def name(self, role: str) -> str:
        """Return the header of the column of *role*."""
        place = self.places.get(role)
        return role if place is None else self.header[place]


def find_columns(header: Sequence[str]) -> Columns:
    """Return the roles of the columns that *header* names; the first of two with the same role has it."""
    places: dict[str, int] = {}
    zone = None
    for place, cell in enumerate(header):
        name = cell.strip().strip("<>\ufeff").casefold()
        if suffix := _ZONE.search(name):
            name = name[: suffix.start()].strip()
        role = _ROLES.get(name) or _ROLES.get(name.replace(" ", "").replace("_", ""))
        if role is None or role in places:
            continue
        places[role] = place
        if role in ("datetime", "date", "time"):
            zone = zone or (cell.strip()[-len(suffix[0]) :].strip("() ") if suffix else None)
            zone = "UTC" if name == "gmt time" else zone
    if "datetime" not in places and "date" not in places and "time" in places:
        places["datetime"] = places.pop("time")
    return Columns(places, [cell.strip() for cell in header], zone)
