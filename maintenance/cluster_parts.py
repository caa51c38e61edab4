"""Newer releases of the cluster's components (knative/install/versions.env), as GitHub lists them."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping

import httpx
from packaging.version import InvalidVersion, Version

from knative.install.overlay import ROOT
from knative.install.schemas import read_versions

_RELEASE = re.compile(r'release ([\w./-]+) "[a-z-]*v?\$([A-Z_]+)"')
_TIMEOUT_SECONDS = 20


def read_parts() -> dict[str, str]:
    """Return the repository of each part by the name of its version, as knative/install/cluster downloads them."""
    script = (ROOT / "knative" / "install" / "cluster").read_text()
    return {name: repository for repository, name in _RELEASE.findall(script)}


def report_parts(transport: httpx.BaseTransport | None = None) -> Iterator[str]:
    """Yield one line per part that has a newer release, or that could not be looked up."""
    headers = {"Authorization": f"Bearer {token}"} if (token := os.environ.get("GITHUB_TOKEN")) else {}
    with httpx.Client(
        base_url="https://api.github.com", headers=headers, timeout=_TIMEOUT_SECONDS, transport=transport
    ) as client:
        yield from _report(client, read_parts(), read_versions())


def _report(client: httpx.Client, parts: Mapping[str, str], versions: Mapping[str, str]) -> Iterator[str]:
    for name, repository in parts.items():
        pinned = Version(versions[name])
        try:
            answer = client.get(f"/repos/{repository}/releases", params={"per_page": 100}).raise_for_status().json()
        except httpx.HTTPError as error:
            yield f"{name} {pinned}: not looked up at https://github.com/{repository}/releases ({error})"
            continue
        released = list(parse_tags(one["tag_name"] for one in answer if not one["prerelease"]))
        line = max((one for one in released if one.release[:2] == pinned.release[:2]), default=pinned)
        newest = max(released, default=pinned)
        if max(line, newest) > pinned:
            yield f"{name} {pinned}: newest of its line {line}, newest {newest} ({repository})"


def parse_tags(tags: Iterable[str]) -> Iterator[Version]:
    """Yield the version of each tag such as v1.2.3 or knative-v1.2.3."""
    for tag in tags:
        try:
            yield Version(re.sub(r"^[a-z-]*v", "", tag))
        except InvalidVersion:
            continue
