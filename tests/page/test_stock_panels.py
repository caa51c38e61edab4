"""Every panel of a stock's page in each of its states, in a real browser, without functions."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.browser import violations
from tests.page.fake_api import OFFLINE, FakeApi, stock_of
from tests.page.stock import drawn_chart
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

PATH = "/stocks/S000?range=1W&interval=1h"


@pytest.fixture
def api() -> FakeApi:
    """Answers for a stock that lacks nothing, and four others."""
    api = FakeApi(5)
    api.answers |= stock_of("S000")
    return api


def reason(code: str, again: str | None = None) -> dict[str, str | None]:
    """The `reason` of an empty answer of the API."""
    return {"code": code, "text": "The API says this.", "ask_again_at": again}


def text(page: "Page") -> str:
    """Return the text of the page below its header, with all panels loaded."""
    page.locator(".below").scroll_into_view_if_needed()
    return " ".join(page.get_by_role("main").inner_text().split())


def test_panels_that_load_have_grey_places(page: "Page", api: FakeApi) -> None:
    """Until the first answer the price, the chart and the insights have their places, and nothing is called missing."""
    api.set(None).open(page, PATH)
    page.get_by_role("heading", name="S000").wait_for()

    assert page.locator("header .price .skeleton").count() == 2
    assert page.locator(".chart .later[aria-busy=true] .skeleton").count() == 1
    assert page.locator(".below [aria-busy=true]").count() == 1
    assert not {"cannot", "yet", "missing"} & set(text(page).split())


def test_panels_show_what_there_is(page: "Page", api: FakeApi) -> None:
    """With everything stored each panel has its figures, and no panel waits."""
    api.open(page, PATH)
    drawn_chart(page)
    wait_until(lambda: "1W ▲" in text(page) or "1W" in text(page))
    page.get_by_role("region", name="Technology").wait_for()

    for words in ("99.00", "Previous close 100.00", "25 of 25 hours are stored. Nothing is missing."):
        assert words in text(page)
    assert page.get_by_role("region", name="Technology").get_by_role("link").count() == 4
    assert page.locator("main .skeleton").count() == 0
    assert violations(page) == []


def test_the_price_comes_first_and_a_slow_one_holds_nothing_back(page: "Page", api: FakeApi) -> None:
    """The line is free for the price; when it does not come for a while, the chart and the insights come without it."""
    page.clock.install()
    page.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    api.answers["/latest"] = None
    api.open(page, PATH)
    page.locator("html[data-live]").wait_for(state="attached")

    def requested(*paths: str) -> bool:
        page.clock.run_for(20)
        return set(paths) <= set(api.requests)

    wait_until(lambda: requested("/latest", "/status"))
    first = set(api.requests)
    wait_until(lambda: requested("/insights?ticker=S000", "/tickers/S000"))
    page.clock.run_for(11_000)
    page.clock.resume()
    drawn_chart(page)

    assert first == {"/latest", "/status"}


def test_panels_say_that_there_is_nothing_yet(page: "Page", api: FakeApi) -> None:
    """A stock that is tracked and has no price yet says so in its panels."""
    api.answers["/latest"]["items"].pop(0)
    api.answers["/ohlc/S000"]["items"] = []
    api.answers["/insights"]["items"] = []
    api.open(page, PATH)
    page.get_by_text("No prices of S000 in this range").wait_for()
    page.get_by_text("No insights about this stock yet").wait_for()

    assert "There is no price of S000 yet" in text(page)
    assert page.locator("main .skeleton").count() == 0
    assert violations(page) == []


def test_panels_say_why_there_is_nothing(page: "Page", api: FakeApi) -> None:
    """Chart, coverage, insights, ranges and performance that are empty each say why, and no place stays grey."""
    days = next(path for path in api.answers if "interval=1d" in path)
    api.answers[days] = {**api.answers[days], "items": [], "reason": reason("not-at-provider")}
    api.answers["/ohlc/S000"] |= {"items": [], "reason": reason("market-closed")}
    api.answers["/insights"] |= {"items": [], "reason": reason("none-qualifies", "2026-11-30T15:31:00Z")}
    api.open(page, PATH)
    for words in (
        "The exchange is closed at that time: a weekend, a holiday or overnight.",
        "Nothing qualifies at the moment. Expected on Mon, Nov 30, 10:31 EST.",
        "No daily prices are stored yet.",
    ):
        page.get_by_text(words).wait_for()
    page.locator(".below").scroll_into_view_if_needed()
    page.get_by_text("The source has no data for it.").wait_for()
    wait_until(lambda: page.locator("main .skeleton").count() == 0)


def test_coverage_of_no_hours_says_why(page: "Page", api: FakeApi) -> None:
    """Coverage names the reason when no hour is expected, not "0 of 0 hours"."""
    api.answers["/coverage"] |= {
        "items": [],
        "totals": {"expected": 0, "present": 0},
        "reason": reason("market-closed"),
    }
    api.open(page, PATH)

    page.get_by_text("No hour is expected in this period. The exchange is closed at that time").wait_for()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (500, "The service returned an error (500)."),
        (503, "The service returned an error (503)."),
        (OFFLINE, "You are offline, and nothing is saved from an earlier visit."),
    ],
)
def test_panels_say_that_they_cannot_be_loaded(page: "Page", api: FakeApi, answer: int | str, words: str) -> None:
    """At an error and without a network each panel says what is wrong and when it tries again."""
    api.set(answer).open(page, PATH)
    for sentence in (words, "S000 cannot be loaded", "Prices cannot be loaded", "Insights cannot be loaded"):
        page.get_by_role("main").get_by_text(sentence).first.wait_for()
    wait_until(lambda: page.locator("main .skeleton").count() == 0)

    assert "Trying again in" in text(page)
    assert "No prices" not in page.locator("footer").inner_text()


def test_one_answer_that_fails_leaves_the_other_panels(page: "Page", api: FakeApi) -> None:
    """Coverage, insights and days fail in their own places; price and chart stay."""
    days = next(path for path in api.answers if "interval=1d" in path)
    api.answers |= {"/coverage": 500, "/insights": 500, days: 500}
    api.open(page, PATH)
    for sentence in ("Coverage cannot be loaded.", "Insights cannot be loaded"):
        page.get_by_text(sentence).first.wait_for()
    wait_until(lambda: "Performance cannot be loaded" in text(page))
    page.get_by_text("The range of a year cannot be loaded.").wait_for()
    wait_until(lambda: page.locator("main .skeleton").count() == 0)

    assert drawn_chart(page).is_visible()
    assert "99.00" in page.get_by_test_id("price").inner_text()


def test_stale_and_saved_figures_stay_and_are_called_so(page: "Page", api: FakeApi) -> None:
    """Answers that call themselves old have a notice; so have those of an earlier visit when the service fails."""
    api.answers["/latest"]["stale"] = True
    api.open(page, PATH)
    page.get_by_text("Showing saved data: the database is not available.").wait_for()
    late = page.locator("[data-testid=price] .source.late").count()
    drawn_chart(page)
    page.locator(".below").scroll_into_view_if_needed()
    wait_until(lambda: page.locator("main .skeleton").count() == 0)
    api.set(500)
    page.reload()
    page.get_by_text("The service is not available. Showing saved data from").wait_for()

    assert late == 1
    assert "99.00" in page.get_by_test_id("price").inner_text()
