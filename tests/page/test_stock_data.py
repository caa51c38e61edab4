"""Gaps, splits and disagreements of sources on a stock's page, as the API states them."""

import json
from typing import TYPE_CHECKING

from tests.browser import Open, violations
from tests.page.stock import coverage, legend, rows
from tests.running import System

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

NOTES = "Notes on these prices"


def notes(page: "Page") -> str:
    """The notes of the page, in one line."""
    return " ".join(page.get_by_role("list", name=NOTES).inner_text().split())


def test_a_missing_hour_is_shown(market: System, open_page: Open) -> None:
    """It has its place in the chart and in the table, with the reason, and is counted; a click on it leads there."""
    page = open_page(f"{market.url}/stocks/CAT?range=1M&interval=1h&table=open")
    page.get_by_text("of 151 hours are stored").wait_for()

    missing = [row for row in rows(page) if row.get("open") is None]
    told = coverage(page)
    told.get_by_role("button", name="Thu, Nov 19, 11:30 EST").click()
    page.wait_for_url("**at=2026-11-19T16:30:00Z**")

    assert [row["name"] for row in missing] == ["Thu, Nov 19, 12:30 EST", "Thu, Nov 19, 11:30 EST"]
    assert "149 of 151 hours are stored. 2 are missing: not fetched yet." in " ".join(told.inner_text().split())
    assert legend(page) == "Thu, Nov 19, 11:30 EST Missing: not fetched yet"


def test_a_split_is_marked_and_leads_to_its_bar(market: System, open_page: Open) -> None:
    """The ratio and the day stand below the chart; a click picks the first bar on the new scale."""
    page = open_page(f"{market.url}/stocks/PG?range=1M&interval=1h")
    page.get_by_role("list", name=NOTES).get_by_role("button", name="Nov 16, 2026").click()
    page.wait_for_url("**at=2026-11-16T14:30:00Z**")

    assert "4:1 split on Nov 16, 2026 all prices and volumes are adjusted for it" in notes(page)
    assert legend(page).startswith("Mon, Nov 16, 09:30 EST")


def test_figures_in_which_sources_differ_are_listed(market: System, open_page: Open) -> None:
    """The notes count them; opened, they have both figures, the difference, and the way to the bar."""
    page = open_page(f"{market.url}/stocks/PG?range=1M&interval=1h")
    page.get_by_text("1 figure differs").click()

    cells = page.get_by_role("list", name=NOTES).locator("tbody tr").inner_text().split("\t")

    assert [cell.strip() for cell in cells] == ["Fri, Nov 20, 12:30 EST", "high", "100.00", "101.50", "+1.50%"]
    assert "between the stored prices and Alpaca (all exchanges)" in notes(page)
    assert violations(page) == []


def test_a_stock_that_is_left_out_says_why(market: System, open_page: Open) -> None:
    """While the history before a split is requested again, the page has the API's reason, at the stock and at home."""
    detail = "10:1 split on 2026-11-23: the history is being fetched again on the new scale."
    status = {**market.get("/status"), "left_out": [{"ticker": "KO", "reason": "split", "detail": detail}]}
    page = open_page(f"{market.url}/robots.txt")

    def answer(route: "Route") -> None:
        route.fulfill(status=200, content_type="application/json", body=json.dumps(status))

    page.route("**/api/status", answer)
    page.goto(f"{market.url}/stocks/KO")
    page.get_by_role("list", name=NOTES).wait_for()
    stated = notes(page)
    page.goto(market.url)
    page.get_by_text("KO excluded because of a split").wait_for()

    assert detail in stated
