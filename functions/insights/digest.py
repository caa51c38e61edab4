"""What the bars behind a figure said when it was computed, in short: the twin of bars_digest in Postgres."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import md5

from functions.insights.fact import Rests
from functions.insights.hour import Hour

_ORDER = ("open", "high", "low", "close", "volume")


def digest_of(hour: Hour, rests: Rests) -> str:
    """Return the digest of the bars of *hour* that a figure *rests* on."""
    said = [
        " ".join(_words(hour, rests, ticker, start))
        for ticker in sorted(rests.tickers)
        for start in sorted(rests.starts)
    ]
    return md5(";".join(said).encode(), usedforsecurity=False).hexdigest()


def _words(hour: Hour, rests: Rests, ticker: str, start: datetime) -> Iterator[str]:
    bar = hour.bars[ticker][start]
    yield ticker
    yield str(int(bar.start.timestamp()))
    for field in _ORDER:
        value: Decimal | int | None = getattr(bar, field)
        if field in rests.fields and value is not None:
            # As trim_scale writes it: no zeros at the end, no exponent.
            yield f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
