"""Twenty questions that people ask an assistant: the tool's result holds the known answer."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.mcp.conftest import Assistant
from tests.running import System

Answer = Callable[[Assistant], Any]
Known = Callable[[System], Any]

FRIDAY = "2026-11-20"


def bars(system: System, ticker: str, **query: str | int) -> list[dict[str, Any]]:
    """Return bars of the API, which the answers below are computed from."""
    return system.get("/ohlc", tickers=ticker, **query)["items"]


def closes(system: System, day: int = -1) -> dict[str, Decimal]:
    """Return the close of each ticker on a day, counted from the newest."""
    items = system.get("/ohlc", interval="1d", start="2026-11-16")["items"]
    return {
        item["ticker"]: Decimal(str([i for i in items if i["ticker"] == item["ticker"]][day]["close"]))
        for item in items
    }


def change_percent(system: System, ticker: str) -> float:
    """Return Friday's change against Thursday's close, rounded as the API does."""
    new, old = closes(system)[ticker], closes(system, -2)[ticker]
    return float(round((new - old) / old * 100, 4))


QUESTIONS: dict[str, tuple[Answer, Known]] = {
    "What does Apple cost?": (
        lambda ask: ask.rows("bars", "latest", tickers=["AAPL"])[0]["close"],
        lambda system: bars(system, "AAPL", limit=1)[0]["close"],
    ),
    "How much did Nvidia change today?": (
        lambda ask: ask.rows("bars", "latest", tickers=["NVDA"])[0]["change_percent"],
        lambda system: change_percent(system, "NVDA"),
    ),
    "Where did Microsoft close on Thursday?": (
        lambda ask: ask.rows("bars", "bars", tickers=["MSFT"], start="2026-11-19", end=FRIDAY)[0]["close"],
        lambda system: float(closes(system, -2)["MSFT"]),
    ),
    "What is the ticker of Berkshire Hathaway?": (
        lambda ask: [row["ticker"] for row in ask.rows("tickers", "tickers", search="berkshire")],
        lambda system: [i["ticker"] for i in system.get("/tickers")["items"] if "Berkshire" in i["name"]],
    ),
    "Which stocks do you track?": (
        lambda ask: [row["ticker"] for row in ask.rows("tickers", "tickers")],
        lambda system: sorted(closes(system)),
    ),
    "What rose most today?": (
        lambda ask: ask.rows("movers", "movers", limit=1)[0]["ticker"],
        lambda system: max(closes(system), key=lambda one: change_percent(system, one)),
    ),
    "What fell most today?": (
        lambda ask: ask.rows("movers", "movers", kind="losers", limit=1)[0]["ticker"],
        lambda system: min(closes(system), key=lambda one: change_percent(system, one)),
    ),
    "What was traded most?": (
        lambda ask: ask.rows("movers", "movers", kind="active", limit=1)[0]["volume"],
        lambda system: max(i["volume"] for i in system.get("/ohlc", interval="1d", start=FRIDAY)["items"]),
    ),
    "How did KO do this week, day by day?": (
        lambda ask: [row["close"] for row in ask.rows("bars", "bars", tickers=["KO"], start="2026-11-16")],
        lambda system: [i["close"] for i in bars(system, "KO", interval="1d", start="2026-11-16")],
    ),
    "What was Apple's highest price on Friday?": (
        lambda ask: ask.rows("bars", "bars", tickers=["AAPL"], start=FRIDAY)[0]["high"],
        lambda system: max(i["high"] for i in bars(system, "AAPL", start=FRIDAY)),
    ),
    "And hour by hour?": (
        lambda ask: [r["close"] for r in ask.rows("bars", "bars", tickers=["AAPL"], interval="1h", start=FRIDAY)],
        lambda system: [i["close"] for i in bars(system, "AAPL", start=FRIDAY)],
    ),
    "Compare Apple and Coca-Cola over two days.": (
        lambda ask: [(r["ticker"], r["close"]) for r in ask.rows("bars", "bars", tickers=["AAPL", "KO"], limit=4)],
        lambda system: [(i["ticker"], i["close"]) for i in bars(system, "AAPL,KO", interval="1d", limit=2)],
    ),
    "Is the market open?": (lambda ask: ask.answer("calendar")["open_now"], lambda _: False),
    "When does it open next?": (lambda ask: ask.answer("calendar")["next_change_at"], lambda _: "2026-11-23T14:30:00Z"),
    "Is Thanksgiving a trading day, and the day after a short one?": (
        lambda ask: [
            (r["date"], r["half_day"]) for r in ask.rows("sessions", "calendar", start="2026-11-25", end="2026-11-28")
        ],
        lambda _: [("2026-11-25", False), ("2026-11-27", True)],
    ),
    "How old is the data?": (lambda ask: ask.answer("status")["data_age_seconds"], lambda _: 3600),
    "Are these real prices?": (lambda ask: ask.answer("status")["simulated"], lambda _: True),
    "Is anything missing in Friday's data?": (
        lambda ask: (
            ask.answer("coverage", start=FRIDAY)["totals"]["present"],
            ask.answer("coverage", start=FRIDAY)["incomplete"],
        ),
        lambda system: (len(system.get("/ohlc", start=FRIDAY)["items"]), []),
    ),
    "What happened in the last hour?": (
        lambda ask: [one["insight"] for one in ask.answer("insights")["hours"][0]["insights"]],
        lambda system: [one["insight"] for one in system.get("/insights", limit=1)["items"][0]["insights"]],
    ),
    "What was known on November 1?": (
        lambda ask: ask.answer("bars", tickers=["AAPL"], as_of="2026-11-01")["bars"],
        lambda _: [],
    ),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_answer_is_in_the_result(assistant: Assistant, question: str) -> None:
    """The figure that the tool gives is the one computed from the bars, to the last digit."""
    ask, known = QUESTIONS[question]

    assert ask(assistant) == known(assistant.system)


def test_a_reason_names_tools_in_whole_sentences(assistant: Assistant) -> None:
    """The API's paths become tools, also where a sentence begins with one."""
    reason = assistant.answer("tickers", search="zzzz")["reason"]

    assert reason["text"] == "No tracked ticker or name matches zzzz. The tool tickers lists those that are tracked."
