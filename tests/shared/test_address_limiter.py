"""Rate limits of functions without accounts: page and mcp."""

import pytest
from starlette.requests import Request
from starlette.responses import Response

from functions.mcp.settings import Settings as McpSettings
from functions.page.settings import Settings as PageSettings
from shared.auth.address_limiter import AddressLimiter, AddressSettings
from shared.http.endpoint import limited_endpoint
from tests.in_process import serving_handler


async def answer(_: Request) -> Response:
    """An empty response."""
    return Response()


def test_every_request_of_an_address_is_counted() -> None:
    """Beyond the limit an address gets 429 with Retry-After, another address does not."""
    limiter = AddressLimiter(AddressSettings(rate_limit_anonymous=10, rate_limit_token=20))
    with serving_handler(limited_endpoint(answer, limiter)) as client:
        answers = [client.request(method, "/") for method in ("GET", "POST", "OPTIONS", "HEAD") * 6]
        elsewhere = client.get("/", headers={"X-Forwarded-For": "192.0.2.7"})

    assert [one.status_code for one in answers] == [200] * 20 + [429] * 4
    assert "retry-after" in answers[-1].headers
    assert answers[0].headers["ratelimit-policy"] == '"default";q=20;w=60'
    assert elsewhere.status_code == 200


@pytest.mark.parametrize("settings", [McpSettings, PageSettings])
def test_page_and_mcp_are_limited(settings: type) -> None:
    """Both functions have the settings of the limiter."""
    assert issubclass(settings, AddressSettings)
