"""Text of a quote as the page writes it: price, change, instant in New York, name of a source."""

from datetime import datetime
from decimal import Decimal

from shared.calendar.trading import EXCHANGE_ZONE

_MAX_DIGITS = 4
_SOURCES = {
    "twelvedata": "Twelve Data",
    "alpaca-sip": "Alpaca (all exchanges)",
    "alpaca-iex": "Alpaca (IEX alone)",
    "yahoo": "Yahoo",
    "import": "imported files",
    "replay": "replayed files",
    "simulated": "simulated prices",
    "mixed": "several sources",
}
"""Names of sources as people write them, the same as on the page (frontend/src/lib/market/sources.ts)."""


def price_text(price: Decimal) -> str:
    """Return *price* with its stored digits after the point, but two to four of them."""
    exponent = price.as_tuple().exponent
    digits = -exponent if isinstance(exponent, int) else 0
    return f"{price:,.{max(2, min(_MAX_DIGITS, digits))}f}"


def percent_text(percent: Decimal) -> str:
    """Return *percent* without its sign."""
    return f"{abs(percent):.2f}%"


def instant_text(instant: str) -> str:
    """Return *instant* (RFC 3339) in New York: Fri, Nov 20, 2026, 16:00 EST."""
    local = datetime.fromisoformat(instant).astimezone(EXCHANGE_ZONE)
    return f"{local:%a, %b} {local.day}, {local:%Y, %H:%M %Z}"


def source_text(source: str) -> str:
    """Return the name of *source*."""
    return _SOURCES.get(source) or source
