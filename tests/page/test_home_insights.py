"""Insights of the home page: sentences and figures of the API, and a choice that the address keeps."""

import re
from copy import deepcopy
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.page.fake_api import FakeApi
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

SELECT = "Kind of insight"


@pytest.fixture
def api() -> FakeApi:
    """Two stocks and three hours of insights: two about the market, one about a company."""
    api = FakeApi()
    hours = []
    for end, kind in (("18:00", "wrap"), ("17:30", "company"), ("16:30", "market")):
        hour = deepcopy(api.answers["/insights"]["items"][0])
        hour |= {"datetime": f"2026-11-27T{end}:00Z", "end": f"2026-11-27T{end}:00Z"}
        hour["insights"] = [hour["insights"][0] | {"kind": kind}]
        hours.append(hour)
    api.answers["/insights"]["items"] = hours
    return api


def texts(page: "Page", selector: str) -> list[str]:
    """Return the text of each element, with single blanks."""
    return [re.sub(r"\s+", " ", text).strip() for text in page.locator(selector).all_inner_texts()]


def query(page: "Page") -> dict[str, list[str]]:
    """The state that the address holds."""
    return parse_qs(urlsplit(page.url).query)


def test_insights_are_by_hour_and_each_figure_leads_to_its_chart(market: System, home: "Page") -> None:
    """Sentences are those of the API under the end of their hour; a figure leads to a chart, none to JSON."""
    hours = market.get("/insights")["items"]
    home.wait_for_selector(".insight")
    home.get_by_role("button", name="Earlier hours").click()
    home.get_by_role("button", name="Fewer", exact=True).wait_for()

    sentences = texts(home, ".insight p")
    links = home.eval_on_selector_all(".insight a", "links => links.map((link) => link.getAttribute('href'))")
    [newest, *_] = texts(home, ".hour h3 time")
    figures = [fact for insight in hours[0]["insights"] for fact in insight["facts"]]
    first = next(fact for fact in figures if fact["ticker"])
    home.locator(".insight a[href^='/stocks/']").first.click()
    home.wait_for_url(f"**/stocks/{first['ticker']}?**at={hours[0]['datetime']}")

    assert sentences == [insight["insight"] for hour in hours for insight in hour["insights"]]
    assert newest == "13:00"
    assert links
    assert all(re.match(r"/stocks/|/[#?]", link) for link in links)


def test_insights_show_kinds_and_figures(market: System, home: "Page") -> None:
    """A kind leaves only its sentences; a sentence opens to each figure with its basis, window and bars."""
    newest = max(market.get("/insights")["items"], key=lambda hour: hour["datetime"])
    insights = home.get_by_role("region", name="Insights")
    insights.get_by_label("Kind of insight").select_option("company")
    kinds = {one["insight"]: one["kind"] for hour in market.get("/insights")["items"] for one in hour["insights"]}
    wait_until(lambda: {kinds[text] for text in texts(home, ".insight p")} == {"company"})
    insights.get_by_text("Figures", exact=True).first.click()
    first = next(one for one in newest["insights"] if one["kind"] == "company")

    figures = " ".join(insights.locator("details[open]").inner_text().split())
    assert all(fact["text"] in figures for fact in first["facts"])
    assert "against" in figures
    assert "prices of" in figures


def test_a_link_shows_the_kind_and_the_hours(page: "Page", api: FakeApi) -> None:
    """The address that the choice leads to shows the same to whoever opens it; a second choice keeps the first."""
    api.open(page)
    page.get_by_label(SELECT).select_option("market")
    wait_until(lambda: texts(page, ".hour h3 time") == ["11:30"])
    page.get_by_label(SELECT).select_option("")
    page.get_by_role("button", name="Earlier hours").click()
    wait_until(lambda: texts(page, ".hour h3 time") == ["13:00", "12:30", "11:30"])
    page.get_by_label(SELECT).select_option("company")
    wait_until(lambda: texts(page, ".hour h3 time") == ["12:30"])
    said = query(page)
    page.reload()
    page.locator(".insight").first.wait_for()

    assert said == {"insights": ["company"], "hours": ["all"]}
    assert texts(page, ".hour h3 time") == ["12:30"]
    assert page.get_by_label(SELECT).input_value() == "company"


def test_the_way_back_leads_to_the_same_insights(page: "Page", api: FakeApi) -> None:
    """A figure leads to its chart; the browser's Back to the kind and the hours that were chosen."""
    api.answers["/insights"]["items"][1]["insights"][0]["facts"][0] |= {"ticker": "S000"}
    api.open(page)
    page.get_by_role("button", name="Earlier hours").click()
    page.get_by_label(SELECT).select_option("company")
    wait_until(lambda: texts(page, ".hour h3 time") == ["12:30"])
    page.locator(".insight a[href^='/stocks/S000']").first.click()
    page.wait_for_url("**/stocks/S000?**")
    page.go_back()
    page.locator(".insight").first.wait_for()

    assert query(page) == {"insights": ["company"], "hours": ["all"]}
    assert texts(page, ".hour h3 time") == ["12:30"]


def test_a_kind_without_insights_says_so(page: "Page", api: FakeApi) -> None:
    """A link to a kind that nothing was written about today says so, and the choice shows where one is."""
    api.open(page, "/?insights=industry")
    page.get_by_text("No insights of this kind").wait_for()

    assert page.get_by_label(SELECT).input_value() == "industry"


def test_two_choices_at_once_are_both_kept(page: "Page", api: FakeApi) -> None:
    """What is chosen before the address has changed is not undone by the next choice."""
    api.open(page)
    page.get_by_role("button", name="Earlier hours").wait_for()
    page.get_by_role("button", name="As a table").wait_for()
    page.evaluate(
        """() => {
          const buttons = [...document.querySelectorAll('main button')];
          for (const name of ['Earlier hours', 'As a table'])
            buttons.find(({ textContent }) => textContent.includes(name)).click();
        }"""
    )

    page.wait_for_url("**/?map=table&hours=all")
