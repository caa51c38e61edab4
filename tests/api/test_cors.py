"""Cross-origin requests: the origins whose pages may read the API."""

from starlette.applications import Starlette

from shared.runtime.cors import allow_origins
from tests.reading import Api, serving_process


def test_every_page_may_read_public_data_by_default(api: Api) -> None:
    """Without configuration every origin may GET, without a cookie and without a token."""
    answer = api.get("/latest", origin="https://page.example")
    asked = {"Origin": "https://page.example", "Access-Control-Request-Method": "GET"}
    plain = api.client.options("/latest", headers=asked)
    with_token = api.client.options("/latest", headers={**asked, "Access-Control-Request-Headers": "authorization"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert (plain.status_code, with_token.status_code) == (200, 400)
    assert "DELETE" not in plain.headers["access-control-allow-methods"]


def test_accounts_are_closed_to_pages_that_are_not_named() -> None:
    """The function of accounts and tokens has no CORS header without configuration."""
    app = Starlette()

    assert allow_origins(app, "token", "") is app
    assert allow_origins(app, "token", "https://page.example") is not app


def test_configured_origins_may_read(database_url: str, redis_url: str) -> None:
    """Only the origins in CORS_ORIGINS may read responses, problems and preflights."""
    allowed = "https://page.example"
    with serving_process(database_url, redis_url, CORS_ORIGINS=f"{allowed},https://other.example") as api:
        for path, status in (("/latest", 200), ("/latest", 200), ("/nothing", 404)):
            headers = api.get(path, status, origin=allowed).headers
            assert headers["access-control-allow-origin"] == allowed
            assert "ETag" in headers["access-control-expose-headers"]
            stranger = api.get(path, status, origin="https://evil.example").headers
            assert "access-control-allow-origin" not in stranger
            assert "Origin" in stranger["vary"]
        preflight = api.client.options("/latest", headers={"Origin": allowed, "Access-Control-Request-Method": "GET"})

    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, allowed)
    assert "GET" in preflight.headers["access-control-allow-methods"]
    assert "Authorization" in preflight.headers["access-control-allow-headers"]


def test_every_origin_may_read_where_that_is_configured(database_url: str, redis_url: str) -> None:
    """CORS_ORIGINS=* opens the answers to every page."""
    with serving_process(database_url, redis_url, CORS_ORIGINS="*") as api:
        for _ in range(2):
            answer = api.get("/latest", origin="https://anyone.example")
            assert answer.headers["access-control-allow-origin"] == "*"
