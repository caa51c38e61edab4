"""The server of the page: each address its file, packed, tagged, kept as long as it holds, under a strict policy."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from functions.page.settings import Settings
from functions.page.site import Site
from functions.page.well_known import well_known
from tests.browser import BUILD, SPARK, Open, wait_until_kept
from tests.page.stock import drawn_chart, moving_chart
from tests.running import ROOT, System

if TYPE_CHECKING:
    from playwright.sync_api import Page

POLICY = "default-src 'none'; script-src 'self' 'sha256-abc='"
DOCUMENT = '<!doctype html><meta http-equiv="content-security-policy" content="{0}"><title>{1}</title><p>{1}</p>'
CONTACT = "mailto:security@example.com"
SCRIPT = "export const answer = 42;\n" * 100
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build as adapter-static leaves it: documents, hashed files, and their packed forms."""
    for name in ("index", "account", "stocks/_", "200"):
        path = tmp_path / f"{name}.html"
        path.parent.mkdir(exist_ok=True)
        path.write_text(DOCUMENT.format(POLICY.replace("'", "&#39;"), name))
    script = tmp_path / "_app" / "immutable" / "start.AbC.js"
    script.parent.mkdir(parents=True)
    script.write_text(SCRIPT)
    script.with_name("start.AbC.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    # Packed by no real brotli: what matters is which bytes are sent.
    script.with_name("start.AbC.js.br").write_bytes(b"brotli")
    (tmp_path / "robots.txt").write_text("User-agent: *\n")
    (tmp_path.parent / "secret.txt").write_text("not for you")
    return tmp_path


@pytest.fixture
def client(build: Path) -> TestClient:
    """Asks the server of that build; takes no packed answers unless it says so."""
    site = Site(Settings(security_contact=CONTACT), build)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        response = await site.respond(Request(scope, receive))
        await response(scope, receive, send)

    return TestClient(application, headers={"Accept-Encoding": "identity"}, follow_redirects=False)


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/", "index"),
        ("/?theme=dark", "index"),
        ("/account", "account"),
        ("/stocks/NVDA?range=1M&interval=1h", "stocks/_"),
        ("/stocks/BRK.A", "stocks/_"),
    ],
)
def test_an_address_leads_to_its_document(client: TestClient, path: str, document: str) -> None:
    """A link may lead anywhere into the page, whatever its query; a stock needs no file of its own."""
    answer = client.get(path, headers=HTML)

    assert answer.status_code == 200
    assert f"<p>{document}</p>" in answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ["/nothing", "/stocks", "/stocks/NVDA/more", "/account/more", "/stocks/a%20b"])
def test_what_is_not_there_is_404(client: TestClient, path: str) -> None:
    """A browser gets the page with a way back, a program a line of text; both get 404."""
    page, line = client.get(path, headers=HTML), client.get(path)

    assert (page.status_code, line.status_code) == (404, 404)
    assert "<title>200</title>" in page.text
    assert line.text == "Not found.\n"
    assert line.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/_app/..%2f..%2f..%2fsecret.txt",
        "/%00",
        "http://testserver//secret.txt",
        "/_app/immutable/start.AbC.js.gz",
        "/_app/immutable/missing.js",
        "/_app",
    ],
)
def test_nothing_else_can_be_read(client: TestClient, path: str) -> None:
    """No path leads out of the build, to a folder, or to a packed form by its own name."""
    assert client.get(path).status_code == 404


def test_a_slash_too_many_is_taken_off(client: TestClient) -> None:
    """One address for one document: its query stays, and no redirect leads to another host."""
    moved = client.get("/stocks/NVDA/?range=1D")

    assert (moved.status_code, moved.headers["location"]) == (308, "/stocks/NVDA?range=1D")
    assert client.get("http://testserver//example.com/").status_code == 404
    assert client.get("http://testserver//", follow_redirects=False).status_code == 404


def test_only_reading_is_allowed(client: TestClient) -> None:
    """Other methods are 405 and say which are not; HEAD is GET without its body."""
    refused, head = client.post("/"), client.head("/")

    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")
    assert int(head.headers["content-length"]) == len(client.get("/").content)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("*", "br"),
        ("identity", None),
        ("", None),
    ],
)
def test_files_are_sent_packed(client: TestClient, accepted: str, coding: str | None) -> None:
    """The smallest form that the client takes, made when the page was built; each form has a tag of its own."""
    with client.stream("GET", "/_app/immutable/start.AbC.js", headers={"Accept-Encoding": accepted}) as answer:
        sent = b"".join(answer.iter_raw())

    expected = {"br": b"brotli", None: SCRIPT.encode()}
    assert answer.headers.get("content-encoding") == coding
    assert sent == expected.get(coding, sent)
    if coding == "gzip":
        assert gzip.decompress(sent) == SCRIPT.encode()
    assert answer.headers["vary"] == "Accept-Encoding"
    assert int(answer.headers["content-length"]) == len(sent)


def test_hashed_files_are_kept_for_ever_and_others_are_asked_about(client: TestClient) -> None:
    """A file whose name changes with its content is never asked for again; a document is, and answered 304."""
    hashed, document = client.get("/_app/immutable/start.AbC.js"), client.get("/")
    again = client.get("/", headers={"If-None-Match": f'W/"other", {document.headers["etag"]}'})

    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert document.headers["cache-control"] == "no-cache"
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == document.headers["etag"]


def test_a_new_build_is_served_at_once(client: TestClient, build: Path) -> None:
    """Building the page anew needs no restart of its server."""
    before = client.get("/").headers["etag"]
    (build / "index.html").write_text(DOCUMENT.format(POLICY, "new"))

    after = client.get("/", headers={"If-None-Match": before})

    assert (after.status_code, "<title>new</title>" in after.text) == (200, True)


@pytest.mark.parametrize("path", ["/", "/nothing", "/_app/immutable/start.AbC.js"])
def test_every_answer_is_guarded(client: TestClient, path: str) -> None:
    """No frames, no address told to others, no device, and the policy that the build made."""
    answer = client.get(path, headers=HTML)
    policy = answer.headers["content-security-policy"].split("; ")

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "camera=()" in answer.headers["permissions-policy"]
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert {"default-src 'none'", "frame-ancestors 'none'"} <= set(policy)
    assert ("script-src 'self' 'sha256-abc='" in policy) == (not path.endswith(".js"))


def test_without_a_build_it_says_how_to_make_one(tmp_path: Path) -> None:
    """A checkout whose page was never built answers 503 with the command."""
    site = Site(Settings(), tmp_path / "absent")

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await (await site.respond(Request(scope, receive)))(scope, receive, send)

    answer = TestClient(application).get("/", headers=HTML)

    assert (answer.status_code, "make page" in answer.text) == (503, True)


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


def test_well_known_addresses_lead_on(client: TestClient) -> None:
    """The catalog links what the API has, the contact is the operator's and expires within a year; without one: 404."""
    catalog = client.get("/.well-known/api-catalog")
    contact = client.get("/.well-known/security.txt")

    assert catalog.headers["content-type"].startswith("application/linkset+json; profile=")
    assert catalog.headers["access-control-allow-origin"] == "*"
    assert client.head("/.well-known/api-catalog").headers["link"] == '</.well-known/api-catalog>; rel="api-catalog"'
    links = [link for entry in catalog.json()["linkset"] for kind in entry.values() if kind[0] != "/" for link in kind]
    assert {"/api/openapi.json", "/api/docs", "/api/status", "/llms.txt"} == {link["href"] for link in links}
    fields = dict(line.split(": ", 1) for line in contact.text.splitlines())
    assert fields["Contact"] == CONTACT
    assert timedelta(0) < datetime.fromisoformat(fields["Expires"]) - datetime.now(UTC) < timedelta(days=366)
    assert well_known("/.well-known/security.txt", Settings(), {}) is None


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


def test_the_document_of_a_stock_is_about_none(market: System) -> None:
    """One document serves all of them: nothing in it is about the one it was built with, and it is not empty either."""
    head, document = httpx.get(f"{market.url}/stocks/NVDA", timeout=30).text.split("</head>")

    assert "Insights" in document
    assert "NVDA" not in document + httpx.get(f"{market.url}/stocks/_", timeout=30).text
    assert "NVDA" in head, "for previews of its link"
    assert "<h1" in document
