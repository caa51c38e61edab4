"""The parts of a stock's page that tests read."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

MONTH = "/stocks/NVDA?range=1M&interval=1h"
PRICES = ("open", "high", "low", "close")


def rows(page: "Page") -> list[dict[str, Any]]:
    """Return the rows of the table of bars, the newest first; figures as numbers, None for missing ones."""
    page.locator("tr[data-time]").first.wait_for()
    cells = page.locator("tr[data-time]").evaluate_all(
        "rows => rows.map(row => [row.dataset.time, ...[...row.cells].map(cell => cell.innerText.trim())])"
    )
    return [
        {"timestamp": int(time), "name": name, **dict(zip((*PRICES, "volume"), map(number, figures), strict=False))}
        for time, name, *figures in cells
    ]


def number(text: str) -> float | None:
    """A figure as the page writes it."""
    return float(text.replace(",", "")) if re.fullmatch(r"[\d.,]+", text) else None


def drawn_chart(page: "Page") -> "Locator":
    """The chart, once it is drawn: by the page itself, or by the library for a reader who uses it."""
    chart = page.get_by_role("slider")
    chart.locator("svg, canvas").first.wait_for()
    return chart


def moving_chart(page: "Page") -> "Locator":
    """The chart, once the library draws it, which the page does not any more."""
    chart = page.get_by_role("slider")
    chart.locator("canvas").first.wait_for()
    chart.locator("svg").wait_for(state="detached")
    return chart


def legend(page: "Page") -> str:
    """The legend of the chart, in one line."""
    return " ".join(page.get_by_test_id("legend").inner_text().split())


def coverage(page: "Page") -> "Locator":
    """The coverage line, opened."""
    page.get_by_text("hours are stored").click()
    return page.locator("details.coverage")
