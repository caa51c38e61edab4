"""The dialog of an alert, and access to alerts by key, with large text and at any width; without functions."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import violations, violations_in_themes
from tests.page import fake_alerts
from tests.page.fake_api import FakeApi
from tests.page.test_alert_panels import ALERTS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

SIZES = ((360, 740), (768, 900), (1280, 800))


@pytest.fixture
def api(page: "Page") -> FakeApi:
    """Answers for somebody who is signed in and has alerts; one of the two stocks is NVDA."""
    page.add_init_script(fake_alerts.PRINCIPAL)
    return fake_alerts.add_to(FakeApi())


def ask(page: "Page", ticker: str = "NVDA") -> Any:
    """Open the dialog of the stock's page by its bell; return it."""
    page.get_by_role("button", name=f"Alert me about {ticker}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name=f"Alert me about {ticker}").wait_for()
    return dialog


def test_the_dialog_asks_for_nothing_at_home_until_it_is_opened(page: "Page", api: FakeApi) -> None:
    """Its code comes with the first click, and channels are requested then."""
    api.open(page, "/stocks/NVDA")
    page.get_by_role("button", name="Alert me about NVDA, 1 alert").wait_for()
    before = [path for path in api.requests if path.startswith("/alerts/")]
    ask(page).get_by_text("My server").wait_for()

    assert before == []
    assert "/alerts/channels" in api.requests


def test_faults_stand_at_their_field(page: "Page", api: FakeApi) -> None:
    """In the words of the API."""
    api.open(page, "/stocks/NVDA")
    dialog = ask(page)
    refuse(page, 400, "bad-parameter", [("amount", "should be a number from 0.01 to 1000 (percent)")])
    dialog.get_by_role("spinbutton").fill("5000")
    dialog.get_by_role("button", name="Create the alert").click()

    dialog.get_by_text("The number should be a number from 0.01 to 1000 (percent).").wait_for()
    assert dialog.get_by_role("spinbutton").get_attribute("aria-invalid") == "true"
    assert violations(page) == []


def test_at_the_limit_the_dialog_leads_to_the_list(page: "Page", api: FakeApi) -> None:
    """The choices stay."""
    api.open(page, "/stocks/NVDA")
    dialog = ask(page)
    refuse(page, 409, "too-many-alerts", [], "An account has at most 50 alerts. Delete some first.")
    dialog.get_by_role("button", name="Create the alert").click()
    dialog.get_by_text("An account has at most 50 alerts. Delete some first.").wait_for()

    assert dialog.get_by_role("link", name="See all alerts").is_visible()
    assert "falls 3% or more" in dialog.get_by_label("The alert in words").inner_text()


def refuse(page: "Page", status: int, kind: str, errors: list[tuple[str, str]], detail: str = "Bad parameter") -> None:
    """Answer the next creations of alerts with this problem."""
    problem = {
        "type": f"https://stocksalot.tech/problems/{kind}",
        "title": "x",
        "status": status,
        "detail": detail,
        "errors": [{"parameter": name, "detail": what} for name, what in errors],
    }

    def answer(route: Any) -> None:
        if route.request.method != "POST":
            route.fallback()
            return
        route.fulfill(status=status, content_type="application/problem+json", json=problem)

    page.route("**/api/alerts", answer)


def test_the_keyboard_alone_makes_an_alert(page: "Page", api: FakeApi) -> None:
    """Enter on the bell, arrows in the kinds, Tab through the rest, Enter; Escape leads back to the bell."""
    api.open(page, "/stocks/NVDA")
    sent: list[Any] = []
    made = fake_alerts.alert(9, ticker="NVDA", sentence="Tell me when NVDA is above $150.00, once.")

    def note(request: "Request") -> None:
        if request.method == "POST":
            sent.append(request.post_data_json)

    page.on("request", note)
    bell = page.get_by_role("button", name="Alert me about NVDA, 1 alert")
    bell.focus()
    page.keyboard.press("Enter")
    page.get_by_role("radio", name="A rise or fall").wait_for()
    focused = "document.activeElement.value"
    wait_until(lambda: page.evaluate(focused) == "change")
    page.keyboard.press("ArrowLeft")
    wait_until(lambda: page.evaluate(focused) == "price")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    page.keyboard.press("Control+a")
    page.keyboard.type("150")
    page.route(
        "**/api/alerts",
        lambda route: route.fulfill(status=201, json=made) if route.request.method == "POST" else route.fallback(),
    )
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Alert created").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")

    assert (sent[0]["kind"], sent[0]["direction"], sent[0]["amount"], sent[0]["repeat"]) == (
        "price",
        "below",
        150,
        "once",
    )
    wait_until(lambda: bell.evaluate("one => one === document.activeElement"))


@pytest.mark.parametrize("path", [ALERTS, "/stocks/NVDA"], ids=["page", "dialog"])
def test_axe_finds_nothing_at_any_width(page: "Page", api: FakeApi, path: str) -> None:
    """Light, dark and forced colours, with a form open."""
    api.open(page, path)
    if path == ALERTS:
        page.get_by_text("corrected", exact=True).wait_for()
        page.get_by_role("button", name="Add a channel").click()
        page.get_by_role("button", name="Delete “Tell me when AAPL").click()
    else:
        ask(page).get_by_text("Old server").wait_for()
    found: dict[int, dict[str, list[str]]] = {}
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        found[width] = violations_in_themes(page)

    assert [found[width] for width in found] == [{}] * len(found)


@pytest.mark.parametrize("path", [ALERTS, "/stocks/NVDA"], ids=["page", "dialog"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280, 2560])
def test_nothing_sticks_out_with_large_text(page: "Page", api: FakeApi, path: str, width: int) -> None:
    """At 200 % text, too: nothing has to be scrolled sideways."""
    page.set_viewport_size({"width": width, "height": 800})
    api.open(page, path)
    box = page.locator("html")
    if path == ALERTS:
        page.get_by_text("corrected", exact=True).wait_for()
    else:
        box = ask(page)
        box.get_by_text("Old server").wait_for()
    usual = box.evaluate("one => one.scrollWidth <= one.clientWidth")
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    large = box.evaluate("one => one.scrollWidth <= one.clientWidth")

    assert (usual, large) == (True, True)
