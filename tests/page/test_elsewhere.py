"""The page on a static host of its own, with the functions on another: as docs/page.md says to do it."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from knative.local.services.ports import free_port
from tests.browser import ALL_ROWS, WHOLE, Open, clock_at, wait_until_kept
from tests.page.account import create, register, status
from tests.page.stock import drawn_chart
from tests.running import ROOT, System
from tests.systems import StartSystem
from tests.waiting import wait_until

FRONTEND = ROOT / "frontend"
MADE = ("node_modules", "build", ".svelte-kit")


class StaticHost(SimpleHTTPRequestHandler):
    """A host that knows files and the three rules of docs/page.md, and nothing of the API."""

    def send_head(self):
        """Answer with the file itself, the one that the rules name, or the fallback."""
        path, _, query = self.path.partition("?")
        if not (Path(self.directory) / path.strip("/")).is_file():
            named = "stocks/_" if path.startswith("/stocks/") else path.strip("/") or "index"
            file = f"{named}.html" if (Path(self.directory) / f"{named}.html").is_file() else "200.html"
            self.path = f"/{file}?{query}"
        return super().send_head()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Log no request: the output of a test shows errors."""


@pytest.fixture(scope="module")
def functions(start_system: StartSystem) -> tuple[System, str]:
    """The functions, and the address that they let a page of another host come from."""
    here = f"http://localhost:{free_port()}"
    environment = {"CLOCK": clock_at("2026-11-27T19:00"), "CORS_ORIGINS": here, "HISTORY_SESSIONS": "5"}
    system = start_system("--manual", **environment)
    while system.tick().led_to:
        pass
    return system, here


@pytest.fixture(scope="module")
def built(functions: tuple[System, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page, built for these functions."""
    system, _ = functions
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(FRONTEND, folder / "frontend", ignore=shutil.ignore_patterns(*MADE))
    (folder / "frontend" / "node_modules").symlink_to(FRONTEND / "node_modules")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    subprocess.run(
        [folder / "frontend" / "scripts" / "npm", "run", "build"],
        env={**os.environ, "PUBLIC_API_BASE": f"{system.url}/api"},
        check=True,
        capture_output=True,
        timeout=240,
    )
    return folder / "frontend" / "build"


@contextmanager
def serving_files(folder: Path, address: str) -> Iterator[str]:
    """Serve *folder* as a static host does."""
    handler = partial(StaticHost, directory=str(folder))
    with ThreadingHTTPServer(("localhost", int(address.rpartition(":")[2])), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield address
        server.shutdown()


@pytest.fixture
def elsewhere(functions: tuple[System, str], built: Path) -> Iterator[str]:
    """The address of the page on its own host."""
    with serving_files(built, functions[1]) as address:
        yield address


def test_it_reads_across_hosts(functions: tuple[System, str], elsewhere: str, open_page: Open) -> None:
    """Prices, insights and a chart come from the other host, and a second visit asks whether they still hold."""
    system, _ = functions
    page = open_page(elsewhere + ALL_ROWS, also=system.url)
    page.locator(WHOLE).first.wait_for()
    page.get_by_role("heading", name="Insights").wait_for()
    prices = page.locator(WHOLE).count()
    with page.expect_response(lambda answer: answer.url == f"{system.url}/api/latest") as again:
        page.reload()
    page.goto(f"{elsewhere}/stocks/NVDA?range=1W&interval=1h")
    drawn_chart(page)

    assert prices == 50
    assert again.value.status == 304


def test_it_opens_while_its_host_is_away(
    functions: tuple[System, str], built: Path, tmp_path: Path, open_page: Open
) -> None:
    """Once visited, every address opens from what the browser keeps; figures are asked for as ever, and a host that is
    back with another build is believed at once."""
    system, here = functions
    with serving_files(built, here):
        page = open_page(here + ALL_ROWS, also=system.url)
        page.locator(WHOLE).first.wait_for()
        wait_until_kept(page)

    with page.expect_response(lambda answer: answer.url == f"{system.url}/api/latest"):
        page.reload()
    page.locator(WHOLE).first.wait_for()
    home = page.locator(WHOLE).count()
    page.goto(f"{here}/stocks/KO?range=1W&interval=1h")
    drawn_chart(page)
    page.goto(f"{here}/account")
    page.get_by_label("Email").wait_for()
    shutil.copytree(built, tmp_path / "next")
    document = tmp_path / "next" / "account.html"
    document.write_text(document.read_text().replace("<html", "<html data-build=next"))
    with serving_files(tmp_path / "next", here):
        page.reload()
        page.locator("html[data-build=next]").wait_for(state="attached")

    assert home == 50


def test_an_account_works_across_hosts(functions: tuple[System, str], elsewhere: str, open_page: Open) -> None:
    """Registering, making a token and revoking it pass the browser's questions whether they may."""
    system, _ = functions
    page = open_page(f"{elsewhere}/account", also=system.url)
    register(page, "elsewhere@example.com")
    token = create(page, "from afar")
    before = status(system, token)
    page.get_by_role("button", name="Revoke from afar").click()
    page.get_by_text("“from afar” was revoked.").wait_for(state="attached")

    assert before == 200
    wait_until(lambda: status(system, token) == 401)


def test_the_policy_names_the_functions_and_nobody_else(functions: tuple[System, str], elsewhere: str) -> None:
    """The build lets the page ask its own host and that of the functions."""
    system, _ = functions

    asked = re.search(r"connect-src ([^;\"]*)", httpx.get(elsewhere).text)

    assert asked
    assert asked[1].split() == ["'self'", system.url]
