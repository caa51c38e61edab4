"""Every panel of the home page in each of its states, in a real browser, without functions."""

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.browser import violations
from tests.page.fake_api import RETRY_AFTER, FakeApi
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

PANELS = ("Movers", "Prices", "Insights", "Sectors")
NOTIFICATIONS = """
    window.told = [];
    window.Notification = class {
        static permission = 'granted';
        constructor(title) { window.told.push(title); }
    };
"""


def texts(page: "Page") -> dict[str, str]:
    """The text of each panel, by its heading."""
    page.get_by_role("region", name="Sectors").scroll_into_view_if_needed()
    shown = {name: page.get_by_role("region", name=name, exact=True).inner_text() for name in PANELS}
    return {name: " ".join(text.split()) for name, text in shown.items()}


def test_panels_that_load_have_grey_places(page: "Page") -> None:
    """Until the first answer every panel has its heading and its place, and no word of failure."""
    FakeApi().set(None).open(page)
    page.locator("html[data-live]").wait_for(state="attached")

    assert page.locator("section.later[aria-busy=true] .skeleton").count() == len(PANELS)
    assert page.get_by_role("heading", name="The market now").is_visible()
    assert "cannot be" not in page.locator("main").inner_text()


@pytest.mark.parametrize(
    ("code", "again", "words"),
    [
        (
            "not-fetched",
            "2026-11-30T15:31:00Z",
            "Nothing has been fetched from a source yet. Expected on Mon, Nov 30, 10:31",
        ),
        ("market-closed", None, "The exchange is closed at that time: a weekend, a holiday or overnight."),
        ("rejected", "2026-11-20T15:31:00Z", "data failed validation and was rejected. Expected any moment now."),
        ("none-tracked", None, "No stocks are tracked. The operator of this installation chooses them."),
        ("unheard-of", None, "The API says this."),
    ],
)
def test_panels_say_why_there_is_nothing(page: "Page", code: str, again: str | None, words: str) -> None:
    """Each panel whose answer is empty says why in words, and when there may be something; no place stays grey."""
    api = FakeApi(stocks=0)
    reason = {"code": code, "text": "The API says this.", "ask_again_at": again}
    api.answers["/insights"]["items"] = []
    for path in ("/latest", "/overview", "/movers", "/insights"):
        api.answers[path]["reason"] = reason
    api.answers["/status"] |= {"as_of": None, "newest_bar": None}
    api.open(page)
    page.get_by_role("heading", name="No prices yet").wait_for()
    wait_until(lambda: page.locator(".later").count() == 0)
    texts(page)
    wait_until(lambda: page.locator("main .skeleton").count() == 0)

    shown = texts(page) | {"Summary": " ".join(page.locator("#market").inner_text().split())}

    assert {name for name, text in shown.items() if words not in text} == set()
    assert shown["Summary"].count(words) == 2


def test_panels_say_that_there_is_nothing_yet(page: "Page") -> None:
    """Without a reason each panel says what will come."""
    api = FakeApi(stocks=0)
    api.answers["/insights"]["items"] = []
    api.answers["/status"] |= {"as_of": None, "newest_bar": None}
    api.open(page)
    page.get_by_role("heading", name="No prices yet").wait_for()
    wait_until(lambda: page.locator(".later").count() == 0)

    shown = texts(page)

    assert "No prices to rank yet" in shown["Movers"]
    assert "No prices yet" in shown["Prices"]
    assert "No insights yet" in shown["Insights"]
    wait_until(lambda: "No prices yet" in texts(page)["Sectors"])
    assert violations(page) == []


def test_panels_say_that_they_cannot_be_loaded(page: "Page") -> None:
    """After an error each panel says so in its place, with the next try and a button."""
    FakeApi().set(500).open(page)
    wait_until(lambda: page.locator(".later").count() == 0)
    wait_until(lambda: all("cannot be loaded" in text for text in texts(page).values()))

    for name, text in texts(page).items():
        assert f"{name} cannot be loaded Trying again in" in text
        assert "Try again now" in text
    summary = page.locator("#market").inner_text()
    assert "Trading hours cannot be loaded" in summary
    assert "The chart of the day cannot be loaded" in summary
    assert "Prices cannot be loaded" in page.get_by_role("region", name="Watchlist").inner_text()
    assert page.locator("main .skeleton").count() == 0
    assert violations(page) == []


def test_panels_keep_their_figures_when_the_service_fails_later(page: "Page") -> None:
    """Data saved by an earlier visit stays in every panel, and a notice says that it is saved."""
    api = FakeApi()
    api.open(page)
    page.locator("tr[data-ticker]").first.wait_for()
    wait_until(lambda: page.locator(".insight").count() > 0)
    api.set(500)
    page.reload()
    page.get_by_text("Showing saved data").first.wait_for()
    page.locator("tr[data-ticker]").first.wait_for()

    assert "cannot be loaded" not in page.locator("main").inner_text()


def test_stale_answers_are_marked(page: "Page") -> None:
    """An answer that says of itself that it is old has a notice, and its figures stay."""
    api = FakeApi()
    api.answers["/latest"]["stale"] = True
    api.open(page)
    page.get_by_text("Showing saved data").first.wait_for()
    page.locator("tr[data-ticker]").first.wait_for()

    assert page.locator("tr[data-ticker]").count() == 2


def test_a_service_that_does_not_answer_is_reported(page: "Page") -> None:
    """No skeleton pulses for ever: after ten seconds without an answer the page says so."""
    page.clock.install()
    FakeApi().set(None).open(page)
    page.locator("html[data-live]").wait_for(state="attached")
    page.clock.run_for(11_000)

    page.get_by_text("No response for 10 seconds.").first.wait_for()


def test_one_panel_that_fails_leaves_the_others(page: "Page") -> None:
    """An answer of another shape is reported in its panel; the rest of the page works."""
    api = FakeApi()
    api.answers["/insights"]["items"][0]["insights"][0]["template"] = None
    api.open(page)
    page.get_by_text("Insights cannot be loaded").wait_for()
    page.locator("tr[data-ticker]").first.wait_for()

    assert page.locator("tr[data-ticker]").count() == 2


def test_a_stock_whose_price_is_older_says_so_in_its_row(page: "Page") -> None:
    """A price of an older hour has its time in place of a change, and is not counted in the headline."""
    api = FakeApi()
    older = {"is_newest": False, "end": "2026-11-27T17:30:00Z", "datetime": "2026-11-27T16:30:00Z"}
    api.answers["/latest"]["items"][0] |= older
    api.open(page)
    row = page.locator("tr[data-ticker=S000]")
    row.wait_for()

    assert "as of Fri, Nov 27, 12:30" in row.inner_text()
    assert "of 1 up" in page.get_by_test_id("answer").inner_text()


def test_too_many_requests_wait_until_they_may_be_repeated(page: "Page") -> None:
    """After a 429 prices stay, a countdown runs to Retry-After, nothing is requested before, and a token is offered."""
    api = FakeApi()
    api.open(page)
    page.locator("tr[data-ticker]").first.wait_for()
    wait_until(lambda: page.locator(".insight").count() > 0)
    api.set(429)
    page.reload()
    said = page.locator("[data-state=limited]").inner_text()
    page.locator("tr[data-ticker]").first.wait_for()
    left = page.locator("aside .countdown").inner_text()
    asked = len(api.requests)
    wait_until(lambda: page.locator("aside .countdown").inner_text() != left)

    assert "Too many requests." in said
    assert "A token has a higher limit" in said
    assert int(left.removesuffix(" s")) <= RETRY_AFTER
    assert len(api.requests) == asked
    assert page.locator("tr[data-ticker]").count() == 2


def test_new_prices_are_requested_when_they_are_due_and_marked(page: "Page") -> None:
    """Nothing is requested until max-age ends; then it is, every new price is marked, and whoever wants to know is told
    although the page is in the background."""
    api = FakeApi()
    api.max_age = 1500
    new = deepcopy(api.answers["/latest"])
    hour = {"datetime": "2026-11-27T16:30:00Z", "end": "2026-11-27T17:30:00Z"}
    api.answers["/latest"] |= {"as_of": hour["end"], "items": [quote | hour for quote in new["items"]]}
    page.add_init_script(NOTIFICATIONS)
    page.clock.install()
    api.open(page, "/?rows=all")
    page.locator("html[data-live]").wait_for(state="attached")
    page.get_by_role("button", name="Notify me").click()
    page.get_by_role("button", name="Notifications are on").wait_for()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    page.clock.run_for(2_000)
    page.locator("tr[data-ticker]").first.wait_for()
    page.clock.fast_forward(1_490_000)
    page.wait_for_timeout(300)
    before_due = api.requests.count("/latest")
    api.answers["/latest"] = new
    page.clock.fast_forward(15_000)
    page.get_by_text("2 new prices, as of 13:00.").wait_for(state="attached")

    assert before_due == 1
    assert page.locator("tr[data-ticker] .new").count() == 2
    wait_until(lambda: page.evaluate("told") == ["Prices as of 13:00 EST"])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "Loading the list of stocks…"),
        (500, "The list of stocks cannot be loaded."),
        ([], "No stocks are tracked. The operator of this installation chooses them."),
    ],
    ids=["loading", "error", "empty"],
)
def test_the_search_says_what_it_lacks(page: "Page", answer: object, words: str) -> None:
    """The search has words while its list loads, when it cannot be loaded, and when nothing is tracked."""
    api = FakeApi()
    reason = {"code": "none-tracked", "text": "", "ask_again_at": None}
    api.answers["/tickers"] = {"count": 0, "items": [], "reason": reason} if answer == [] else answer
    api.open(page)
    page.locator("html[data-live]").wait_for(state="attached")
    page.keyboard.press("/")

    page.get_by_role("dialog").get_by_text(words).wait_for()
