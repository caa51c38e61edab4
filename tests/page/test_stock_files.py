"""Files and commands of a stock's page: exactly the bars that are shown, and what a token adds."""

import csv
import io
import json
import secrets
import shlex
import subprocess
from collections.abc import Mapping
from typing import TYPE_CHECKING

import httpx

from tests.browser import Open
from tests.page.stock import MONTH, rows
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page


def somebody(market: System) -> dict[str, str]:
    """A new reader with a token."""
    person = {"email": f"{secrets.token_hex(6)}@example.com", "password": secrets.token_urlsafe(16)}
    httpx.post(f"{market.url}/api/users/register", data=person, timeout=30).raise_for_status()
    login = {"username": person["email"], "password": person["password"]}
    answer = httpx.post(f"{market.url}/api/token", data=login, timeout=30)
    return {**person, "token": answer.json()["access_token"]}


def log_in(page: "Page", person: Mapping[str, str]) -> None:
    """Read on as *person*."""
    kept = json.dumps({"token": person["token"], "email": person["email"]})
    page.evaluate("kept => sessionStorage.setItem('principal', kept)", kept)
    page.reload()


def test_the_file_is_what_the_api_gives(market: System, open_page: Open) -> None:
    """Download CSV saves the bars that are shown, byte for byte as /ohlc writes them."""
    page = open_page(market.url + MONTH + "&table=open")
    shown = rows(page)

    with page.expect_download() as download:
        page.get_by_text("Download these prices").click()
        page.get_by_role("button", name="Download CSV").click()
    saved = download.value.path().read_bytes()

    asked = {"interval": "1h", "start": "2026-10-29", "limit": 5000, "format": "csv"}
    assert download.value.suggested_filename == "NVDA-1h-1M.csv"
    assert saved == httpx.get(f"{market.url}/api/ohlc/NVDA", params=asked).content
    table = list(csv.DictReader(io.StringIO(saved.decode())))
    assert [int(line["timestamp"]) for line in reversed(table)] == [row["timestamp"] for row in shown]


def test_the_command_asks_for_the_same_bars(market: System, open_page: Open) -> None:
    """Copy as curl gives a command that works as it is, and asks for the bars that are shown."""
    page = open_page(market.url + MONTH + "&table=open", permissions=["clipboard-read", "clipboard-write"])
    shown = rows(page)

    page.get_by_text("Download these prices").click()
    page.get_by_role("button", name="Copy as curl").click()
    page.get_by_text("Copied.").wait_for()
    command = page.evaluate("navigator.clipboard.readText()")
    answer = json.loads(subprocess.check_output([*shlex.split(command), "--silent"]))

    assert [bar["timestamp"] for bar in reversed(answer["items"])] == [row["timestamp"] for row in shown]


def test_a_token_opens_what_is_older(market: System, open_page: Open) -> None:
    """Without one, three months show what is open and say where the rest is; with one, they show all of it, and the
    command that is copied names a variable and not the token."""
    page = open_page(f"{market.url}/stocks/NVDA?range=3M&interval=1d&table=open")
    page.get_by_test_id("closed").wait_for()
    hint, before = page.get_by_test_id("closed").inner_text(), len(rows(page))
    person = somebody(market)

    log_in(page, person)
    wait_until(lambda: len(rows(page)) > before)
    page.get_by_text("Download these prices").click()
    command = page.locator("code").inner_text()
    environment = {"STOCKSALOT_TOKEN": person["token"]}
    answer = json.loads(subprocess.check_output(["bash", "-c", f"{command} --silent"], env=environment))

    assert hint.startswith("Without a token, prices begin on Oct 28.")
    assert page.get_by_test_id("closed").count() == 0
    assert person["token"] not in command + page.url
    assert [bar["timestamp"] for bar in reversed(answer["items"])] == [row["timestamp"] for row in rows(page)]
