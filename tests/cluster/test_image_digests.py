"""A deployment names images by the digests that `make images PUSH=1` recorded."""

import json
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest

from knative.install.__main__ import main
from knative.install.image_digests import read_digests
from knative.install.overlay import ROOT, Deployment, DeploymentError
from knative.install.references import find_missing
from knative.install.rehearse import render
from tests.cluster.objects import CLOUD, needs_kubectl
from tests.cluster.test_images import IMAGES

REGISTRY = "ghcr.io/me/stocks"
BUILDX = """#!/bin/sh
# Writes what buildx writes for --metadata-file; fails for the image in $FAIL.
[ "$2" != imagetools ] || { echo '"sha256:of-the-base"'; exit; }
echo "$@" >> arguments
while [ $# -gt 1 ]; do
    case "$1" in --tag) name=$2 ;; --metadata-file) file=$2 ;; esac
    shift
done
case "$name" in */"$FAIL":*) exit 1 ;; esac
digest=$(printf %s "$name" | sha256sum | cut -d' ' -f1)
printf '{"containerimage.digest": "sha256:%s", "image.name": "%s"}' "$digest" "$name" > "$file"
"""


def digest(name: str, tag: str) -> str:
    """Return the digest that the fake engine gives an image."""
    return "sha256:" + sha256(f"{REGISTRY}/{name}:{tag}".encode()).hexdigest()


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the records, in a checkout that holds nothing else than what `make images` reads."""
    for name in ("Makefile", "Dockerfile"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    (tmp_path / "docker").write_text(BUILDX)
    (tmp_path / "docker").chmod(0o755)
    folder = tmp_path / ".local" / "images"
    monkeypatch.setattr("knative.install.__main__.DIGESTS", folder)
    return folder


def push(records: Path, tag: str, fail: str = "", registry: str = REGISTRY) -> int:
    """Run `make images PUSH=1` with the fake engine; return its exit code."""
    command = ["make", "--silent", "images", "PUSH=1", f"REGISTRY={registry}", f"TAG={tag}", "DOCKER=./docker"]
    environment = {**os.environ, "FAIL": fail or "none"}
    return subprocess.run(command, cwd=records.parents[1], env=environment, check=False).returncode


@needs_kubectl
def test_every_image_is_deployed_by_the_digest_that_was_pushed(records: Path) -> None:
    """kubectl renders registry/image@digest for functions and Jobs, and no check of the manifests objects."""
    assert push(records, "v1") == 0
    digests = read_digests(REGISTRY, "v1", records)
    bodies = render(Deployment("cloud", CLOUD, REGISTRY, "v1", digests=digests))

    found = set(re.findall(r'"image": "([^"]+)"', json.dumps(bodies)))
    assert found == {f"{REGISTRY}/{name}@{digest(name, 'v1')}" for name in IMAGES}
    assert list(find_missing(bodies, IMAGES)) == []


def test_all_images_of_a_release_have_the_same_bases(records: Path) -> None:
    """A tag of a base that moves between two builds makes no difference: it is resolved once."""
    assert push(records, "v1") == 0

    calls = (records.parents[1] / "arguments").read_text().splitlines()
    bases = {tuple(re.findall(r"(?:PYTHON|NODE)=(\S+)", call)) for call in calls}
    assert len(calls) == len(IMAGES)
    assert bases == {("python:3.13-slim-trixie@sha256:of-the-base", "node:24-slim@sha256:of-the-base")}


def test_the_images_can_be_listed_by_digest(records: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scan, signature and tests take the same references as the deployment."""
    assert push(records, "v1") == 0
    assert main(["images", "--registry", REGISTRY, "--tag", "v1"]) == 0

    assert sorted(capsys.readouterr().out.split()) == sorted(f"{REGISTRY}/{n}@{digest(n, 'v1')}" for n in IMAGES)


@pytest.mark.parametrize(("registry", "tag"), [("ghcr.io/other/stocks", "v1"), (REGISTRY, "v2")])
def test_a_record_of_another_build_is_not_used(records: Path, registry: str, tag: str) -> None:
    """Neither another registry's nor another tag's digest is deployed."""
    assert push(records, tag, registry=registry) == 0

    assert read_digests(REGISTRY, "v1", records) == {}


@pytest.mark.parametrize("verb", [["images"], ["deploy", "cloud", "--by-digest", "--dry-run"]])
def test_an_image_that_was_not_pushed_is_refused(
    records: Path, capsys: pytest.CaptureFixture[str], verb: list[str]
) -> None:
    """A build that fails leaves no digest of the build before it, and the error names the images."""
    assert push(records, "v1") == 0
    assert push(records, "v1", fail="store") != 0
    assert main([*verb, "--registry", REGISTRY, "--tag", "v1"]) == 1

    assert "No digest is recorded for store:" in capsys.readouterr().err


def test_a_damaged_record_is_named(records: Path) -> None:
    """A file that buildx did not finish is an error, not a deployment by tag."""
    (records / "v1").mkdir(parents=True)
    (records / "v1" / "api.json").write_text('{"containerimage.dig')

    with pytest.raises(DeploymentError, match=r"api\.json is not a metadata file"):
        read_digests(REGISTRY, "v1", records)
