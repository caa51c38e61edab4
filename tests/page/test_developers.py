"""Examples and reference for developers in the page, against the whole system: what is shown works."""

import subprocess
import sys
from urllib.parse import urlsplit

import httpx

from tests.browser import Open, violations
from tests.running import System


def test_every_example_runs(market: System, open_page: Open) -> None:
    """Each example of the API page is answered in the page, its command and its Python do the same outside."""
    page = open_page(f"{market.url}/developers")
    page.locator("[data-language=curl] code", has_text=market.url).first.wait_for()
    commands: list[str] = []
    programs: list[str] = []
    for example in page.locator("section:has(#try) article").all():
        example.get_by_role("button", name="Run").click()
        example.get_by_text("200 in").wait_for()
        commands.append(example.locator("[data-language=curl] code").inner_text())
        programs.append(example.locator("[data-language=python] code").inner_text())
    codes = [
        subprocess.run(
            ["sh", "-c", f"{command} --silent --output /dev/null --write-out '%{{http_code}}'"],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for command in commands
    ]
    python = subprocess.run([sys.executable, "-c", "\n".join(programs)], capture_output=True, text=True, timeout=60)

    assert codes == ["200"] * 6
    assert python.stdout.count("'count'") >= 5, python.stderr


def test_the_reference_is_one_click_away(market: System, open_page: Open) -> None:
    """The developers' page leads to the reference and to the OpenAPI document, and both are there."""
    page = open_page(f"{market.url}/developers")
    links = [link.get_attribute("href") for link in page.locator(".links a").all()]

    answers = [httpx.get(f"{market.url}{urlsplit(link or '').path}", timeout=30).status_code for link in links]

    assert links == ["/developers/reference", "/api/openapi.json"]
    assert answers == [200, 200]


def test_the_reference_names_this_deployment(market: System, open_page: Open) -> None:
    """It lists every path of the OpenAPI document, its commands name this host, and a link leads back."""
    paths = httpx.get(f"{market.url}/api/openapi.json", timeout=30).json()["paths"]
    page = open_page(f"{market.url}/developers/reference")
    page.get_by_role("heading", name="GET /latest", exact=True).wait_for()

    listed = {" ".join(link.split()).partition(" ")[2] for link in page.locator("nav li a").all_inner_texts()}
    commands = [text for text in page.locator("section code").all_inner_texts() if text.startswith("curl")]

    assert listed == set(paths)
    assert all(f"'{market.url}/api/" in command for command in commands)
    assert violations(page) == []
    page.get_by_role("main").get_by_role("link", name="Developers").click()
    page.get_by_role("heading", name="Developers").wait_for()
