"""The files of the build as they are sent: read once, with their packed forms, their tag and their policy."""

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
_PACKED = {"br": ".br", "gzip": ".gz"}
"""Suffixes the build gives compressed files."""
_POLICY = re.compile(r'<meta http-equiv="content-security-policy" content="([^"]*)"', re.IGNORECASE)
_NOTHING = "default-src 'none'"
_WORKER = "service-worker.js"
_OWN_HOST = f"{_NOTHING}; connect-src 'self'"
"""A service worker is ruled by what its own script came with, and fetches what it keeps."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: *name* within the build, *packed* by content coding, *policy* what the document may load."""

    name: str
    media_type: str
    body: bytes
    packed: dict[str, bytes]
    tag: str
    policy: str
    changed: int


class Files:
    """Reads files below *folder*, and each again only when it has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, File] = {}

    def read(self, name: str) -> File | None:
        """Return the file *name* (a/b.js), None when there is none, or it is one of another's packed forms."""
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
    siblings = {coding: path.with_name(path.name + suffix) for coding, suffix in _PACKED.items()}
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
