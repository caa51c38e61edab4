"""Alerts from the bell to the receiver, in a real browser against the whole system."""

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.alerts_harness import Receiver, receiving
from tests.browser import BUILD, clock_at, launch, wait_until_kept
from tests.page.account import address, log_in, register
from tests.page.push_service import STUB, PushService, push_service
from tests.page.test_lists import Account
from tests.running import System
from tests.systems import StartSystem
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, CDPSession, Locator, Page

SPEED = 60
"""An hour of the market in a minute: the next bar ends soon, whenever a test begins."""
VAPID_KEY = "7a5Zu9oWbZtRo2o4fXlTsbSSbPRcHhCAjPAVRkOUHSY"


@pytest.fixture(scope="module")
def browser(browser: "Browser") -> "Iterator[Browser]":
    """A browser that shows notifications."""
    whole = launch(browser.browser_type, whole=True)
    yield whole
    whole.close()


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """A market on a Tuesday, an hour a minute; alerts may go to this machine."""
    if not (BUILD / "index.html").exists():
        pytest.fail("the page is not built: make page")
    system = start_system(
        "--manual",
        "--min-scale",
        "1",
        CLOCK=clock_at("2026-11-24T14:32", SPEED),
        ALERTS_PRIVATE_TARGETS="allowed",
        ALERTS_VAPID_PRIVATE_KEY=VAPID_KEY,
        ALERTS_VAPID_CONTACT="mailto:me@example.com",
    )
    while system.tick().led_to:
        pass
    return system


@pytest.fixture
def service() -> Iterator[PushService]:
    """The push service of the browser."""
    with push_service() as service:
        yield service


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def signed_in(page: "Page", system: System, service: PushService, request: pytest.FixtureRequest) -> "Page":
    """Somebody with a new account, in a browser that permits notifications when it is asked."""
    page.context.grant_permissions(["notifications"], origin=system.url)
    page.add_init_script(STUB % service.subscription())
    page.goto(f"{system.url}/account")
    register(page, address(request))
    return page


def ring(page: "Page", ticker: str) -> "Locator":
    """Open the dialog of a stock's page by its bell."""
    page.get_by_role("button", name=f"Alert me about {ticker}").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="A price").wait_for()
    return dialog


def price_above(dialog: "Locator", amount: str) -> str:
    """Choose a price above *amount*, every time; return the sentence of the preview."""
    dialog.get_by_role("radio", name="A price").check()
    dialog.get_by_role("radio", name="Above").check()
    dialog.get_by_role("spinbutton").fill(amount)
    dialog.get_by_role("radio", name="Every time").check()
    return dialog.get_by_label("The alert in words").inner_text()


def add_webhook(page: "Page", receiver: Receiver) -> None:
    """Add a webhook on the page of alerts."""
    page.get_by_role("button", name="Add a channel").click()
    form = page.get_by_role("form", name="Add a channel")
    form.get_by_role("radio", name="Webhook").check()
    form.get_by_label("Address").fill(f"{receiver.url}/hook")
    form.get_by_label("Name").fill("My server")
    form.get_by_role("button", name="Add channel").click()
    receiver.secrets["/hook"] = page.get_by_test_id("secret").inner_text()
    page.get_by_role("button", name="I have it").click()


def next_hour(system: System, arrived: Any) -> float:
    """Send ticks until *arrived* is true: the next bar is final within a minute; return when the last tick was sent."""
    sent = time.monotonic()

    def tick() -> bool:
        nonlocal sent
        sent = time.monotonic()
        system.tick()
        return arrived()

    wait_until(tick, 150)
    return sent


def test_from_the_bell_to_webhook_push_and_notice(
    signed_in: "Page", system: System, receiver: Receiver, service: PushService
) -> None:
    """The rule is in the words that its preview had; the next final bar reaches the webhook, the browser and the open
    page, each once; the list has it with the messages; at the sign-out nothing of the account stays."""
    page = signed_in
    page.goto(f"{system.url}/account/alerts")
    add_webhook(page, receiver)
    page.goto(f"{system.url}/stocks/NVDA")
    dialog = ring(page, "NVDA")
    preview = price_above(dialog, "0.5")
    assert page.evaluate("window.asked") == 0
    dialog.get_by_label("Notifications in this browser").check()
    dialog.get_by_role("button", name="Create the alert").click()
    dialog.get_by_role("heading", name="Alert created").wait_for()
    assert dialog.get_by_text(preview, exact=True).count() == 1
    assert preview == "Tell me when NVDA is above $0.50 at the end of an hour, every time."
    assert page.evaluate("window.subscribedWith.userVisibleOnly") is True
    with page.expect_request("**/api/events", timeout=60_000):  # ten seconds after the prices
        dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Alert me about NVDA, 1 alert").wait_for()

    sent = next_hour(system, lambda: receiver.requests)
    took = {"webhook": len(receiver.requests), "push": len(service.messages)}
    wait_until(lambda: service.messages)
    print(f"from the tick to the push: {service.times[0] - sent:.2f} s")
    notice = page.get_by_role("complementary", name="Alerts").get_by_text("NVDA is at")

    def told() -> bool:
        # The stream names a time to come back by the clock of the market, which is sixty times too fast for a browser.
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(500)
        return notice.count() == 1

    wait_until(told)
    for _ in range(2):
        system.tick("alerts")
    assert (len({*receiver.ids()}), len(receiver.ids()), len(service.messages)) == (1, 1, 1), took
    assert service.messages[0]["title"] == "NVDA: alert"

    page.goto(f"{system.url}/account/alerts")
    fired = page.get_by_role("region", name="Fired alerts")
    fired.get_by_text("My server delivered").wait_for()
    assert fired.get_by_role("listitem").filter(has_text="NVDA is at").count() == 1
    page.goto(f"{system.url}/account")
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Sign out", exact=True).wait_for(state="detached")
    kept = page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
    assert [word for word in ("sal_", "push", "alert", "@example.com") if word in kept] == []
    assert page.evaluate("navigator.serviceWorker.ready.then((one) => one.pushManager.getSubscription())") is None


def test_an_alert_is_paused_edited_and_deleted(signed_in: "Page", system: System) -> None:
    """On the page of alerts, with what the API has; the preview of an edit is the sentence after it."""
    page = signed_in
    page.goto(f"{system.url}/stocks/KO")
    dialog = ring(page, "KO")
    dialog.get_by_role("button", name="Create the alert").click()
    dialog.get_by_role("link", name="All alerts").click()
    rules = page.get_by_role("region", name="Your alerts")
    rules.get_by_role("button", name="Pause").click()
    rules.get_by_role("button", name="Resume").wait_for()
    rules.get_by_role("button", name="Edit").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("radio", name="Rises").check()
    dialog.get_by_role("spinbutton").fill("2.5")
    dialog.get_by_role("button", name="Save").click()
    dialog.get_by_role("button", name="Done").click()
    rules.get_by_text("Tell me when KO rises 2.5% or more above the previous close, once a session.").first.wait_for()
    rules.get_by_role("button", name="Delete").click()
    rules.get_by_role("button", name="Keep it").click()
    rules.get_by_role("button", name="Delete").click()
    rules.get_by_role("button", name="Delete it").click()

    page.get_by_text("You have no alerts yet").wait_for()


def test_what_was_chosen_signed_out_is_kept_over_the_sign_in(
    page: "Page", system: System, request: pytest.FixtureRequest
) -> None:
    """The dialog says that alerts need an account, and goes on after the sign-in where it was."""
    account = Account(system, address(request))
    account.sign_up()
    page.goto(f"{system.url}/stocks/KO")
    dialog = ring(page, "KO")
    preview = price_above(dialog, "42.5")
    dialog.get_by_text("Alerts require an account.").wait_for()
    dialog.get_by_role("button", name="Sign in to create it").click()
    page.get_by_label("Email").fill(account.email)
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in").last.click()
    page.wait_for_url("**/stocks/KO*")
    again = page.get_by_role("dialog").get_by_label("The alert in words")
    again.wait_for()
    assert again.inner_text() == preview
    page.get_by_label("Notifications in this browser").uncheck()
    page.get_by_role("button", name="Create the alert").click()
    page.get_by_role("heading", name="Alert created").wait_for()

    assert [one["sentence"] for one in account.request("GET", "/alerts")["items"]] == [preview]


def test_a_refused_permission_is_explained(
    page: "Page", system: System, service: PushService, request: pytest.FixtureRequest
) -> None:
    """It is asked for with the first alert alone, and whoever refuses keeps the choices and no half of an alert."""
    page.add_init_script(STUB % service.subscription() + "Notification.requestPermission = async () => 'denied';")
    account = Account(system, address(request))
    account.sign_up()
    page.goto(f"{system.url}/account")
    log_in(page, account.email, "correct horse battery staple")
    page.goto(f"{system.url}/stocks/KO")
    dialog = ring(page, "KO")
    assert dialog.get_by_label("Notifications in this browser").is_checked()
    dialog.get_by_role("button", name="Create the alert").click()
    dialog.get_by_text("Your browser blocks notifications from this page. Allow them in its settings").wait_for()

    assert account.request("GET", "/alerts")["count"] == 0
    dialog.get_by_label("Notifications in this browser").uncheck()
    dialog.get_by_role("button", name="Create the alert").click()
    dialog.get_by_role("heading", name="Alert created").wait_for()


def test_a_push_is_shown_while_no_page_is_open(page: "Page", system: System) -> None:
    """The service worker shows it; a second one with the same tag takes its place."""
    page.context.grant_permissions(["notifications"], origin=system.url)
    page.goto(system.url)
    wait_until_kept(page)
    other = page.context.new_page()
    session = other.context.new_cdp_session(other)
    registration = registration_of(session)
    page.goto("about:blank")
    for body in ("NVDA is at $135.20.", "Correction: bars of NVDA were revised."):
        payload = {"title": "NVDA: alert", "body": body, "url": "/stocks/NVDA", "tag": "t", "kind": "alert.fired"}
        message = {"origin": system.url, "registrationId": registration, "data": json.dumps(payload)}
        session.send("ServiceWorker.deliverPushMessage", message)
    page.goto(system.url)
    shown = """navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) =>
        all.map(({ title, body, tag, data }) => [title, body, tag, data.url]))"""

    expected = [["NVDA: alert", "Correction: bars of NVDA were revised.", "t", "/stocks/NVDA"]]
    wait_until(lambda: page.evaluate(shown) == expected)


def registration_of(session: "CDPSession") -> str:
    """The id of the page's service worker in the browser."""
    found: list[str] = []

    def note(event: dict[str, Any]) -> None:
        found.extend(one["registrationId"] for one in event["registrations"])

    session.on("ServiceWorker.workerRegistrationUpdated", note)
    session.send("ServiceWorker.enable")

    def seen() -> bool:
        session.send("Runtime.evaluate", {"expression": "1"})  # lets events come
        return bool(found)

    wait_until(seen)
    return found[-1]
