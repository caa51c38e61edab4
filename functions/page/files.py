"""Files of the build: read once, with their compressed forms, ETag and content security policy."""

import html
import re
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

BUILD = Path(__file__).parents[2] / "frontend" / "build"

_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
    ".xml": "application/xml",
}
_ENCODED = {"br": ".br", "gzip": ".gz"}
"""Suffixes the build gives compressed files."""
_POLICY = re.compile(r'<meta http-equiv="content-security-policy" content="([^"]*)"', re.IGNORECASE)
_NOTHING = "default-src 'none'"
_WORKER = "service-worker.js"
_OWN_HOST = f"{_NOTHING}; connect-src 'self'"
"""A service worker has the policy of its own script, and fetches what it caches."""


@dataclass(frozen=True, slots=True, eq=False)
class File:
    """A file: *name* within the build, *encoded* by content coding, *policy* its content security policy."""

    name: str
    media_type: str
    body: bytes
    encoded: dict[str, bytes]
    tag: str
    policy: str
    changed: int


class Files:
    """Cache of the files below *folder*; a changed file is read again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, File] = {}

    def read(self, name: str) -> File | None:
        """Return the file *name* (a/b.js), None when there is none, or it is the compressed form of another."""
        parts = name.split("/")
        if "\0" in name or "\\" in name or any(part in ("", ".", "..") for part in parts):
            return None
        path = self._folder.joinpath(*parts)
        if path.suffix not in _MEDIA_TYPES:
            return None
        try:
            changed = path.stat().st_mtime_ns
            known = self._read.get(name)
            if known is None or known.changed != changed:
                known = self._read[name] = _read(name, path, changed)
        except OSError:
            return None
        return known


def _read(name: str, path: Path, changed: int) -> File:
    body = path.read_bytes()
    siblings = {coding: path.with_name(path.name + suffix) for coding, suffix in _ENCODED.items()}
    return File(
        name,
        _MEDIA_TYPES[path.suffix],
        body,
        {coding: sibling.read_bytes() for coding, sibling in siblings.items() if sibling.is_file()},
        blake2b(body, digest_size=16).hexdigest(),
        _policy(body.decode()) if path.suffix == ".html" else _OWN_HOST if name == _WORKER else _NOTHING,
        changed,
    )


def _policy(document: str) -> str:
    """Return the content security policy that the build has written into *document*, with the hashes of its scripts."""
    found = _POLICY.search(document)
    return html.unescape(found[1]) if found else _NOTHING
