"""/docs in a real browser: it loads nothing, hides nothing, and reads well on a phone."""

from collections.abc import Iterator

import pytest

from tests.browser import Open, violations
from tests.reading import Api, serving


@pytest.fixture(scope="module")
def api(migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over an empty database: the page needs none."""
    with serving(migrated_database, module_redis_url) as api:
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
    assert paper == {"light": "rgb(251, 251, 249)", "dark": "rgb(20, 22, 26)"}[scheme]


def test_every_operation_is_on_the_page(api: Api, open_page: Open) -> None:
    """Each has its heading, a command to try, and a link that leads to it."""
    page = open_page(f"{api.client.base_url}/docs")
    operations = [one["operationId"] for path in api.json("/openapi.json")["paths"].values() for one in path.values()]

    assert page.eval_on_selector_all("section.operation", "all => all.map(one => one.id)") == operations
    for link in page.eval_on_selector_all("nav a[href^='#']", "all => all.map(one => one.hash.slice(1))"):
        assert page.query_selector(f"[id='{link}']"), link
    assert len(page.query_selector_all("section.operation pre")) >= len(operations)


def test_the_policy_lets_nothing_in(api: Api, open_page: Open) -> None:
    """A script or a picture that got into the page would not be loaded."""
    page = open_page(f"{api.client.base_url}/docs")
    policy = api.get("/docs").headers["content-security-policy"]

    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert page.query_selector("script") is None
    assert page.query_selector("[style]") is None
