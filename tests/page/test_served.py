"""The server of the page: each address its file, packed, tagged, kept as long as it holds, under a strict policy."""

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from functions.page.settings import Settings
from functions.page.site import Site
from functions.page.well_known import well_known

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
