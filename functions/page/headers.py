"""Security headers of the page's files, and the parser of Accept-Encoding."""

import re

SECURITY = {
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response."""

_CODING = re.compile(r"\s*([^\s;,]+)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")


def content_codings(accept_encoding: str) -> list[str]:
    """Return the content codings accepted by the header Accept-Encoding, the smaller one first."""
    weights = {name.lower(): float(q or 1) for name, q in _CODING.findall(accept_encoding)}
    return [name for name in ("br", "gzip") if weights.get(name, weights.get("*", 0)) > 0]
