"""Drawing of the home page: in parts, on a phone later, and without moving what is there."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import read_on
from tests.page.fake_api import FakeApi
from tests.page.test_panels import texts
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

LAYOUT_SHIFT = """
    window.moved = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => { window.moved += entry.value; }))
        .observe({ type: 'layout-shift', buffered: true });
"""

DURING_A_CHANGE_OF_THE_ADDRESS = """
    const replaceState = history.replaceState;
    history.replaceState = function (...entry) {
        const act = window.duringChange;
        window.duringChange = undefined;
        act?.();
        return replaceState.apply(this, entry);
    };
"""
FONT_IS_LATE = "document.fonts.load = () => new Promise((resolve) => { window.bringFont = resolve; });"


@pytest.mark.parametrize(
    ("stocks", "more"), [(2, None), (120, "Show 20 more of 120"), (1000, "Show 100 more of 1,000")]
)
def test_a_market_of_any_size_is_shown_in_parts(page: "Page", stocks: int, more: str | None) -> None:
    """Every stock counts in the headline; rows come a hundred at a time; no request exceeds a limit of the API."""
    api = FakeApi(stocks)
    api.open(page, "/?rows=all")
    page.get_by_test_id("answer").get_by_text(f"{stocks // 2} of {stocks} up").wait_for()
    wait_until(lambda: page.locator("tr[data-ticker]").count() == min(stocks, 100))
    if more:
        page.get_by_role("button", name=more).click()
        wait_until(lambda: page.locator("tr[data-ticker]").count() == min(stocks, 200))
    texts(page)
    page.locator(".map a").first.wait_for()

    assert page.locator(".map a").count() == stocks
    assert sorted({request.partition("?")[0] for request in api.requests}) == [
        "/insights",
        "/latest",
        "/movers",
        "/overview",
        "/status",
    ]
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


@pytest.mark.parametrize("reason", ["scroll", "time"])
def test_a_phone_draws_what_is_below_the_screen_later(page: "Page", reason: str) -> None:
    """Prices are drawn once their reader scrolls, or has had ten seconds to: until then they cost nothing."""
    page.set_viewport_size({"width": 390, "height": 700})
    page.clock.install()
    FakeApi(50).open(page)
    page.get_by_test_id("answer").get_by_text("25 of 50 up").wait_for()
    page.clock.run_for(9_000)
    place = page.locator(".prices section.later")

    assert place.get_by_role("heading", name="Prices").is_visible()
    assert page.locator("tr[data-ticker]").count() == 0

    if reason == "scroll":
        page.mouse.wheel(0, 100)
    else:
        page.clock.run_for(2_000)
    wait_until(lambda: page.clock.run_for(50) or page.locator("tr[data-ticker]").count() == 10)


@pytest.mark.parametrize(("width", "most"), [(360, 0.01), (412, 0.01), (1024, 0.01), (1920, 0.05)])
def test_nothing_moves_when_figures_or_the_font_come(page: "Page", width: int, most: float) -> None:
    """From the first picture to the last figure each panel stays, also if the font comes last; sentences that have
    another number of lines in another font are on the first screen of the widest only."""
    page.set_viewport_size({"width": width, "height": 1080})
    page.add_init_script(LAYOUT_SHIFT + FONT_IS_LATE)
    # On a busy machine the responses would be late, and a notice about that moves the page.
    page.clock.install()
    api = FakeApi(50)
    for quote, change in zip(api.answers["/latest"]["items"][:3], (-12.34, 0, 12.34), strict=True):
        quote.update(close=100 + change, change=change, change_percent=change)
    api.open(page)
    page.get_by_test_id("answer").wait_for()
    wait_until(lambda: page.clock.run_for(20) or page.evaluate("'bringFont' in window"))
    page.evaluate("bringFont()")
    wait_until(lambda: page.evaluate("document.fonts.check('1rem Instrument Sans')"))
    read_on(page)
    for drawn in ("tr[data-ticker] svg.spark", ".insight"):
        wait_until(lambda drawn=drawn: page.clock.run_for(20) or page.locator(drawn).count() > 0)
    page.clock.run_for(300)
    page.wait_for_timeout(300)

    lines = "(line) => line.clientHeight / parseFloat(getComputedStyle(line).lineHeight)"
    assert page.locator("#market p.ends").evaluate(lines) == 1
    assert page.evaluate("moved") < most


def test_an_address_that_comes_late_takes_no_letter_back(page: "Page") -> None:
    """Letters that are typed while the address still takes up the ones before stay, and reach it."""
    page.add_init_script(DURING_A_CHANGE_OF_THE_ADDRESS)
    FakeApi(5).open(page)
    field = page.get_by_label("Filter by name or sector")
    field.wait_for()
    page.evaluate(
        """() => {
            const type = (text) => {
                const field = document.querySelector('#prices input[type=search]');
                field.value = text;
                field.dispatchEvent(new InputEvent('input', { bubbles: true }));
            };
            window.duringChange = () => type('se');
            type('s');
        }"""
    )
    page.wait_for_url("**filter=s*")

    assert field.input_value() == "se"
    page.wait_for_url("**filter=se")
    assert field.input_value() == "se"
