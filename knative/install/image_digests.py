"""Digests of pushed images: `make images PUSH=1` has buildx write one metadata file per image."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from knative.install.overlay import ROOT, DeploymentError, image_names

DIGESTS = ROOT / ".local" / "images"
"""One folder per tag, one file per image."""


def read_digests(registry: str, tag: str, folder: Path) -> dict[str, str]:
    """Return the digest of each image that was pushed as *registry*/image:*tag*, by the image's name.

    A record of another registry is ignored: a tag says nothing about where it was pushed.
    """
    digests: dict[str, str] = {}
    for name in image_names():
        metadata = _read(folder / tag / f"{name}.json")
        if f"{registry}/{name}:{tag}" in str(metadata.get("image.name", "")).split(","):
            digests[name] = metadata["containerimage.digest"]
    return digests


def require_all(digests: dict[str, str]) -> None:
    """DeploymentError when an image has no digest."""
    if missing := [name for name in image_names() if name not in digests]:
        raise DeploymentError(
            f"No digest is recorded for {', '.join(missing)}: run `make images PUSH=1` with the same REGISTRY and TAG."
        )


def image_references(registry: str, digests: dict[str, str]) -> Sequence[str]:
    """Return the reference by digest of each image, as registries, scanners and signatures name it."""
    return [f"{registry}/{name}@{digest}" for name, digest in digests.items()]


def _read(file: Path) -> dict[str, Any]:
    if not file.exists():
        return {}
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise DeploymentError(
            f"{file} is not a metadata file of buildx: delete it and run `make images PUSH=1`."
        ) from error
