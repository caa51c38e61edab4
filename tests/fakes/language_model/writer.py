"""What an obedient model makes of a table of facts: sentences with slots, of its own making and not our rules'."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

HEAD = "fact|of|metric/counted from|way|text"
UPS, DOWNS = ("climbed", "advanced", "gained"), ("slipped", "retreated", "dropped")


class Row(NamedTuple):
    """A line of the table."""

    id: str
    of: str
    metric: str
    way: str
    text: str

    @property
    def slot(self) -> str:
        """What stands for it in a sentence."""
        return f"{{{self.id}}}"


def read_table(texts: Sequence[str]) -> list[Row]:
    """Return the table that is in one of *texts*, [] when there is none."""
    for text in texts:
        lines = text.splitlines()
        if HEAD in lines:
            return [Row(*line.split("|", 4)) for line in lines[lines.index(HEAD) + 1 :] if line.count("|") >= 4]
    return []


def write(table: Sequence[Row]) -> list[dict[str, object]]:
    """Return three to five insights about *table*, as far as it goes."""
    return [*_market(table), *_companies(table)][:5]


def _market(table: Sequence[Row]) -> Iterator[dict[str, object]]:
    day = [row for row in table if row.of == "market" and row.metric.endswith("/previous_close")]
    breadth = [row for row in day if row.metric.startswith("breadth")]
    average = next((row for row in day if row.metric.startswith("market_change")), None)
    if len(breadth) == 2 and average:
        clauses = [f"{row.slot} {'climbed' if row.way == 'up' else 'slipped'}" for row in breadth]
        verb = "gained" if average.way == "up" else "lost"
        yield _insight(f"{clauses[0]} while {clauses[1]}, and the average stock {verb} {average.slot}.", average.way)


def _companies(table: Sequence[Row]) -> Iterator[dict[str, object]]:
    period = next((row for row in table if row.metric == "period"), None)
    by_ticker: dict[str, dict[str, Row]] = {}
    for row in table:
        if row.of != "market":
            by_ticker.setdefault(row.of, {})[row.metric] = row
    ranked = sorted(by_ticker, key=lambda ticker: ("rank/previous_close" not in by_ticker[ticker], ticker))
    for number, ticker in enumerate(ranked):
        rows = by_ticker[ticker]
        day, rank = rows.get("change/previous_close"), rows.get("rank/previous_close")
        hour = rows.get("change/previous_bar")
        if day is None:
            continue
        verb = (UPS if day.way == "up" else DOWNS)[number % 3]
        if rank:
            yield _insight(f"{{{ticker}}} {verb} {day.slot}, {rank.slot}.", day.way, ticker)
        elif hour and period:
            also = (UPS if hour.way == "up" else DOWNS)[number % 3]
            text = f"{{{ticker}}} {also} {hour.slot} in {period.slot} and is {day.way} {day.slot}."
            yield _insight(text, "-" if hour.way != day.way else day.way, ticker)
        else:
            yield _insight(f"{{{ticker}}} {verb} {day.slot} since the previous close.", day.way, ticker)


def _insight(template: str, way: str, *tickers: str) -> dict[str, object]:
    sentiment = {"up": "positive", "down": "negative"}.get(way, "neutral")
    return {"template": template, "sentiment": sentiment, "tickers": list(tickers)}
