"""The home page, as most tests of it want it."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import WHOLE, Open
from tests.running import System

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def home(market: System, open_page: Open) -> "Page":
    """The home page with its prices there."""
    page = open_page(market.url)
    page.wait_for_selector(f"{WHOLE} .line svg")
    return page
