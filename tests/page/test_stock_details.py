"""Key figures, notes on the data and peers of a stock in each of their states, in a real browser, without functions."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import violations
from tests.page.fake_api import FakeApi, recorded, stock_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PATH = "/stocks/S000?range=1W&interval=1h"
DAYS = "/ohlc/S000?interval=1d&limit=254"
LATE = "Some of these figures cannot be loaded."


@pytest.fixture
def api() -> FakeApi:
    """Answers for a stock that lacks nothing, and four others."""
    api = FakeApi(5)
    api.answers |= stock_of("S000")
    return api


def facts(page: "Page") -> "Locator":
    """The key figures, drawn."""
    region = page.get_by_role("region", name="Key figures")
    region.locator("dt").first.wait_for()
    return region


def figure(page: "Page", name: str) -> str:
    """The key figure of that name."""
    return facts(page).locator(f"div:has(> dt:text-is('{name}')) > dd").inner_text().strip()


def peers(page: "Page") -> "Locator":
    """The panel of peers, with everything below the first screen loaded."""
    page.locator(".below").scroll_into_view_if_needed()
    panel = page.locator("section[aria-labelledby=peers-title]")
    panel.wait_for()
    return panel


def notes(page: "Page") -> "Locator":
    """The notes on the data."""
    return page.get_by_role("list", name="Notes on these prices")


def test_key_figures_that_load_have_grey_places(page: "Page", api: FakeApi) -> None:
    """A figure that is on its way has a place, not the dash of one that does not exist; the others are there."""
    api.answers |= {DAYS: None, "/overview": None}
    api.open(page, PATH)
    places = facts(page).locator(".skeleton")
    wait_until(lambda: places.count() == 3)

    assert figure(page, "Open") == ""
    assert figure(page, "Previous close") == "100.00"
    assert facts(page).get_by_text(LATE).count() == 0


def test_key_figures_are_those_of_the_session(page: "Page", api: FakeApi) -> None:
    """The open is that of the newest day, the volume that of the session so far; no place is left grey."""
    company = api.answers["/overview"]["items"][0]
    company |= {"session_volume": 1_234_567, "volume_ratio": 2.5}
    api.open(page, PATH)
    wait_until(lambda: facts(page).locator(".skeleton").count() == 0)

    assert figure(page, "Open") == f"{api.answers[DAYS]['items'][-1]['open']:.2f}"
    assert figure(page, "Session volume") == "1.2M"
    assert figure(page, "Volume vs. usual") == "2.5\N{MULTIPLICATION SIGN}"


def test_key_figures_that_do_not_exist_have_a_dash(page: "Page", api: FakeApi) -> None:
    """A stock without a day and without a company's data has dashes, and nothing is called missing."""
    api.answers[DAYS]["items"] = []
    api.answers["/overview"]["items"].pop(0)
    api.answers["/tickers/S000"] |= {"market_cap_millions": None, "ipo": None, "website": None}
    api.open(page, PATH)
    wait_until(lambda: facts(page).locator(".skeleton").count() == 0)

    assert {figure(page, name) for name in ("Open", "Market cap", "Listed since", "Website")} == {"\N{EN DASH}"}
    assert facts(page).get_by_text(LATE).count() == 0


@pytest.mark.parametrize("path", [DAYS, "/overview"])
def test_key_figures_that_fail_say_so(page: "Page", api: FakeApi, path: str) -> None:
    """A dash because of an error is told apart from one of a figure that does not exist."""
    api.answers[path] = 500
    api.open(page, PATH)
    facts(page).get_by_text(LATE).wait_for()

    assert figure(page, "Previous close") == "100.00"
    assert violations(page) == []


def test_notes_name_splits_and_differences(page: "Page", api: FakeApi) -> None:
    """A split and a figure in which two sources differ are listed."""
    api.answers |= {"/splits": recorded("splits"), "/disagreements": recorded("disagreements")}
    api.open(page, PATH)
    notes(page).get_by_text("4:1 split").wait_for()
    notes(page).get_by_text("1 figure differs").click()

    assert "101.50" in notes(page).get_by_role("table").inner_text()
    assert violations(page) == []


def test_no_notes_are_no_list(page: "Page", api: FakeApi) -> None:
    """Without notes, and while they are loading, the page has no empty list."""
    api.answers |= {"/splits": None}
    api.open(page, PATH)
    page.get_by_text("hours are stored").wait_for()

    assert notes(page).count() == 0


def test_notes_that_fail_say_so(page: "Page", api: FakeApi) -> None:
    """Splits that cannot be loaded are not passed off as none."""
    api.answers |= {"/splits": 500, "/disagreements": 500}
    api.open(page, PATH)

    notes(page).get_by_text("splits and differences between sources cannot be loaded.").wait_for()


def test_peers_that_load_have_a_grey_place(page: "Page", api: FakeApi) -> None:
    """Until the companies are there, peers have their place and a heading."""
    api.answers["/overview"] = None
    api.open(page, PATH)
    page.get_by_test_id("price").wait_for()

    assert peers(page).locator(".skeleton").count() == 1
    assert peers(page).get_by_role("heading").inner_text() == "Peers"


def test_no_peers_say_so(page: "Page", api: FakeApi) -> None:
    """A stock that is the only one of its industry and sector says so."""
    api.answers["/overview"]["items"][0]["industry"] = "Airlines"
    api.open(page, PATH)

    peers(page).get_by_text("No other stock of this industry is tracked.").wait_for()


def test_peers_that_fail_say_so_and_return(page: "Page", api: FakeApi) -> None:
    """An error stands in the panel's place with a way to try again, which brings the peers."""
    companies = api.answers["/overview"]
    api.answers["/overview"] = 500
    api.open(page, PATH)
    page.get_by_test_id("price").wait_for()
    peers(page).get_by_text("Peers cannot be loaded").wait_for()
    api.answers["/overview"] = companies
    peers(page).get_by_role("button", name="Try again now").click()

    wait_until(lambda: peers(page).get_by_role("link").count() == 4)


def test_peers_of_an_earlier_visit_stay(page: "Page", api: FakeApi) -> None:
    """When the service fails later, the peers that were loaded are shown, under a notice for the whole page."""
    api.open(page, PATH)
    page.get_by_test_id("price").wait_for()
    wait_until(lambda: peers(page).get_by_role("link").count() == 4)
    api.set(500)
    page.reload()
    page.get_by_text("Showing saved data").first.wait_for()

    wait_until(lambda: peers(page).get_by_role("link").count() == 4)


def test_on_paper_text_is_dark_and_controls_are_absent(page: "Page", api: FakeApi) -> None:
    """A page printed from the dark theme has the light one's ink, and its figures, but nothing that wants a click."""
    page.emulate_media(color_scheme="dark", media="print")
    api.open(page, PATH)
    ink = "getComputedStyle(document.querySelector('[data-testid=price] .price')).color"

    assert figure(page, "Previous close") == "100.00"
    assert page.evaluate(ink) == "rgb(22, 23, 26)"
    assert [one.is_visible() for one in page.locator(".button, input, select, nav").all()].count(True) == 0


def test_the_currency_stays_beside_a_price_in_large_text(page: "Page", api: FakeApi) -> None:
    """With text twice as large the currency may take a line of its own, one as high as its letters need."""
    page.add_init_script("addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '200%')")
    api.open(page, PATH)
    price = page.locator("[data-testid=price] .price")
    heights = """(price) => [price.clientHeight, ...[price, price.lastElementChild].map(
        (part) => parseFloat(getComputedStyle(part).lineHeight))]"""
    whole, figures, currency = price.evaluate(heights)

    assert whole <= figures + currency
    assert currency < figures / 2


def test_two_changes_of_the_chart_in_a_moment_keep_both(page: "Page", api: FakeApi) -> None:
    """The second click counts from what the first one asked for, although the address has not followed yet."""
    api.open(page, PATH)
    page.get_by_label("Candles").wait_for(state="attached")
    page.evaluate(
        """() => {
            const choose = (value) => document.querySelector(`input[type=radio][value="${value}"]`).click();
            choose('candles');
            choose('1M');
        }"""
    )
    page.wait_for_url("**range=1M**chart=candles**")
