"""Files at well-known addresses: the API's catalog (RFC 9727) and the contact for security reports (RFC 9116)."""

import json
from collections.abc import Mapping
from datetime import UTC, timedelta

from starlette.responses import Response

from functions.page.settings import Settings
from shared.runtime import clock

_CATALOG_PATH = "/.well-known/api-catalog"
_CATALOG = {
    "linkset": [
        {
            "anchor": "/api/",
            "service-desc": [{"href": "/api/openapi.json", "type": "application/vnd.oai.openapi+json;version=3.1"}],
            "service-doc": [{"href": "/api/docs", "type": "text/html"}],
            "status": [{"href": "/api/status", "type": "application/json"}],
        },
        {
            "anchor": "/api/mcp",
            "service-doc": [{"href": "/llms.txt", "type": "text/plain"}],
        },
    ]
}
"""Addresses relative to this document's, so that it is the same in every deployment (RFC 9264)."""
_LINKSET = 'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"'
_VALID = timedelta(days=180)
_DAY = {"Cache-Control": "public, max-age=86400"}


def well_known(path: str, settings: Settings, headers: Mapping[str, str]) -> Response | None:
    """Return the response to *path*, with *headers*; None if nothing is there."""
    readable = {**headers, **_DAY, "Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    if path == _CATALOG_PATH:
        link = {"Link": f'<{_CATALOG_PATH}>; rel="api-catalog"'}  # RFC 9727: for those who ask by HEAD
        return Response(json.dumps(_CATALOG), headers=readable | link, media_type=_LINKSET)
    if path == "/.well-known/security.txt" and settings.security_contact:
        expires = (clock.now().astimezone(UTC) + _VALID).replace(hour=0, minute=0, second=0, microsecond=0)
        text = f"Contact: {settings.security_contact}\nExpires: {expires:%Y-%m-%dT%H:%M:%SZ}\nPreferred-Languages: en\n"
        return Response(text, headers=readable, media_type="text/plain")
    return None
