"""The runner merges base and patches as kustomize does, or refuses."""

import re
from pathlib import Path

import pytest
import yaml

from knative.local.kustomize import build
from knative.local.manifest_schema import ManifestError
from tests.cluster.objects import Body


def write(folder: Path, name: str, *bodies: object) -> None:
    """Write a manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(yaml.safe_dump_all(bodies))


KUSTOMIZATION = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
ROUTE = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "HTTPRoute",
    "metadata": {"name": "r", "namespace": "n"},
}


def test_patches_are_laid_over_the_base(tmp_path: Path) -> None:
    """A patch replaces values and lists, adds new fields and removes those that it sets to null."""
    write(tmp_path / "base", "kustomization.yaml", {**KUSTOMIZATION, "resources": ["r.yaml"]})
    write(tmp_path / "base", "r.yaml", {**ROUTE, "spec": {"hostnames": ["a", "b"], "parentRefs": [{"name": "p"}]}})
    listing = {**KUSTOMIZATION, "resources": ["../base"], "patches": [{"path": "p.yaml"}]}
    write(tmp_path / "local", "kustomization.yaml", listing)
    write(tmp_path / "local", "p.yaml", {**ROUTE, "spec": {"hostnames": ["c"], "parentRefs": None}})

    [document] = build(tmp_path / "local")

    assert document.body["spec"] == {"hostnames": ["c"]}


@pytest.mark.parametrize(
    ("patch", "error"),
    [
        ({**ROUTE, "spec": {"surprise": 1}}, "local/p.yaml: spec.surprise: is not supported"),
        (
            {**ROUTE, "spec": {"parentRefs": [{"name": "q"}]}},
            "local/p.yaml: spec.parentRefs: the local runner does not",
        ),
        ({**ROUTE, "metadata": {"name": "x"}}, "local/p.yaml: patches HTTPRoute x, which does not exist"),
    ],
)
def test_a_patch_is_checked_too(tmp_path: Path, patch: Body, error: str) -> None:
    """A patch that the runner does not support is refused with its file."""
    listing = {**KUSTOMIZATION, "resources": ["r.yaml"], "patches": [{"path": "p.yaml"}]}
    write(tmp_path / "local", "kustomization.yaml", listing)
    write(tmp_path / "local", "r.yaml", {**ROUTE, "spec": {"hostnames": ["a"]}})
    write(tmp_path / "local", "p.yaml", patch)

    with pytest.raises(ManifestError, match="^" + re.escape(error)):
        build(tmp_path / "local")


@pytest.mark.parametrize("field", ["namespace", "commonLabels", "replacements", "configMapGenerator"])
def test_what_kustomize_can_and_the_runner_cannot_is_refused(tmp_path: Path, field: str) -> None:
    """A kustomization with a field that the runner does not support is refused as a whole."""
    write(tmp_path / "local", "kustomization.yaml", {**KUSTOMIZATION, field: "x"})

    with pytest.raises(ManifestError, match=f"^local/kustomization.yaml: {field}: is not supported"):
        build(tmp_path / "local")
