"""Facts about how one company's stock traded in an hour: volume, prices, range, new highs and lows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal

from functions.insights.fact import Fact, Rests, dollars, percent, rounded, shown_as_nothing, times
from functions.insights.hour import SESSIONS, Hour

USUAL_AT_LEAST = 5
"""Sessions that must have a bar at the same time of day, for their average to be called usual."""
BUSY, QUIET = Decimal("1.5"), Decimal("0.6")
"""Volume between these times the usual one is nothing to tell."""
_PERIODS = {60: "the last hour", 30: "the last 30 minutes"}


def trading_facts(hour: Hour, ticker: str, usual: Decimal) -> Iterator[Fact]:
    """Yield what the bars of *ticker* say of its trading; *usual* is the size of its usual move in percent."""
    for fact in (
        _volume(hour, ticker),
        _extreme(hour, ticker, "high"),
        _extreme(hour, ticker, "low"),
        _range(hour, ticker, usual),
    ):
        if fact is not None:
            yield fact
    yield from _prices(hour, ticker)


def _volume(hour: Hour, ticker: str) -> Fact | None:
    """Return this bar's volume over its average at the same time of the sessions before that have one."""
    now = hour.bar(ticker, hour.start)
    usual = [bar for start in hour.same_time if (bar := hour.bar(ticker, start)) and bar.volume is not None]
    if now is None or now.volume is None or len(usual) < USUAL_AT_LEAST:
        return None
    total = sum(bar.volume or 0 for bar in usual)
    if not total:
        return None
    figure = Decimal(now.volume) * len(usual) / total
    if QUIET < figure < BUSY:
        return None
    return Fact(
        metric="volume_ratio",
        ticker=ticker,
        basis="same_time_of_day",
        value=rounded(figure),
        unit="times",
        text=f"{times(figure)} the usual volume for this time of day",
        direction="up" if figure > 1 else "down",
        rests=rests_on(hour, ticker, [bar.start for bar in usual], "volume"),
        weight=figure / BUSY if figure > 1 else QUIET / max(figure, Decimal("0.1")) / 2,
    )


def _extreme(hour: Hour, ticker: str, side: str) -> Fact | None:
    """Return this bar's high (or low) if no bar of the session before it, and of the 20 sessions before, reached it."""
    if len(hour.previous) < SESSIONS:
        return None
    now, others = hour.bar(ticker, hour.start), hour.all_bars(ticker, [*hour.history, *hour.so_far[:-1]])
    if now is None or others is None:
        return None
    value: Decimal = getattr(now, side)
    if side == "high" and value <= max(bar.high for bar in others):
        return None
    if side == "low" and value >= min(bar.low for bar in others):
        return None
    return Fact(
        metric=side,
        ticker=ticker,
        basis=f"{SESSIONS}_sessions",
        value=value,
        unit="USD",
        text=f"a {SESSIONS}-session {side} of {dollars(value)}",
        direction="up" if side == "high" else "down",
        rests=rests_on(hour, ticker, [bar.start for bar in others], side),
        weight=Decimal("2.5"),
    )


def _range(hour: Hour, ticker: str, usual: Decimal) -> Fact | None:
    """Return the session's highest price so far less its lowest, in percent of its opening price."""
    bars = hour.all_bars(ticker, hour.so_far)
    if bars is None:
        return None
    figure = (max(bar.high for bar in bars) - min(bar.low for bar in bars)) / bars[0].open * 100
    if shown_as_nothing(figure):
        return None
    return Fact(
        metric="range",
        ticker=ticker,
        basis="session_open",
        value=rounded(figure),
        unit="percent",
        text=percent(figure),
        direction=None,
        rests=rests_on(hour, ticker, hour.so_far[:-1], "open", "high", "low"),
        weight=figure / usual / 2,
    )


def _prices(hour: Hour, ticker: str) -> Iterator[Fact]:
    """Yield the last price of the hour, and the highest and the lowest of it."""
    now = hour.bar(ticker, hour.start)
    assert now is not None, "only tickers that are present have facts"  # noqa: S101
    for metric, field in (("price", "close"), ("hour_high", "high"), ("hour_low", "low")):
        value: Decimal = getattr(now, field)
        yield Fact(
            metric=metric,
            ticker=ticker,
            basis=None,
            value=value,
            unit="USD",
            text=dollars(value),
            direction=None,
            rests=rests_on(hour, ticker, (), field),
        )


def period_of(hour: Hour) -> Fact:
    """Return how long this hour's bar is, in words: the last one of a session may be shorter."""
    minutes = int((hour.end - hour.start).total_seconds()) // 60
    return Fact(
        metric="period",
        ticker=None,
        basis=None,
        value=Decimal(minutes),
        unit="minutes",
        text=_PERIODS.get(minutes, f"the last {minutes} minutes"),
        direction=None,
        rests=Rests(tickers=hour.present[:1], starts=(hour.start,), end=hour.end, fields=()),
    )


def rests_on(hour: Hour, ticker: str, starts: Sequence[datetime], *fields: str) -> Rests:
    """Return that a figure rests on *fields* of the bars of *ticker* at *starts* and of this hour."""
    return Rests(
        tickers=(ticker,), starts=tuple(sorted({*starts, hour.start})), end=hour.end, fields=tuple(sorted(set(fields)))
    )
