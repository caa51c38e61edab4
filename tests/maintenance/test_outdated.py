"""The report of outdated dependencies names what blocks an upgrade."""

import ast
import tomllib

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from maintenance.cluster_parts import parse_tags, read_parts, report_parts
from maintenance.outdated import find_blocked, find_lowered, read_groups, read_requirements
from maintenance.resolution import ROOT, parse_resolution

LOCK = (ROOT / "requirements.lock").read_text()
UPGRADE = """\
cloudevents==1.12.0       # via functions-framework, stocksalot (pyproject.toml:dev)
functions-framework==3.10.2  # via stocksalot (pyproject.toml:dev)
hypothesis==6.0.0
numpy==2.3.0 ; python_full_version < '3.9'
numpy==2.4.0 ; python_full_version >= '3.9'
"""


def test_the_requirement_that_excludes_the_newest_release_is_named() -> None:
    """A cap blocks; a floor, another extra's cap and another platform's cap do not."""
    requirements = {
        "functions-framework": [
            Requirement("cloudevents<=1.12.0,>=1.11.0"),
            Requirement("cloudevents<1.11; extra == 'old'"),
            Requirement("CloudEvents<1.12; sys_platform == 'nowhere'"),
        ],
        "stocksalot": [Requirement("cloudevents>=1.12")],
    }

    [blocked] = find_blocked(parse_resolution(UPGRADE), {"cloudevents": Version("2.2")}, requirements)
    assert str(blocked).endswith("blocked by functions-framework (cloudevents<=1.12.0,>=1.11.0)")


def test_a_newer_release_that_nothing_excludes_is_said_too() -> None:
    """Then it is the oldest supported Python that the release has left behind."""
    [blocked] = find_blocked(parse_resolution(UPGRADE), {"numpy": Version("2.5")}, {})

    assert "numpy 2.5: an upgrade resolves to 2.4.0, blocked by no requirement" in str(blocked)


def test_a_fallback_behind_the_lock_is_found() -> None:
    """A resolver that satisfies a cap with an old release says nothing itself."""
    locked = parse_resolution("cloudevents==1.12.0\nhypothesis==6.170.15 \\\n    --hash=sha256:00\n")

    assert list(find_lowered(locked, parse_resolution(UPGRADE))) == [
        "hypothesis: an upgrade falls back from 6.170.15 to 6.0.0; set a floor in pyproject.toml"
    ]


def test_the_lock_is_read_whole() -> None:
    """Each package of requirements.lock for this Python is found, and installed metadata gives its requirements."""
    resolved = parse_resolution(LOCK)

    assert len(resolved) > 100
    assert "cloudevents" in {
        one.name for one in read_requirements(resolved, ["functions-framework"])["functions-framework"]
    }


def test_cloudevents_never_falls_back() -> None:
    """Each group that lists the SDK has a floor above the line that a changed cap could lead to."""
    listed = [one for one in read_groups((ROOT / "pyproject.toml").read_text()) if one.name == "cloudevents"]

    assert len(listed) >= 3
    assert not any(one.specifier.contains(version) for one in listed for version in ("1.6.0", "1.11.0"))
    assert all(one.specifier.contains(parse_resolution(LOCK)["cloudevents"].version) for one in listed)


def test_one_module_knows_the_sdk_of_cloudevents() -> None:
    """A move to another major version of the SDK changes shared/events/cloudevents.py and nothing else."""
    folders = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["basedpyright"]["include"]
    importers = {
        path.relative_to(ROOT).as_posix()
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_bytes()))
        if (isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "cloudevents")
        or (isinstance(node, ast.Import) and any(one.name.split(".")[0] == "cloudevents" for one in node.names))
    }

    assert importers == {"shared/events/cloudevents.py"}


def releases(request: httpx.Request) -> httpx.Response:
    """Answer as GitHub does: newer releases of serving, a failure for eventing, none for the others."""
    tags = {"/repos/knative/serving/releases": ["knative-v1.22.9", "knative-v1.23.0", "knative-v1.24.0-rc1", "docs"]}
    if request.url.path == "/repos/knative/eventing/releases":
        return httpx.Response(403)
    listed = [{"tag_name": tag, "prerelease": "rc" in tag} for tag in tags.get(request.url.path, [])]
    return httpx.Response(200, json=listed)


def test_newer_parts_of_the_cluster_are_listed() -> None:
    """One line for a newer release, and one for a part that could not be looked up."""
    lines = list(report_parts(httpx.MockTransport(releases)))

    assert len(read_parts()) == 8
    assert [line.split(":")[0].split()[0] for line in lines] == ["KNATIVE_SERVING", "KNATIVE_EVENTING"]
    assert "newest of its line 1.22.9, newest 1.23.0" in lines[0]
    assert "not looked up" in lines[1]


@pytest.mark.parametrize(("tag", "version"), [("v1.2.3", "1.2.3"), ("knative-v1.22.1", "1.22.1"), ("2.5.0", "2.5.0")])
def test_tags_are_versions(tag: str, version: str) -> None:
    """Each project writes its tags in its own way."""
    assert list(parse_tags([tag, "nightly"])) == [Version(version)]
