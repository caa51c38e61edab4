"""Examples of the developers' page in each of their states, in a real browser, without functions."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import violations
from tests.page.fake_api import OFFLINE, FakeApi

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

TITLE = "The newest price of every stock"


def example(page: "Page") -> "Locator":
    """The first example, ready to be run."""
    page.locator("html[data-live]").wait_for(state="attached")
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=TITLE))


def test_an_example_that_has_not_run_has_no_response(page: "Page") -> None:
    """Before it is run there is the request, and no empty place for a response."""
    FakeApi().open(page, "/developers")

    assert "/api/latest" in example(page).locator("[data-language=curl] code").inner_text()
    assert example(page).get_by_role("region").count() == 0


def test_an_example_that_runs_cannot_be_run_again(page: "Page") -> None:
    """While the response is awaited, the button says so by being disabled."""
    api = FakeApi()
    api.open(page, "/developers")
    button = example(page).get_by_role("button", name=f"Run: {TITLE}")
    page.wait_for_load_state()
    api.answers["/latest"] = None
    button.click()

    assert button.is_disabled()


def test_an_example_shows_its_response(page: "Page") -> None:
    """The status, the time and the first characters of the response are shown."""
    FakeApi().open(page, "/developers")
    example(page).get_by_role("button", name="Run").click()
    example(page).get_by_text("200 in").wait_for()

    assert '"S000"' in example(page).get_by_role("region").inner_text()
    assert violations(page) == []


@pytest.mark.parametrize("status", [500, 429])
def test_an_example_shows_an_error_as_it_came(page: "Page", status: int) -> None:
    """An error of the API is a response like any other: its status and its problem are shown."""
    api = FakeApi()
    api.open(page, "/developers")
    api.set(status)
    example(page).get_by_role("button", name="Run").click()
    example(page).get_by_text(f"{status} in").wait_for()

    assert '"Out of order"' in example(page).get_by_role("region").inner_text()


def test_an_example_without_a_network_says_so(page: "Page") -> None:
    """Without a response there is a sentence, and that of an earlier run does not stay below it."""
    api = FakeApi()
    api.open(page, "/developers")
    button = example(page).get_by_role("button", name="Run")
    button.click()
    example(page).get_by_text("200 in").wait_for()
    api.set(OFFLINE)
    button.click()
    example(page).get_by_role("status").get_by_text("The service cannot be reached").wait_for()

    assert example(page).get_by_role("region").count() == 0
    assert button.is_enabled()
