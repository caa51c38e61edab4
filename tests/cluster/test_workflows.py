"""The workflows hold what they claim: pinned actions, few rights, and a release of the images that were tested."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from knative.install.__main__ import main
from tests.cluster.groups import ROOT

TEXTS = {path.stem: path.read_text() for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
WORKFLOWS: dict[str, dict[Any, Any]] = {name: yaml.safe_load(text) for name, text in TEXTS.items()}
WRITERS = {
    ("images", "build"): {"packages"},
    ("images", "runner"): {"packages", "id-token"},
    ("images", "sign"): {"packages", "id-token"},
    ("deploy", "images"): {"packages", "id-token"},
    ("release", "deploy"): {"packages", "id-token"},
    ("release", "publish"): {"contents"},
}
"""The jobs that may write, and what; a call of another workflow passes on what that one's jobs need."""
REMOTE = re.compile(r"uses: ([\w./-]+)@(\S+)(?: # (\S+))?$", re.MULTILINE)


JOBS = [
    pytest.param(workflow, name, body, id=f"{workflow}-{name}")
    for workflow, content in WORKFLOWS.items()
    for name, body in content["jobs"].items()
]


def commands(workflow: str, job: str) -> str:
    """Return the commands of a job, one after the other."""
    return "\n".join(step.get("run", "") for step in WORKFLOWS[workflow]["jobs"][job]["steps"])


def ancestors(workflow: str, job: str) -> set[str]:
    """Return the jobs that must have succeeded before *job*."""
    needs = WORKFLOWS[workflow]["jobs"][job].get("needs", [])
    direct = {needs} if isinstance(needs, str) else set(needs)
    return direct | {far for one in direct for far in ancestors(workflow, one)}


def artifacts(action: str, workflow: str, *names: str) -> set[str]:
    """Return the artifacts that jobs of *workflow*, and of the workflows they call, upload or download."""
    found: set[str] = set()
    for name in names:
        body = WORKFLOWS[workflow]["jobs"][name]
        found |= {step["with"]["name"] for step in body.get("steps", []) if action in step.get("uses", "")}
        if called := body.get("uses"):
            found |= artifacts(action, Path(called).stem, *WORKFLOWS[Path(called).stem]["jobs"])
    return found


def test_every_action_is_pinned_by_commit() -> None:
    """An action is named by the hash of a commit and its version, one commit per action in all workflows."""
    found = [pin for text in TEXTS.values() for pin in REMOTE.findall(text)]

    assert len(found) > 20
    for action, commit, version in found:
        assert re.fullmatch(r"[0-9a-f]{40}", commit), action
        assert re.fullmatch(r"v\d+\.\d+\.\d+", version), action
    assert len({action for action, _, _ in found}) == len(set(found))


@pytest.mark.parametrize(("workflow", "name", "body"), JOBS)
def test_a_job_has_an_end_and_few_rights(workflow: str, name: str, body: dict[str, Any]) -> None:
    """A job has a timeout or calls a workflow whose jobs have; it may write only what the table says."""
    assert WORKFLOWS[workflow]["permissions"] == {"contents": "read"}
    assert "timeout-minutes" in body or body["uses"].startswith("./.github/workflows/")
    written = {scope for scope, access in body.get("permissions", {}).items() if access == "write"}
    assert written == WRITERS.get((workflow, name), set())


@pytest.mark.parametrize(("workflow", "name", "body"), JOBS)
def test_a_command_takes_values_from_its_environment(workflow: str, name: str, body: dict[str, Any]) -> None:
    """No expression is pasted into a shell: a branch's name could be a command. No checkout leaves a credential."""
    for step in body.get("steps", []):
        assert "${{" not in step.get("run", ""), step
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize(("workflow", "name", "body"), JOBS)
def test_an_artifact_comes_from_a_job_before(workflow: str, name: str, body: dict[str, Any]) -> None:
    """A job downloads only what the jobs that it waits for have uploaded."""
    if "uses" not in body:
        before = artifacts("upload-artifact", workflow, *ancestors(workflow, name))
        assert artifacts("download-artifact", workflow, name) <= before


def test_the_images_that_were_tested_are_deployed() -> None:
    """Test, scan and signature take the pushed digests; the deployment follows all three and refuses a tag."""
    assert ancestors("images", "sign") == {"build", "test", "scan"}
    assert ancestors("deploy", "deploy") == {"images"}
    assert "test_engine.py" in commands("images", "test")
    for workflow, job in (("images", "scan"), ("images", "sign"), ("deploy", "deploy")):
        assert 'knative.install images --registry "$REGISTRY" --tag "$TAG"' in commands(workflow, job)
    assert "ARGS=--by-digest" in commands("deploy", "deploy")
    assert commands("deploy", "deploy").index("cosign verify") < commands("deploy", "deploy").index("make deploy")
    for workflow, job in (("images", "test"), ("images", "scan"), ("images", "sign"), ("deploy", "deploy")):
        assert "make images" not in commands(workflow, job)


def test_a_release_is_published_after_its_deployment() -> None:
    """Version and notes are checked before anything is built."""
    assert ancestors("release", "publish") == {"deploy", "notes"}
    assert 'knative.install notes "$GITHUB_REF_NAME"' in commands("release", "notes")


def test_a_change_of_what_runs_is_tried_on_kind() -> None:
    """Pull requests that touch manifests, code or the Dockerfile install everything into a new cluster."""
    on = WORKFLOWS["kind"][True]["pull_request"]["paths"]

    assert {"knative/**", "functions/**", "shared/**", "Dockerfile", ".dockerignore"} <= set(on)
    assert all((ROOT / path.removesuffix("/**")).exists() for path in on)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of version 1.2.3 with a changelog."""
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- Next\n\n## 1.2.3 - 2026-11-30\n\n- This\n"
    )
    monkeypatch.setattr("knative.install.__main__.ROOT", tmp_path)
    return tmp_path


def test_the_notes_of_a_release_are_its_part_of_the_changelog(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sections before and after it belong to other releases."""
    assert main(["notes", "v1.2.3"]) == 0

    assert capsys.readouterr().out == "- This\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "error"),
    [
        ("v1.2.4", "## 1.2.4\n\n- This\n", "The tag is v1.2.4 and pyproject.toml has version 1.2.3"),
        ("v1.2.3", "## Unreleased\n\n- This\n", "CHANGELOG.md has no section for 1.2.3"),
        ("v1.2.3", "## 1.2.3\n\n## 1.2.2\n\n- Old\n", "CHANGELOG.md has no section for 1.2.3"),
        ("v1.2.3", "## 11.2.3\n\n- Other\n", "CHANGELOG.md has no section for 1.2.3"),
    ],
)
def test_a_release_without_version_or_notes_is_refused(
    project: Path, capsys: pytest.CaptureFixture[str], tag: str, changelog: str, error: str
) -> None:
    """The error names what differs and what to change."""
    (project / "CHANGELOG.md").write_text(changelog)
    assert main(["notes", tag]) == 1

    assert error in capsys.readouterr().err
