"""Files of the page as a browser loads them from a running system: their size, their policy, what is kept."""

import re
from typing import TYPE_CHECKING

import httpx

from tests.browser import BUILD, SPARK, Open, wait_until_kept
from tests.page.stock import drawn_chart, moving_chart
from tests.page.test_served import HTML
from tests.running import ROOT, System

if TYPE_CHECKING:
    from playwright.sync_api import Page

KILOBYTE = 1024
PAGES = ("/account", "/account/alerts", "/developers", "/developers/reference", "/figures", "/settings")


OF_THE_LIBRARY = "subscribeCrosshairMove"
"""A name that only the script with the charting library holds."""


def scripts(page: "Page") -> list[str]:
    """The paths of all scripts that the page has loaded so far."""
    found = page.evaluate("performance.getEntriesByType('resource').map(one => new URL(one.name).pathname)")
    return sorted({path for path in found if path.endswith(".js")})


def packed_size(paths: list[str]) -> int:
    """Bytes of these files of the build, as gzip packs them; a file that is too small to be packed counts as it is."""
    files = [BUILD / path.removeprefix("/") for path in paths]
    return sum(
        next(f for f in (file.with_name(f"{file.name}.gz"), file) if f.exists()).stat().st_size for file in files
    )


def test_home_is_light(market: System, open_page: Open) -> None:
    """All the scripts that the first view of the market loads are at most 75 KB, packed, without the chart's."""
    page = open_page(market.url)
    page.wait_for_selector(SPARK)
    page.wait_for_load_state("networkidle")

    loaded = scripts(page)

    assert 20 * KILOBYTE < packed_size(loaded) <= 75 * KILOBYTE
    assert [path for path in loaded if OF_THE_LIBRARY in (BUILD / path[1:]).read_text()] == []


def test_the_library_of_charts_is_loaded_where_a_chart_is_used(market: System, open_page: Open) -> None:
    """Not with the first stock, but once its reader points at the chart."""
    page = open_page(market.url)
    page.wait_for_load_state("networkidle")
    page.locator("tr[data-ticker=NVDA] a").first.press("Enter")
    page.wait_for_url("**/stocks/NVDA")
    chart = drawn_chart(page)
    page.wait_for_load_state("networkidle")
    first = scripts(page)
    chart.hover()
    moving_chart(page)

    [library] = [path for path in scripts(page) if OF_THE_LIBRARY in (BUILD / path[1:]).read_text()]

    assert library not in first
    assert "/_app/immutable/" in library


def test_the_browser_keeps_the_page_and_no_figure(market: System, open_page: Open) -> None:
    """For times without the host: all scripts, one document for each address, and nothing that a function has said."""
    page = open_page(market.url)
    wait_until_kept(page)

    requests = "caches.open('page').then((cache) => cache.keys())"
    kept = page.evaluate(f"{requests}.then((all) => all.map(({{ url }}) => new URL(url).pathname))")

    built = {f"/{file.relative_to(BUILD)}" for file in (BUILD / "_app" / "immutable").rglob("*.*")}
    documents = {"/", *PAGES, "/stocks/_", "/favicon.svg", "/manifest.webmanifest"}
    assert set(kept) - documents == {name for name in built if not name.endswith((".gz", ".br"))}


def test_the_whole_host_is_guarded(market: System) -> None:
    """Through the front door: a policy that lets this page's scripts run alone, every route, and 404 for the rest."""
    with httpx.Client(base_url=market.url, headers=HTML, timeout=30) as client:
        answers = {path: client.get(path) for path in ("/", *PAGES, "/stocks/NVDA")}
        missing = client.get("/nothing")
        robots = client.get("/robots.txt")

    routes = ROOT / "frontend" / "src" / "routes"
    folders = {f"/{path.parent.relative_to(routes)}" for path in routes.rglob("+page.svelte")}
    assert folders == {"/.", *PAGES, "/stocks/[ticker]"}
    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert missing.status_code == 404
    assert "Disallow: /api/" in robots.text
    for answer in (*answers.values(), missing):
        assert answer.headers["x-content-type-options"] == "nosniff"
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert re.fullmatch(r"'self'( 'sha256-[\w+/=]+')+", policy["script-src"])
        assert "unsafe-inline" not in str(policy)
        assert answer.headers["content-encoding"] in ("br", "gzip")
        assert answer.headers["cache-control"] == "no-cache"


def test_every_link_for_assistants_leads_somewhere(market: System) -> None:
    """Each address in llms.txt and in the catalog answers through the front door."""
    with httpx.Client(base_url=market.url, timeout=30) as client:
        text = client.get("/llms.txt").text
        links = {
            *re.findall(r"\]\((/[^)]*)\)", text),
            *re.findall(r'"(/[^"]*)"', client.get("/.well-known/api-catalog").text),
        }
        answers = {link: client.get(link, follow_redirects=True).status_code for link in links - {"/api/mcp"}}

    assert len(answers) >= 11
    assert answers == dict.fromkeys(answers, 200)


def test_the_stock_document_contains_no_ticker(market: System) -> None:
    """One document serves all of them: nothing in it is about the one it was built with, and it is not empty either."""
    head, document = httpx.get(f"{market.url}/stocks/NVDA", timeout=30).text.split("</head>")

    assert "Insights" in document
    assert "NVDA" not in document + httpx.get(f"{market.url}/stocks/_", timeout=30).text
    assert "NVDA" in head, "for previews of its link"
    assert "<h1" in document
