"""The page as most tests of it want it: on the whole system, and without functions."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import ALL_ROWS, SPARK, Open, launched
from tests.running import System

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="package")
def browser() -> "Iterator[Browser]":
    """The browser of all files in this folder."""
    with launched() as browser:
        yield browser


@pytest.fixture
def home(market: System, open_page: Open) -> "Page":
    """The home page with the prices of all stocks drawn."""
    page = open_page(market.url + ALL_ROWS)
    page.wait_for_selector(SPARK)
    return page


@pytest.fixture
def page(browser: "Browser") -> "Iterator[Page]":
    """A page in a new context, which ends without an error of its own."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    page.unroute_all(behavior="ignoreErrors")
    context.close()
    assert errors == []
