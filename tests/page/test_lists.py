"""A watchlist belongs to the account: each device finds it at sign-in, and none loses a stock."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.browser import ALL_ROWS, violations
from tests.page.account import PASSWORD, address, log_in, register
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page


class Account:
    """The account of a test, as the API shows it."""

    def __init__(self, market: System, email: str) -> None:
        self._client = httpx.Client(base_url=f"{market.url}/api", timeout=60)
        self.email = email

    def sign_up(self) -> None:
        """Register it."""
        form = {"email": self.email, "password": PASSWORD}
        assert self._client.post("/users/register", data=form).status_code == 201

    def lists(self) -> dict[str, list[str]]:
        """Return the tickers of each of its lists."""
        return {one["name"]: one["tickers"] for one in self.request("GET", "/lists")["items"]}

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Return the response of the API to a request of the account."""
        if "authorization" not in self._client.headers:
            form = {"username": self.email, "password": PASSWORD}
            token = self._client.post("/token", data=form).json()["access_token"]
            self._client.headers["Authorization"] = f"Bearer {token}"
        answer = self._client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def account(market: System, request: pytest.FixtureRequest) -> Account:
    """An account that is registered."""
    account = Account(market, address(request))
    account.sign_up()
    return account


@contextmanager
def device(browser: "Browser", market: System, *stocks: str) -> "Iterator[Page]":
    """A browser on a device of its own, where *stocks* were starred before anyone signed in."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(market.url + ALL_ROWS)
    for ticker in stocks:
        page.get_by_role("button", name=f"Watch {ticker}", exact=True).click()
    yield page
    context.close()
    assert errors == []


def sign_in(page: "Page", market: System, account: Account) -> None:
    """Sign in on the account page."""
    page.goto(f"{market.url}/account")
    log_in(page, account.email, PASSWORD)
    page.get_by_role("heading", name="Lists").wait_for()


def watched(page: "Page", market: System) -> list[str]:
    """Return the stocks of the watchlist on the home page."""
    page.goto(market.url + ALL_ROWS)
    page.get_by_role("region", name="Watchlist").get_by_role("button", name="Add a stock").wait_for()
    return page.get_by_role("region", name="Watchlist").locator("li b").all_inner_texts()


def test_two_devices_that_sign_in_lose_nothing(browser: "Browser", market: System, account: Account) -> None:
    """Both had stocks of their own; the account has them all, and so has each device."""
    with device(browser, market, "AAPL", "KO") as phone, device(browser, market, "KO", "NVDA") as laptop:
        sign_in(phone, market, account)
        sign_in(laptop, market, account)
        wait_until(lambda: sorted(account.lists().get("Watchlist", [])) == ["AAPL", "KO", "NVDA"])

        assert sorted(watched(laptop, market)) == ["AAPL", "KO", "NVDA"]
        phone.goto(market.url + ALL_ROWS)
        phone.get_by_role("region", name="Watchlist").get_by_role("link", name="NVDA").wait_for()


def test_a_star_reaches_the_account_and_the_other_device(browser: "Browser", market: System, account: Account) -> None:
    """One that is taken away on one device does not come back from the other."""
    with device(browser, market, "AAPL", "KO") as phone, device(browser, market) as laptop:
        sign_in(phone, market, account)
        sign_in(laptop, market, account)
        laptop.goto(market.url + ALL_ROWS)
        laptop.get_by_role("button", name="Watch AAPL", exact=True, pressed=True).click()
        wait_until(lambda: account.lists() == {"Watchlist": ["KO"]})
        phone.goto(market.url + ALL_ROWS)
        phone.get_by_role("button", name="Watch NVDA", exact=True).click()

        wait_until(lambda: account.lists() == {"Watchlist": ["KO", "NVDA"]})
        wait_until(lambda: sorted(watched(phone, market)) == ["KO", "NVDA"])


def test_signed_out_the_stocks_stay_on_the_device(browser: "Browser", market: System, account: Account) -> None:
    """A change of that time reaches the account at the next sign-in."""
    with device(browser, market, "AAPL") as page:
        sign_in(page, market, account)
        wait_until(lambda: account.lists() == {"Watchlist": ["AAPL"]})
        page.get_by_role("button", name="Sign out", exact=True).click()
        page.get_by_label("Password").wait_for()
        assert watched(page, market) == ["AAPL"]
        page.get_by_role("button", name="Watch AAPL", exact=True, pressed=True).click()
        page.get_by_role("button", name="Watch MSFT", exact=True).click()
        assert account.lists() == {"Watchlist": ["AAPL"]}
        sign_in(page, market, account)

        wait_until(lambda: account.lists() == {"Watchlist": ["MSFT"]})


def test_a_change_that_did_not_arrive_is_told_and_sent_later(
    browser: "Browser", market: System, account: Account
) -> None:
    """The device keeps it while the service is away."""
    with device(browser, market, "AAPL") as page:
        sign_in(page, market, account)
        wait_until(lambda: account.lists() == {"Watchlist": ["AAPL"]})
        page.goto(market.url + ALL_ROWS)
        page.get_by_role("button", name="Watch KO", exact=True).wait_for()
        page.route("**/api/lists**", lambda route: route.abort())
        page.get_by_role("button", name="Watch KO", exact=True).click()
        page.get_by_text("Not saved to your account yet").wait_for()
        page.unroute_all()
        page.get_by_role("button", name="Watch MSFT", exact=True).click()

        wait_until(lambda: account.lists() == {"Watchlist": ["AAPL", "KO", "MSFT"]})
        page.get_by_text("Not saved to your account yet").wait_for(state="detached")


def test_one_of_several_lists_is_shown(browser: "Browser", market: System, account: Account) -> None:
    """The choice stays on the device, and stars change the chosen list alone."""
    account.request("POST", "/lists", {"name": "Chips", "tickers": ["NVDA", "AMD"]})
    account.request("POST", "/lists", {"name": "Drinks", "tickers": ["KO"]})
    with device(browser, market) as page:
        sign_in(page, market, account)
        page.goto(market.url + ALL_ROWS)
        page.get_by_label("List", exact=True).select_option("Drinks")
        page.get_by_role("button", name="Watch KO", exact=True, pressed=True).wait_for()
        page.get_by_role("button", name="Watch PEP", exact=True).click()

        wait_until(lambda: account.lists() == {"Chips": ["NVDA", "AMD"], "Drinks": ["KO", "PEP"]})
        assert sorted(watched(page, market)) == ["KO", "PEP"]


def test_lists_are_managed_on_the_account_page(market: System, page: "Page", request: pytest.FixtureRequest) -> None:
    """Create, rename, delete; a name that is taken is refused in words. The page is accessible."""
    page.goto(f"{market.url}/account")
    register(page, address(request))
    form = page.get_by_role("form", name="Create a list")
    page.get_by_text("No lists yet").wait_for()
    for name in ("Chips", "chips"):
        form.get_by_label("Name").fill(name)
        form.get_by_role("button", name="Create a list").click()
        page.get_by_text("“Chips” was created." if name == "Chips" else "has a list named chips").wait_for()
    page.get_by_role("button", name="Rename Chips").click()
    page.get_by_label("New name").fill("Silicon")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The list is named “Silicon” now.").wait_for()

    assert violations(page) == []
    page.get_by_role("button", name="Delete Silicon").click()
    page.get_by_text("“Silicon” was deleted.").wait_for()
    page.get_by_text("No lists yet").wait_for()


def test_lists_are_exported_and_imported(
    market: System, page: "Page", request: pytest.FixtureRequest, tmp_path: Path, account: Account
) -> None:
    """An export can be imported, a text file is a list too, and refused lines are shown with their reasons."""
    account.request("POST", "/lists", {"name": "Chips", "tickers": ["NVDA", "AMD"]})
    page.goto(f"{market.url}/account")
    log_in(page, account.email, PASSWORD)
    page.get_by_role("button", name="Rename Chips").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
    exported = json.loads(download.value.path().read_text())
    (tmp_path / "Drinks.txt").write_text("KO, PEP\nAPPL")
    page.get_by_role("button", name="Delete Chips").click()
    page.get_by_text("“Chips” was deleted.").wait_for()
    page.get_by_label("Import").set_input_files(download.value.path())
    page.get_by_text("1 list is imported.").wait_for()
    page.get_by_label("Import").set_input_files(tmp_path / "Drinks.txt")
    page.get_by_role("list", name="Not imported").wait_for()

    assert exported == {"lists": [{"name": "Chips", "tickers": ["NVDA", "AMD"]}]}
    assert account.lists() == {"Chips": ["NVDA", "AMD"], "Drinks": ["KO", "PEP"]}
    assert "is not tracked here: did you mean AAPL" in page.get_by_role("list", name="Not imported").inner_text()
