"""Commands, files and objects that documents and workflows name exist."""

import re
from pathlib import Path

import pytest

from knative.install.overlay import OVERLAYS
from knative.local.kustomize import build
from tests.cluster.documents import commands
from tests.cluster.groups import ROOT
from tests.cluster.objects import needs_kubectl

PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_document_names_exists(page: Path) -> None:
    """Each make target, script, module, file and link that the documents name exists."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    text = page.read_text()
    named = set(
        re.findall(r"(?:^|[`\s])make ([a-z]+)\b", "\n".join([*commands(page), *re.findall(r"`[^`\n]+`", text)]))
    )
    assert named <= targets, named - targets

    for variable in set(re.findall(r"\bmake [^`\n]*?\b([A-Z_]+)=", "\n".join(commands(page)))):
        assert re.search(rf"\b{variable}\b", makefile), f"{variable} means nothing to make"
    for module in set(re.findall(r"python3? -m ((?:knative|functions|benchmarks)[\w.]*)", text)):
        path = ROOT / Path(*module.split("."))
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), module
    for link in re.findall(r"\]\(((?!https?:|mailto:|#)[^)#]+)", text):
        assert (page.parent / link).exists(), link
    for file in re.findall(r"(?<![\w/.])((?:knative|docs|tests|benchmarks|functions|shared)/[\w./-]+\.\w+)", text):
        assert (ROOT / file).exists() or re.search(
            rf"^The (?:new file|test) `{re.escape(file)}`", text, re.MULTILINE
        ), file


@needs_kubectl
def test_objects_named_to_kubectl_exist() -> None:
    """Objects in the kubectl commands of the documents are in the manifests, and the folders they apply exist."""
    documents = [*build(OVERLAYS / "local"), *build(OVERLAYS / "cloud")]
    names = {document.identity[3] for document in documents} | {"postgres-0", "stocksalot-tls", "api-00001"}
    typed = "\n".join(line for page in PAGES for line in commands(page))

    for folder in re.findall(r"-k (knative/\S+)", typed):
        assert (ROOT / folder / "kustomization.yaml").exists()
    kinds = r"gateway|certificate|services\.serving\.knative\.dev|secret|job"
    objects = re.findall(rf"(?:get|patch|delete) (?:{kinds}) ([a-z0-9-]+)|--from=cronjob/([a-z-]+)", typed)
    assert {one or other for one, other in objects} >= {"public", "stocksalot", "api"}
    assert {one or other for one, other in objects} <= names
    for name in re.findall(r"exec (?:-it? )?([a-z0-9-]+) --", typed):
        assert name in names


def test_workflows_use_existing_targets_and_all_images() -> None:
    """Each make target of a workflow exists, and each loop over images names all of them."""
    makefile = (ROOT / "Makefile").read_text()
    [images] = re.findall(r"^IMAGES := (.*)$", makefile, re.MULTILINE)
    for file in [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "docs" / "install.md"]:
        text = file.read_text()
        targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
        used = set(re.findall(r"^\s*(?:- run: |KUBECONFIG=\S+ )?make ([a-z]+)", text, re.MULTILINE))
        assert used <= targets
        for listed in re.findall(r"for image in ([a-z ]+)(?:;|$)", text, re.MULTILINE):
            assert set(listed.split()) | {"migration"} == set(images.split())
