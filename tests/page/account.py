"""Actions of a person on the account page, by its buttons."""

import re
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.running import System

if TYPE_CHECKING:
    from playwright.sync_api import Page

PASSWORD = "correct horse battery staple"


def address(request: pytest.FixtureRequest) -> str:
    """An email address of this test's own."""
    return f"{re.sub(r'[^a-z]', '-', request.node.name.lower()).strip('-')}@example.com"


def register(page: "Page", email: str) -> None:
    """Create an account in the page, which logs in with it."""
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.get_by_text(f"Signed in as {email}").wait_for()


def log_in(page: "Page", email: str, password: str) -> None:
    """Log in to an account that there is."""
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").last.click()
    page.get_by_text(f"Signed in as {email}").wait_for()


def create(page: "Page", name: str) -> str:
    """Make a token of that name in the page; return it."""
    page.get_by_role("form", name="Create a token").get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create a token").click()
    page.get_by_role("heading", name=f"“{name}” is ready").wait_for()
    return page.get_by_test_id("new-token").inner_text()


def status(market: System, token: str) -> int:
    """Return the response of the API to that token."""
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{market.url}/api/ohlc/NVDA?format=csv&limit=3", headers=headers, timeout=30).status_code
