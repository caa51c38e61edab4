"""Alerts on the page in each of their states, in a real browser, without functions."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import violations
from tests.page import fake_alerts
from tests.page.fake_api import OFFLINE, FakeApi
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

ALERTS = "/account/alerts"


@pytest.fixture
def api(page: "Page") -> FakeApi:
    """Answers for somebody who is signed in and has alerts; one of the two stocks is NVDA."""
    page.add_init_script(fake_alerts.PRINCIPAL)
    return fake_alerts.add_to(FakeApi())


@pytest.mark.parametrize("path", ["/alerts", "/alerts/firings", "/alerts/channels"])
@pytest.mark.parametrize(("answer", "says"), [(500, "Trying again in"), (None, "Loading"), (429, "Too many requests")])
def test_a_panel_that_waits_or_fails_says_so_and_the_others_stay(
    page: "Page", api: FakeApi, path: str, answer: int | None, says: str
) -> None:
    """Each panel has a grey place while it loads, and after an error the reason and the next try."""
    api.answers[path] = answer
    api.open(page, ALERTS)
    title = {"/alerts": "Your alerts", "/alerts/firings": "Fired alerts", "/alerts/channels": "Channels"}[path]
    page.get_by_role("region", name=title).get_by_text(says).wait_for(state="attached")

    others = {"Tell me when AAPL", "corrected", "https://example.com/..."}
    wait_until(lambda: sum(page.get_by_text(text).count() > 0 for text in others) == 2)


def test_without_the_network_the_page_says_so(page: "Page", api: FakeApi) -> None:
    """It recovers by the button."""
    api.answers |= dict.fromkeys(("/alerts", "/alerts/firings", "/alerts/channels"), OFFLINE)
    api.open(page, ALERTS)
    panel = page.get_by_role("region", name="Your alerts")
    panel.get_by_text("You are offline, and nothing is saved").wait_for()
    api.answers |= fake_alerts.answers()
    panel.get_by_role("button", name="Try again now").click()

    panel.get_by_text("Tell me when AAPL reaches a new 52-week high").first.wait_for()


def test_data_of_before_stay_while_the_service_is_away(page: "Page", api: FakeApi) -> None:
    """The notice says since when they are saved."""
    page.clock.install()
    api.open(page, ALERTS)
    page.get_by_text("corrected").wait_for()
    api.answers |= dict.fromkeys(("/alerts", "/alerts/firings", "/alerts/channels"), 503)
    page.clock.run_for(301_000)
    page.get_by_text("Showing saved data from").wait_for()

    assert page.get_by_text("Tell me when AAPL reaches a new 52-week high").first.is_visible()


def test_nothing_yet_says_what_to_do(page: "Page", api: FakeApi) -> None:
    """Without alerts, firings and channels."""
    api.answers |= {
        "/alerts": fake_alerts.listed([], limit=50),
        "/alerts/channels": fake_alerts.channels(),
        "/alerts/firings": fake_alerts.listed([], next_cursor=None),
    }
    api.open(page, ALERTS)
    for text in ("You have no alerts yet", "No alerts have fired yet", "No channels yet"):
        page.get_by_text(text).wait_for()

    assert violations(page) == []


def test_signed_out_the_page_leads_to_signing_in(page: "Page") -> None:
    """Nothing of an account is requested."""
    api = fake_alerts.add_to(FakeApi())
    api.open(page, ALERTS)
    page.get_by_text("Alerts require an account").wait_for()

    assert not [path for path in api.requests if path.startswith("/alerts")]


def test_a_correction_stands_with_what_it_takes_back(page: "Page", api: FakeApi) -> None:
    """With the messages of both, the chart at the bar, and the bar in the API."""
    api.open(page, ALERTS)
    story = page.get_by_role("region", name="Fired alerts").get_by_role("listitem").first
    story.get_by_text("Old server").wait_for()
    text = story.inner_text()

    assert text.index("Correction: bars of NVDA were revised") < text.index("NVDA is at $135.20")
    assert "not delivered yet: no answer within 12 seconds; next try at 13:05" in text
    assert "Old server not delivered: the receiver answered 503" in text
    chart = story.get_by_role("link", name="Show in the chart").last
    assert chart.get_attribute("href") == "/stocks/NVDA?range=1D&interval=1h&at=2026-11-27T16:30:00Z"
    bar = story.get_by_role("link", name="View bar in the API").last
    assert bar.get_attribute("href") == "/api/ohlc/NVDA?start=2026-11-27T16:30:00Z&end=2026-11-27T17:30:00Z"


def test_a_channel_whose_name_is_not_known_is_not_called_deleted(page: "Page", api: FakeApi) -> None:
    """While the list of channels is loading, and after it failed."""
    api.answers["/alerts/channels"] = 500
    api.open(page, ALERTS)
    story = page.get_by_role("region", name="Fired alerts").get_by_role("listitem").first

    story.get_by_text("A channel not delivered: the receiver answered 503").wait_for()
    assert "deleted" not in story.inner_text()


def test_a_bell_shows_how_many_alerts_a_stock_has(page: "Page", api: FakeApi) -> None:
    """On its page, in the table and in the watchlist; another stock's bell is empty."""
    page.add_init_script("localStorage.watchlist = 'NVDA'")
    api.answers["/lists"] = 500
    api.open(page, "/")
    named = page.get_by_role("button", name="Alert me about NVDA, 1 alert")
    wait_until(lambda: named.count() == 2)
    page.get_by_role("button", name="Alert me about S001", exact=True).wait_for()
    page.get_by_role("link", name="NVDA").first.click()
    page.wait_for_url("**/stocks/NVDA")

    page.get_by_role("button", name="Alert me about NVDA, 1 alert").wait_for()


def test_what_fires_while_the_page_is_open_is_shown_once(page: "Page", api: FakeApi) -> None:
    """The stream tells of it twice; the notice leads to the chart and is put away."""
    page.clock.install()
    told = 'event: alerts\nid: 5...{}\ndata: {{"fired_at": "2026-11-27T17:31:04Z"}}\n\nretry: 50\n\n'
    bodies = ["event: bars\nid: 5...\ndata: {}\n\nretry: 50\n\n", told.format(1), told.format(1), "retry: 3600000\n\n"]
    asked: list[int] = []

    def answer(route: Any) -> None:
        asked.append(1)
        route.fulfill(status=200, content_type="text/event-stream", body=bodies[min(len(asked), len(bodies)) - 1])

    api.answers["/alerts/firings"] = fake_alerts.listed([fake_alerts.firing(1)], next_cursor=None)
    api.open(page, "/stocks/NVDA")
    page.route("**/api/events", answer)
    page.get_by_role("button", name="Alert me about NVDA, 1 alert").wait_for()

    def followed() -> bool:
        page.clock.run_for(500)
        return len(asked) >= 4

    wait_until(followed)
    notice = page.get_by_role("complementary", name="Alerts")
    notice.get_by_text("NVDA is at $135.20").wait_for()
    assert notice.get_by_role("listitem").count() == 1
    assert page.get_by_role("link", name="Alerts 1 new").count() == 1
    assert violations(page) == []
    notice.get_by_role("button", name="Dismiss").click()
    notice.wait_for(state="detached")


def test_kinds_that_are_missing_say_why(page: "Page", api: FakeApi) -> None:
    """And the others have their fields."""
    api.open(page, ALERTS)
    page.get_by_role("button", name="Add a channel").click()
    form = page.get_by_role("form", name="Add a channel")
    form.get_by_role("radio", name="Other services").check()
    form.get_by_text("This installation lacks the package apprise.").wait_for()

    assert form.get_by_role("button", name="Add channel").is_disabled()
    form.get_by_role("radio", name="Email").check()
    assert form.get_by_label("Email address").is_visible()
