"""Accounts and the API in the page, against the whole system: what a person does there works outside as well."""

import json
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser import ALL_ROWS, WHOLE, Open, violations
from tests.page.account import PASSWORD, address, create, log_in, register, status
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route


@pytest.fixture
def person(market: System, open_page: Open, request: pytest.FixtureRequest) -> "Page":
    """The account page of somebody who has just registered."""
    page = open_page(f"{market.url}/account")
    register(page, address(request))
    return page


def test_from_registering_to_curl(market: System, person: "Page") -> None:
    """A token made in the page works in the very command that the page gives."""
    token = create(person, "for curl")
    command = person.locator("code", has_text="curl").inner_text()

    answer = subprocess.run(["sh", "-c", f"{command} --silent"], capture_output=True, text=True, check=True, timeout=60)

    assert re.fullmatch(r"sal_[0-9A-Za-z]{36,}", token)
    assert token in command
    assert json.loads(answer.stdout)["count"] == 50


def test_a_token_is_copied_and_shown_once(person: "Page") -> None:
    """Copy puts it on the clipboard; after a reload it is listed by name, and is nowhere in the page any more."""
    person.context.grant_permissions(["clipboard-read", "clipboard-write"])
    token = create(person, "once")
    person.get_by_role("button", name="Copy the token").click()
    person.get_by_role("button", name="Copy the token").get_by_text("Copied").wait_for()
    copied = person.evaluate("navigator.clipboard.readText()")
    person.reload()
    person.get_by_role("rowheader", name="once").wait_for()

    assert copied == token
    assert token not in person.content()


def test_rotating_gives_another_and_revoking_ends_it(market: System, person: "Page") -> None:
    """Rotated, the old token still works for a while; revoked, a token is refused within a second."""
    old = create(person, "rotated")
    person.get_by_role("button", name="Rotate rotated").click()
    shown = person.get_by_test_id("new-token")
    new = wait_until(lambda: "".join(set(shown.all_inner_texts()) - {old}))
    both = status(market, old), status(market, new)
    person.get_by_role("button", name="Revoke rotated").first.click()
    person.get_by_text("“rotated” was revoked.").wait_for(state="attached")
    person.get_by_role("button", name="Revoke rotated").first.click()
    wait_until(lambda: person.locator("tbody tr").count() == 0)
    person.wait_for_timeout(1000)

    assert both == (200, 200)
    assert (status(market, old), status(market, new)) == (401, 401)


def test_the_token_stays_in_the_tab(market: System, person: "Page") -> None:
    """It is in session storage alone, in no address; another page of the tab knows who reads, a new tab does not."""
    token: str = person.evaluate("JSON.parse(sessionStorage.principal).token")
    local = person.evaluate("JSON.stringify(localStorage)")
    cookies = person.context.cookies()
    addresses: list[str] = person.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    person.get_by_role("link", name="Market").click()
    known = person.get_by_role("link", name="Account").inner_text()
    other = person.context.new_page()
    other.goto(f"{market.url}/account")

    assert token.startswith("sal_")
    assert token not in local
    assert cookies == []
    assert not any(token in one for one in [person.url, *addresses])
    assert "(signed in)" in known
    assert other.get_by_role("button", name="Create an account").is_visible()


def test_logging_out_ends_the_token(market: System, person: "Page") -> None:
    """Log out, and what was in the tab opens nothing any more; logging in again does."""
    token: str = person.evaluate("JSON.parse(sessionStorage.principal).token")
    email = person.locator(".who strong").inner_text()
    person.get_by_role("button", name="Sign out", exact=True).click()
    log_in(person, email, PASSWORD)
    person.wait_for_timeout(500)

    assert status(market, token) == 401
    assert status(market, person.evaluate("JSON.parse(sessionStorage.principal).token")) == 200


def test_no_password_leaves_before_the_page_listens(market: System, open_page: Open) -> None:
    """A form that only the browser would send, with the password in the address, cannot be sent."""
    page = open_page(f"{market.url}/account", java_script_enabled=False)
    page.get_by_label("Email").fill("early@example.com")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_label("Password").press("Enter")

    buttons = page.locator("form button").all()
    assert [button.is_disabled() for button in buttons] == [True] * 3
    assert page.url == f"{market.url}/account"


def test_what_is_wrong_is_said_in_place(market: System, open_page: Open, person: "Page") -> None:
    """A taken address and a wrong password are told in words, and nothing that was typed is lost."""
    email = person.locator(".who strong").inner_text()
    page = open_page(f"{market.url}/account")
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").last.click()
    wrong = page.get_by_role("alert").get_by_text("No account has this name and password.")
    wrong.wait_for()
    page.get_by_role("button", name="Create an account").click()
    page.get_by_role("button", name="Create the account").click()
    page.get_by_role("alert").get_by_text("taken").wait_for()

    assert page.get_by_label("Email").input_value() == email
    assert violations(page) == []


def test_the_password_is_changed_and_other_tabs_are_out(market: System, open_page: Open, person: "Page") -> None:
    """With the password as it is, another one is kept; a wrong one is told in place, and this tab goes on."""
    email = person.locator(".who strong").inner_text()
    other = open_page(f"{market.url}/account")
    log_in(other, email, PASSWORD)
    create(person, "nightly job")
    person.get_by_role("button", name="Change the password…").click()
    person.get_by_label("Current password").fill("not the password")
    person.get_by_label("New password").fill("another good one")
    person.get_by_role("button", name="Change the password", exact=True).click()
    person.get_by_role("alert").get_by_text("This is not the password of the account.").wait_for()
    found = violations(person)
    person.get_by_label("Current password").fill(PASSWORD)
    person.get_by_role("button", name="Change the password", exact=True).click()
    person.get_by_text("These tokens stay valid: nightly job.").wait_for()
    create(person, "still here")
    person.wait_for_timeout(1000)
    other.reload()
    other.get_by_role("button", name="Sign in again").click()
    log_in(other, email, "another good one")

    assert found == []


def test_every_session_is_signed_out_at_once(market: System, open_page: Open, person: "Page") -> None:
    """Sessions stand apart from tokens; “Sign out everywhere” ends this one and the others, and no token."""
    email = person.locator(".who strong").inner_text()
    token = create(person, "stays")
    other = open_page(f"{market.url}/account")
    log_in(other, email, PASSWORD)
    sessions = other.get_by_role("region", name="Sessions")
    sessions.locator("li").nth(1).wait_for()
    marked = [text for text in sessions.locator("li").all_inner_texts() if "this tab" in text]
    sessions.get_by_role("button", name="Sign out everywhere").click()
    other.get_by_role("button", name="Create an account").wait_for()
    person.wait_for_timeout(1000)
    person.reload()
    person.get_by_role("button", name="Sign in again").wait_for()

    assert len(marked) == 1
    assert status(market, token) == 200


def test_an_invite_is_requested_where_it_is_needed(market: System, open_page: Open) -> None:
    """The form gets a field for the invite code and sends it with the next attempt."""
    sent: list[str] = []
    page = open_page(f"{market.url}/account")

    def answer(route: "Route") -> None:
        sent.append(route.request.post_data or "")
        problem = {
            "type": "/problems/invite-needed",
            "title": "Invite needed",
            "status": 403,
            "detail": "Needs a code.",
        }
        route.fulfill(status=403, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/api/users/register", answer)
    page.get_by_role("button", name="Create an account").click()
    page.get_by_label("Email").fill("guest@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.get_by_label("Invite code").fill("open sesame")
    page.get_by_role("button", name="Create the account").click()
    wait_until(lambda: len(sent) == 2)

    assert "invite" not in sent[0]
    assert sent[1].endswith("invite=open+sesame")
    assert violations(page) == []


def test_a_common_password_is_refused_in_words(person: "Page") -> None:
    """The form has the service's reason, and the old password stays."""
    person.get_by_role("button", name="Change the password…").click()
    person.get_by_label("Current password").fill(PASSWORD)
    person.get_by_label("New password").fill("password1")
    person.get_by_role("button", name="Change the password", exact=True).click()

    person.get_by_role("alert").get_by_text("it is one of the most common passwords").wait_for()


def test_deleting_the_account_needs_the_password(market: System, person: "Page") -> None:
    """The account ends only with its password, and its tokens end with it."""
    email = person.locator(".who strong").inner_text()
    token = create(person, "doomed")
    person.get_by_role("button", name="Delete the account…").click()
    sure = person.get_by_role("button", name="Delete it")
    at_first = sure.is_disabled()
    person.get_by_label(f"Password of {email}").fill(PASSWORD)
    sure.click()
    person.get_by_role("button", name="Create an account").wait_for()
    person.wait_for_timeout(1000)

    assert at_first
    assert status(market, token) == 401


def test_a_refused_token_is_told_and_can_be_left_behind(market: System, person: "Page") -> None:
    """The page reports a token that was revoked elsewhere, and continues without one on request."""
    token: str = person.evaluate("JSON.parse(sessionStorage.principal).token")
    httpx.delete(f"{market.url}/api/tokens/current", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    person.wait_for_timeout(1100)
    person.goto(market.url + ALL_ROWS)
    person.locator("[data-state=refused]").wait_for()
    person.get_by_role("button", name="Continue without a token").click()
    person.locator("[data-state=refused]").wait_for(state="detached")

    person.locator(WHOLE).first.wait_for()
    assert person.locator(WHOLE).count() == 50
    assert person.evaluate("sessionStorage.principal") is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_axe_finds_nothing(
    market: System, open_page: Open, request: pytest.FixtureRequest, scheme: str, width: int
) -> None:
    """No violation in the account, before and after logging in, nor among the examples of the API."""
    options: dict[str, Any] = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_page(f"{market.url}/account", **options)
    page.get_by_role("button", name="Create an account").click()
    found = violations(page)
    register(page, f"{scheme}-{width}@example.com")
    create(page, "seen by axe")
    page.get_by_role("button", name="Delete the account…").click()
    found += violations(page)
    page.goto(f"{market.url}/developers")
    page.get_by_role("button", name="Run").first.click()
    page.locator("pre[role=region]").wait_for()

    assert found + violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
