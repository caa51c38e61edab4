"""Checksum of the bars behind a figure when it was computed: the twin of bars_digest in Postgres."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from hashlib import md5

from functions.insights.facts.fact import SourceBars
from functions.insights.facts.hour import Hour

_ORDER = ("open", "high", "low", "close", "volume")


def bar_checksum(hour: Hour, bars: SourceBars) -> str:
    """Return the checksum of *bars* of *hour*."""
    texts = [
        " ".join(_parts(hour, bars, ticker, start)) for ticker in sorted(bars.tickers) for start in sorted(bars.starts)
    ]
    return md5(";".join(texts).encode(), usedforsecurity=False).hexdigest()


def _parts(hour: Hour, bars: SourceBars, ticker: str, start: datetime) -> Iterator[str]:
    bar = hour.bars[ticker][start]
    yield ticker
    yield str(int(bar.start.timestamp()))
    for field in _ORDER:
        value: Decimal | int | None = getattr(bar, field)
        if field in bars.fields and value is not None:
            # As trim_scale writes it: no zeros at the end, no exponent.
            yield f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
