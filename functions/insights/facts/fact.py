"""A fact: one figure, its text, and the exact bars behind it.

Rounding happens here and nowhere else: a value keeps 6 decimals, a text fewer, both half up and both from the unrounded
figure, so that an independent computation from the bars gives the same digits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import md5
from typing import Literal
from urllib.parse import quote

from functions.insights.facts.hour import HOURLY, Hour

Direction = Literal["up", "down"]
Window = Literal["hour", "open", "session", "day", "week", "month", "year", "sessions"]
"""The span that a figure covers: the bar, the opening, the session so far, since the previous close, ..."""
Moment = Literal["open", "trading", "close"]
"""Place of an hour in its session: the first, one between, the last."""

_ORDER = ("open", "high", "low", "close", "volume")
_BARS_A_DAY, _DEFAULT_LIMIT = 7, 500
"""Most hourly bars of a session, and those of a response of /ohlc whose request names no limit."""
_VALUE = Decimal("0.000001")
_CENT = Decimal("0.01")
_TENTH = Decimal("0.1")


@dataclass(frozen=True, kw_only=True)
class SourceBars:
    """The bars behind a figure: *fields* of the bars of all *tickers* at all *starts*, which end by *end*.

    *as_of* is the instant at which the bars had the figure, where they have been revised since.
    """

    tickers: tuple[str, ...]
    starts: tuple[datetime, ...]
    end: datetime
    fields: tuple[str, ...]
    as_of: datetime | None = None

    @property
    def link(self) -> str:
        """Path and query of /ohlc that returns these bars, below the root of the API."""
        window = f"start={_instant(min(self.starts))}&end={_instant(self.end)}"
        if (bars := _BARS_A_DAY * ((self.end - min(self.starts)).days + 1)) > _DEFAULT_LIMIT:
            window += f"&limit={bars}"
        if self.as_of is not None:
            window += f"&as_of={self.as_of.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
        if len(self.tickers) == 1:
            return f"/ohlc/{quote(self.tickers[0])}?{window}"
        return f"/ohlc?tickers={quote(','.join(self.tickers), safe=',')}&{window}"


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A figure of *metric* about *ticker*, about an *industry*, or about the market where both are None.

    *value* is in *unit*; *text* is its form in a sentence, without the sign: *direction* has that. *left_out* are
    tracked tickers that lack a bar for it. *significance* is its size against the usual, for choosing only.
    """

    id: str = ""
    metric: str
    basis: str | None
    window: Window
    ticker: str | None = None
    industry: str | None = None
    value: Decimal
    unit: str
    text: str
    direction: Direction | None = None
    moment: Moment = "trading"
    source_bars: SourceBars
    left_out: tuple[str, ...] = ()
    significance: Decimal = Decimal()

    @property
    def key(self) -> tuple[str, str | None]:
        """Metric and basis."""
        return self.metric, self.basis

    @property
    def owner(self) -> str | None:
        """Company or industry that the figure is of, None for the market."""
        return self.ticker or self.industry


def direction_of(figure: Decimal) -> Direction | None:
    """Return the direction of *figure*, None for zero."""
    return "up" if figure > 0 else "down" if figure < 0 else None


def round_value(figure: Decimal) -> Decimal:
    """Return *figure* with the decimals of a fact's value."""
    return figure.quantize(_VALUE, ROUND_HALF_UP)


def percent(figure: Decimal) -> str:
    """Return the size of *figure* as `1.43%`."""
    return f"{abs(figure).quantize(_CENT, ROUND_HALF_UP)}%"


def points(figure: Decimal) -> str:
    """Return the size of *figure* as `1.43 percentage points`."""
    return f"{abs(figure).quantize(_CENT, ROUND_HALF_UP)} percentage points"


def times(figure: Decimal) -> str:
    """Return a ratio as `3.1 times`, with a second decimal below 0.1."""
    return f"{figure.quantize(_TENTH if figure >= _TENTH else _CENT, ROUND_HALF_UP)} times"


def exact_dollars(figure: Decimal) -> str:
    """Return a price as stored, with two decimals at least: `$1,271.50`, `$0.0061`."""
    exact = figure.normalize()
    decimals = max(-int(exact.as_tuple().exponent), 2)
    return f"${exact:,.{decimals}f}"


def ordinal(number: int) -> str:
    """Return *number* before a superlative: nothing for the first, then `2nd `, `3rd `, `4th `."""
    return {1: "", 2: "2nd ", 3: "3rd "}.get(number, f"{number}th ")


def rounds_to_zero(figure: Decimal) -> bool:
    """Return whether `percent` shows zero: such a figure is no fact."""
    return not abs(figure).quantize(_CENT, ROUND_HALF_UP)


def source_bars(
    hour: Hour,
    tickers: Iterable[str],
    starts: Iterable[datetime],
    *fields: str,
    only: datetime | None = None,
    as_of: datetime | None = None,
) -> SourceBars:
    """Return *fields* of the bars of *tickers* at *starts* and of this *hour*, or of the bars at *only* alone."""
    return SourceBars(
        tickers=tuple(sorted(tickers)),
        starts=(only,) if only else tuple(sorted({*starts, hour.start})),
        end=hour.session.end(HOURLY, only) if only else hour.end,
        fields=tuple(sorted(set(fields))),
        as_of=as_of,
    )


def bar_checksum(hour: Hour, bars: SourceBars) -> str:
    """Return the checksum of *bars* of *hour* as they are now, equal to bars_digest in Postgres."""
    texts = [
        " ".join(_checksum_parts(hour, bars, ticker, start))
        for ticker in sorted(bars.tickers)
        for start in sorted(bars.starts)
    ]
    return md5(";".join(texts).encode(), usedforsecurity=False).hexdigest()


def _checksum_parts(hour: Hour, bars: SourceBars, ticker: str, start: datetime) -> Iterator[str]:
    bar = hour.bars[ticker][start]
    yield ticker
    yield str(int(bar.start.timestamp()))
    for field in _ORDER:
        value: Decimal | int | None = getattr(bar, field)
        if field in bars.fields and value is not None:
            # As trim_scale writes it: no zeros at the end, no exponent.
            yield f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _instant(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"
