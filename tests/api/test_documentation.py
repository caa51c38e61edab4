"""/docs in a real browser: it loads nothing else, is accessible, and fits a phone."""

import re
from collections.abc import Iterator

import pytest

from functions.contract.page import style
from tests.browser import Open, violations
from tests.reading import Api, serving_process


@pytest.fixture(scope="module")
def api(migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over an empty database: the page needs none."""
    with serving_process(migrated_database, module_redis_url) as api:
        yield api


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_loads_nothing_and_fits(api: Api, open_page: Open, scheme: str, width: int) -> None:
    """One request, no complaint of its own policy, nothing wider than the screen, readable for all in both."""
    page = open_page(f"{api.client.base_url}/docs", color_scheme=scheme, viewport={"width": width, "height": 800})

    assert (
        page.evaluate("performance.getEntriesByType('resource').filter(one => !one.name.startsWith('data:')).length")
        == 0
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == {"light": "rgb(251, 250, 248)", "dark": "rgb(15, 16, 18)"}[scheme]


def test_every_operation_is_on_the_page(api: Api, open_page: Open) -> None:
    """Each has its heading, a command to try, and a link that leads to it."""
    page = open_page(f"{api.client.base_url}/docs")
    operations = [one["operationId"] for path in api.json("/openapi.json")["paths"].values() for one in path.values()]

    assert page.eval_on_selector_all("section.operation", "all => all.map(one => one.id)") == operations
    for link in page.eval_on_selector_all("nav a[href^='#']", "all => all.map(one => one.hash.slice(1))"):
        assert page.query_selector(f"[id='{link}']"), link
    assert len(page.query_selector_all("section.operation pre")) >= len(operations)


def test_the_commands_and_the_way_back_have_the_address_of_the_installation(api: Api, open_page: Open) -> None:
    """Each command calls the host that the page came from, and the header leads to the page."""
    page = open_page(f"{api.client.base_url}/docs")
    base = str(api.client.base_url).rstrip("/")

    assert set(page.eval_on_selector_all(".base", "all => all.map(one => one.textContent)")) == {base}
    assert page.get_attribute("#home", "href") == base
    assert "localhost:8080" not in page.content()


def test_the_policy_lets_nothing_in(api: Api, open_page: Open) -> None:
    """The policy allows one style and one script, by hash."""
    page = open_page(f"{api.client.base_url}/docs")
    policy = api.get("/docs").headers["content-security-policy"]

    assert re.match("default-src 'none'; style-src 'sha256-[^' ]+'; script-src 'sha256-[^' ]+'; img-src data:;", policy)
    assert "unsafe" not in policy
    assert len(page.query_selector_all("script, style")) == 2
    assert page.query_selector("[style]") is None


def test_the_page_uses_the_design_tokens_of_the_page() -> None:
    """Every variable of its style is a token of the page's design."""
    css = style()

    assert set(re.findall(r"var\((--[\w-]+)", css)) <= set(re.findall(r"^\s*(--[\w-]+):", css, re.MULTILINE))
