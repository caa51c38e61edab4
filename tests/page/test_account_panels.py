"""The account's panels in each of their states, in a real browser, without functions."""

from typing import TYPE_CHECKING

import pytest

from tests.browser import violations
from tests.page.fake_api import FakeApi, recorded

if TYPE_CHECKING:
    from playwright.sync_api import Page

PRINCIPAL = "sessionStorage.principal = JSON.stringify({ token: 'sal_x', email: 'ada@example.com' })"


@pytest.fixture
def api(page: "Page") -> FakeApi:
    """Answers for somebody who is signed in."""
    page.add_init_script(PRINCIPAL)
    api = FakeApi()
    api.answers["/tokens"] = recorded("tokens")
    api.answers["/lists"] = {"count": 0, "items": []}
    return api


def test_tokens_that_load_have_a_grey_place(page: "Page", api: FakeApi) -> None:
    """Until they are there, tokens have a place, and what needs no answer is there."""
    api.answers["/tokens"] = None
    api.open(page, "/account")
    page.get_by_text("Signed in as ada@example.com").wait_for()

    assert page.get_by_role("region", name="Tokens").locator(".skeleton").count() == 1
    assert page.get_by_role("button", name="Create a token").is_visible()


def test_tokens_and_sessions_are_listed(page: "Page", api: FakeApi) -> None:
    """Programs' tokens stand in one list, sessions in another."""
    api.open(page, "/account")
    page.get_by_role("rowheader", name="notebook").wait_for()

    assert page.get_by_role("region", name="Sessions").get_by_text("this tab").count() == 1
    assert violations(page) == []


def test_no_token_yet_says_so(page: "Page", api: FakeApi) -> None:
    """Whoever has none reads what a first one is for."""
    api.answers["/tokens"]["items"].pop()
    api.open(page, "/account")

    page.get_by_text("No tokens yet.").wait_for()


def test_tokens_that_fail_can_be_tried_again(page: "Page", api: FakeApi) -> None:
    """An error is reported in its panel with a way to try again; the rest stays."""
    tokens = api.answers["/tokens"]
    api.answers["/tokens"] = 500
    api.open(page, "/account")
    page.get_by_role("alert").get_by_text("Out of order").wait_for()
    password = page.get_by_role("button", name="Change the password…").is_visible()
    api.answers["/tokens"] = tokens
    page.get_by_role("button", name="Try again now").click()
    page.get_by_role("rowheader", name="notebook").wait_for()

    assert password
    assert page.get_by_role("alert").get_by_text("Out of order").count() == 0


def test_lists_that_load_have_a_grey_place(page: "Page", api: FakeApi) -> None:
    """A new list needs no answer."""
    api.answers["/lists"] = None
    api.open(page, "/account")
    lists = page.get_by_role("region", name="Lists")
    lists.get_by_role("button", name="Create a list").wait_for()

    assert lists.locator(".skeleton").count() == 1
    assert lists.get_by_role("button", name="Export").is_disabled()


def test_lists_that_fail_can_be_tried_again(page: "Page", api: FakeApi) -> None:
    """The error stands in their panel, and the tokens are there."""
    lists = page.get_by_role("region", name="Lists")
    api.answers["/lists"] = 500
    api.open(page, "/account")
    lists.get_by_role("alert").get_by_text("Out of order").wait_for()
    page.get_by_role("rowheader", name="notebook").wait_for()
    api.answers["/lists"] = {"count": 0, "items": []}
    lists.get_by_role("button", name="Try again now").click()

    lists.get_by_text("No lists yet").wait_for()
    assert lists.get_by_role("alert").inner_text() == ""


def test_a_refused_token_leads_to_signing_in(page: "Page", api: FakeApi) -> None:
    """When the token has ended, the panel offers to sign in again."""
    api.set(401).open(page, "/account")
    page.get_by_role("button", name="Sign in again").click()

    page.get_by_role("button", name="Create an account").wait_for()
