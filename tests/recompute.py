"""A second, independent computation of every figure of an insight, from answers of /ohlc alone."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from functions.store.catalogue import read_catalogue
from shared.calendar.trading import EXCHANGE_ZONE

Bar = Mapping[str, Any]
Bars = Mapping[str, Sequence[Bar]]
"""The bars of an answer by ticker, oldest first."""


def by_ticker(items: Sequence[Bar]) -> dict[str, list[Bar]]:
    """The items of an answer of /ohlc, whose numbers were read as decimals."""
    found: dict[str, list[Bar]] = {}
    for item in items:
        found.setdefault(item["ticker"], []).append(item)
    return found


def recompute(fact: Mapping[str, Any], bars: Bars) -> Fraction:
    """The exact value of *fact*."""
    metric, basis, ticker = fact["metric"], fact["basis"], fact["ticker"]
    if metric in ("breadth", "market_change", "rank"):
        moves = {name: move(some, basis) for name, some in bars.items()}
        return _of_market(metric, fact["direction"], ticker, moves)
    if metric in ("industry_change", "industry_rank", "relative_change"):
        return _of_groups(fact, {name: move(some, "previous_close") for name, some in bars.items()})
    [mine] = bars.values()
    assert all(bar["ticker"] == (ticker or mine[0]["ticker"]) for bar in mine)
    new = mine[-1]
    today = [bar for bar in mine if day_of(bar) == day_of(new)]
    match metric:
        case "change":
            return move(mine, basis)
        case "earlier_change":
            return percent(closing_before(mine)["close"], mine[-2]["close"])
        case "gap":
            return percent(closing_before(mine)["close"], today[0]["open"])
        case "streak":
            return Fraction(streak(mine, fact["direction"]))
        case "volume_ratio":
            clock = clock_of(new)
            usual = [bar["volume"] for bar in mine[:-1] if clock_of(bar) == clock and bar["volume"] is not None]
            assert len(usual) >= 5
            return Fraction(new["volume"]) * len(usual) / sum(usual)
        case "session_volume_ratio":
            days = [[bar for bar in mine if day_of(bar) == day] for day in sorted({day_of(bar) for bar in mine})]
            clocks = [[clock_of(bar) for bar in bars_of_day] for bars_of_day in days]
            assert all(some == clocks[-1] for some in clocks)
            volumes = [sum(bar["volume"] for bar in bars_of_day) for bars_of_day in days]
            assert len(volumes) >= 6
            return Fraction(volumes[-1]) * (len(volumes) - 1) / sum(volumes[:-1])
        case "high":
            assert all(bar["high"] < new["high"] for bar in mine[:-1]), "another bar is as high"
            assert len({day_of(bar) for bar in mine}) == 21
            return Fraction(new["high"])
        case "low":
            assert all(bar["low"] > new["low"] for bar in mine[:-1]), "another bar is as low"
            assert len({day_of(bar) for bar in mine}) == 21
            return Fraction(new["low"])
        case "session_high":
            top = max(bar["high"] for bar in today)
            assert all(bar["high"] < top for bar in mine if bar not in today), "another session is as high"
            return Fraction(top)
        case "session_low":
            bottom = min(bar["low"] for bar in today)
            assert all(bar["low"] > bottom for bar in mine if bar not in today), "another session is as low"
            return Fraction(bottom)
        case "range":
            spread = max(bar["high"] for bar in today) - min(bar["low"] for bar in today)
            return Fraction(spread) / Fraction(today[0]["open"]) * 100
        case "revised_close" | "first_close":
            return Fraction(new["close"])
        case "revised_bar":
            hours, minutes = clock_of(new)[0].split(":")
            return Fraction(int(hours) * 60 + int(minutes))
        case "closing_high":
            assert all(bar["close"] < new["close"] for bar in mine[:-1]), "another close is as high"
            return Fraction(new["close"])
        case "closing_low":
            assert all(bar["close"] > new["close"] for bar in mine[:-1]), "another close is as low"
            return Fraction(new["close"])
        case "distance_from_high":
            return percent(max(bar["close"] for bar in mine[:-1]), new["close"])
        case "volume_since" | "range_since":
            return Fraction(len(smaller_sessions(metric, mine)[0]))
        case "price" | "hour_high" | "hour_low":
            return Fraction(new[{"price": "close", "hour_high": "high", "hour_low": "low"}[metric]])
        case "period":
            return Fraction(int((instant(new["end"]) - instant(new["datetime"])).total_seconds()), 60)
    raise AssertionError(f"no second computation of {metric}")


def move(mine: Sequence[Bar], basis: str) -> Fraction:
    """The change to the newest close in percent, counted from *basis*."""
    new = mine[-1]
    if basis == "session_open":
        return percent(next(bar for bar in mine if day_of(bar) == day_of(new))["open"], new["close"])
    if basis.removeprefix("previous_").removesuffix("_close") in ("week", "month", "year"):
        return percent(mine[0]["close"], new["close"])
    old = mine[-2] if basis == "previous_bar" else closing_before(mine)
    if basis == "previous_bar":
        assert day_of(old) == day_of(new), "the bar before is of another session"
    return percent(old["close"], new["close"])


def streak(mine: Sequence[Bar], direction: str) -> int:
    """Return the number of closes in a row, newest first, that went *direction*."""
    closes = [bar["close"] for day in sorted({day_of(bar) for bar in mine}) for bar in [last_of(mine, day)]]
    count = 0
    for new, old in zip(reversed(closes), reversed(closes[:-1]), strict=False):
        if (new > old) if direction == "up" else (new < old):
            count += 1
        else:
            break
    return count


def smaller_sessions(metric: str, mine: Sequence[Bar]) -> tuple[list[str], str | None]:
    """The days before the newest whose volume or range is smaller, and the one that is not."""
    days = sorted({day_of(bar) for bar in mine}, reverse=True)
    size = session_volume if metric == "volume_since" else session_range
    sizes = {day: size([bar for bar in mine if day_of(bar) == day]) for day in days}
    smaller = [day for day in days[1:] if sizes[day] < sizes[days[0]]]
    larger = [day for day in days[1:] if day not in smaller]
    assert len(larger) <= 1
    assert all(day < smaller[-1] for day in larger), "a session in between is larger"
    return smaller, larger[0] if larger else None


def session_volume(bars: Sequence[Bar]) -> Fraction:
    """The shares traded in *bars*."""
    return Fraction(sum(bar["volume"] for bar in bars))


def session_range(bars: Sequence[Bar]) -> Fraction:
    """The spread of *bars* against their first open."""
    spread = max(bar["high"] for bar in bars) - min(bar["low"] for bar in bars)
    return Fraction(spread) / Fraction(bars[0]["open"])


def _of_market(metric: str, direction: str, ticker: str | None, moves: Mapping[str, Fraction]) -> Fraction:
    same = {name: size for name, size in moves.items() if (size > 0 if direction == "up" else size < 0)}
    if metric == "breadth":
        return Fraction(len(same))
    if metric == "market_change":
        return sum(moves.values(), Fraction()) / len(moves)
    assert ticker in same, "ranked among those that went the other way"
    return Fraction(1 + sum(abs(size) > abs(same[ticker]) for size in same.values()))


def _of_groups(fact: Mapping[str, Any], moves: Mapping[str, Fraction]) -> Fraction:
    """A figure of an industry, or of one stock against others."""
    mean = sum(moves.values(), Fraction()) / len(moves)
    match fact["metric"]:
        case "industry_change":
            return mean
        case "relative_change":
            others = [size for name, size in moves.items() if name != fact["ticker"]]
            return moves[fact["ticker"]] - sum(others, Fraction()) / len(others)
        case _:
            by_industry: dict[str, list[Fraction]] = {}
            for name, size in moves.items():
                by_industry.setdefault(industries()[name], []).append(size)
            means = {name: sum(some, Fraction()) / len(some) for name, some in by_industry.items()}
            same = [size for size in means.values() if (size > 0) == (fact["direction"] == "up")]
            return Fraction(1 + sum(abs(size) > abs(means[fact["industry"]]) for size in same))


@cache
def industries() -> dict[str, str]:
    """The industries of the catalogue by ticker."""
    return {f"{row['ticker']}": f"{row['industry']}" for row in read_catalogue()}


def shown(fact: Mapping[str, Any], value: Fraction, bars: Bars) -> str:
    """Return the words for *value*."""
    metric = fact["metric"]
    match metric:
        case "change" | "earlier_change" | "gap" | "range" | "market_change" | "industry_change":
            return f"{half_up(abs(value), 2)}%"
        case "relative_change":
            return f"{half_up(abs(value), 2)} percentage points"
        case "streak":
            [mine] = bars.values()
            ended = len({day_of(bar) for bar in mine}) > value + 1
            return f"{'' if ended else 'at least '}{value} sessions in a row"
        case "volume_ratio" | "session_volume_ratio":
            return _times(value)
        case "high" | "low" | "session_high" | "session_low":
            return f"a 20-session {fact['metric'].removeprefix('session_')} of {_dollars(value)}"
        case "closing_high" | "closing_low":
            side = "highest" if metric == "closing_high" else "lowest"
            return f"{_dollars(value)}, the {side} close of {_span(bars)}"
        case "distance_from_high":
            return f"{half_up(abs(value), 2)}% below the highest close of {_span(bars)}"
        case "volume_since" | "range_since":
            [mine] = bars.values()
            smaller, larger = smaller_sessions(metric, mine)
            noun = "the largest volume" if metric == "volume_since" else "the widest range"
            if larger is None:
                return f"{noun} of {len(smaller) + 1} sessions"
            day = date.fromisoformat(larger)
            return f"{noun} since {day:%B} {day.day}"
        case "revised_bar":
            return f"the {int(value) // 60:02}:{int(value) % 60:02} bar"
        case "price" | "hour_high" | "hour_low" | "revised_close" | "first_close":
            return _dollars(value)
        case "breadth":
            tracked = f" ({len(bars) + len(fact['left_out'])} tracked)" if fact["left_out"] else ""
            return f"{value} of {len(bars)} stocks{tracked}"
        case "rank":
            number = {1: "", 2: "2nd ", 3: "3rd "}[int(value)]
            total = f"{len(bars)} of {len(bars) + len(fact['left_out'])}" if fact["left_out"] else f"{len(bars)}"
            return f"the {number}biggest {'rise' if fact['direction'] == 'up' else 'fall'} among {total} stocks"
        case "industry_rank":
            count = len({industries()[name] for name in bars})
            return f"the biggest average {'rise' if fact['direction'] == 'up' else 'fall'} among {count} industries"
        case "period":
            return "the last hour" if value == 60 else f"the last {value} minutes"
    raise AssertionError(fact["metric"])


def _span(bars: Bars) -> str:
    """The words for the sessions behind a record: whole when they reach 52 weeks back but for a weekend."""
    [mine] = bars.values()
    first, last = (date.fromisoformat(day_of(bar)) for bar in (mine[0], mine[-1]))
    return "52 weeks" if (last - first).days >= 360 else f"the {len(mine)} stored sessions"


def _times(value: Fraction) -> str:
    return f"{half_up(value, 1 if value >= Fraction(1, 10) else 2)} times"


def _dollars(value: Fraction) -> str:
    """A price with all its decimals, two at least."""
    digits = next(count for count in range(2, 9) if (value * 10**count).denominator == 1)
    return f"${half_up(value, digits):,}"


def half_up(value: Fraction, digits: int) -> Decimal:
    """*value* rounded to *digits* after the point, halves up."""
    scaled = value * 10**digits
    whole = (2 * abs(scaled).numerator + scaled.denominator) // (2 * scaled.denominator)
    return Decimal(whole if scaled >= 0 else -whole).scaleb(-digits)


def percent(old: Decimal, new: Decimal) -> Fraction:
    """The change from *old* to *new*."""
    return (Fraction(new) - Fraction(old)) / Fraction(old) * 100


def instant(text: str) -> datetime:
    """An instant of an answer."""
    return datetime.fromisoformat(text)


def day_of(bar: Bar) -> str:
    """The day in New York that *bar* belongs to."""
    return instant(bar["datetime"]).astimezone(EXCHANGE_ZONE).date().isoformat()


def clock_of(bar: Bar) -> tuple[str, int]:
    """When in the day *bar* starts in New York, and how long it is."""
    length = instant(bar["end"]) - instant(bar["datetime"])
    return f"{instant(bar['datetime']).astimezone(EXCHANGE_ZONE):%H:%M}", int(length.total_seconds())


def last_of(mine: Sequence[Bar], day: str) -> Bar:
    """The last bar of *day*."""
    return [bar for bar in mine if day_of(bar) == day][-1]


def closing_before(mine: Sequence[Bar]) -> Bar:
    """The last bar of the session before the newest bar's: the oldest that an answer for such a figure holds."""
    before = sorted({day_of(bar) for bar in mine} - {day_of(mine[-1])})
    return last_of(mine, before[-1])
