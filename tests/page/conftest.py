"""The home page, as most tests of it want it."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import ALL_ROWS, SPARK, Open
from tests.running import System

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def home(market: System, open_page: Open) -> "Page":
    """The home page with the prices of all stocks drawn."""
    page = open_page(market.url + ALL_ROWS)
    page.wait_for_selector(SPARK)
    return page
