"""What each image holds, seen without a container engine: the Dockerfile's own copies and commands, in a folder."""

import json
import re
import subprocess
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

import httpx
import pytest

from knative.local.kustomize import build
from knative.local.services.ports import free_port
from tests.cluster.dockerfile import ROOT, Builder, stages
from tests.cluster.groups import FUNCTIONS, group
from tests.waiting import wait_until

TARGETS = [*FUNCTIONS, "migration"]
GROUPS = {"migration": "migrate"}
"""Where the dependency group is not named as the image."""
CODE = {"migration": {"store"}}
"""Whose folders an image holds where they are not its own."""


@pytest.fixture(scope="module")
def builder(tmp_path_factory: pytest.TempPathFactory) -> Builder:
    """Builds each stage once."""
    return Builder(tmp_path_factory.mktemp("images"))


def python_files(folder: Path) -> list[Path]:
    """The modules in *folder*, relative to it."""
    return [path.relative_to(folder) for path in folder.rglob("*.py")]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_its_own_code_and_no_more(builder: Builder, target: str) -> None:
    """shared/, its own folder and the files that they read; no tests, no keys, no other function's code."""
    app = builder.build(target) / "app"

    assert {path.name for path in app.iterdir()} <= {"shared", "functions", "frontend"}
    assert (app / "frontend").exists() == (target == "page")
    code = {path.parts[1] for path in python_files(app) if path.parts[0] == "functions" and len(path.parts) > 2}
    assert code == CODE.get(target, {target})
    copied = [
        path for folder in ("shared", *(f"functions/{name}" for name in code)) for path in (ROOT / folder).rglob("*")
    ]
    wanted = {
        path.relative_to(ROOT) for path in copied if path.is_file() and not builder.ignores(path.relative_to(ROOT))
    }
    assert {path for path in wanted if not (app / path).exists()} == set()
    assert not [path for path in app.rglob("*") if path.name.startswith(".env") or path.name == "tests"]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_holds_its_group_and_no_more(builder: Builder, target: str) -> None:
    """What is installed is what its dependency group asks for, and what that asks for; each at the locked version."""
    [packages] = (builder.build(target) / "venv").glob("lib/python*/site-packages")
    installed = {canonical(one.metadata["Name"]): one for one in distributions(path=[str(packages)])}

    asked = group(GROUPS.get(target, target))
    needed: set[str] = set()
    waiting = [canonical(name) for name in asked]
    while waiting:
        name = waiting.pop()
        if name not in needed and name in installed:
            needed.add(name)
            waiting += requirements(installed[name])

    assert {canonical(name) for name in asked} - set(installed) == set()
    assert set(installed) - needed == set(), "nobody in the group asks for these"
    lock = (ROOT / "requirements.lock").read_text()
    locked = set(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", lock, re.MULTILINE))
    assert {(name, one.version) for name, one in installed.items()} - locked == set()
    listed = (builder.build(target) / "venv" / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in listed} == set(installed)


def canonical(name: str) -> str:
    """A distribution's name as all spell it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(one: Distribution) -> list[str]:
    """The names that *one* may ask for, by whatever marker or extra."""
    return [canonical(re.match(r"[\w.-]+", line)[0]) for line in one.requires or []]  # type: ignore[index]


@pytest.mark.parametrize("target", TARGETS)
def test_an_image_is_compiled(builder: Builder, target: str) -> None:
    """Each module has bytecode that is used without a look at its source: a read-only root can never make any."""
    folder = builder.build(target)
    sources = [path for path in folder.rglob("*.py") if "bin" not in path.parts]

    without = [path for path in sources if not list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"))]
    compiled = [pyc for path in sources for pyc in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")]

    # Some packages carry a file that is no Python of this version.
    assert [path for path in without if "app" in path.relative_to(folder).parts[:1]] == []
    assert len(without) <= 3, without
    flags = {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled}
    assert flags == {0b01}, "hash-based and unchecked (PEP 552)"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_image_serves(builder: Builder, function: str) -> None:
    """With what the image holds and nothing else, a function starts, answers, and writes nothing into its root."""
    folder = builder.build(function)
    before = listing(folder)
    process, port = start(builder, function)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            wait_until(lambda: process.poll() is not None or answers(client), 30)
            assert process.poll() is None, process.communicate()[0]
            assert client.get("/nothing-is-here").status_code in (400, 403, 404, 405, 503)
    finally:
        process.terminate()
        process.wait(20)

    assert listing(folder) == before


def test_the_migration_starts(builder: Builder) -> None:
    """The Job finds its code and every migration file; without a database it says so and fails."""
    process, _ = start(builder, "migration")
    said, _ = process.communicate(timeout=60)

    files = {path.name for path in (ROOT / "functions/store/migrations").glob("*.sql")}
    assert {path.name for path in builder.build("migration").glob("app/functions/store/migrations/*.sql")} == files
    assert process.returncode != 0
    assert "OperationalError" in said or "ConnectionTimeout" in said, said


def listing(folder: Path) -> set[Path]:
    """Every file in *folder*."""
    return {path for path in folder.rglob("*") if path.is_file()}


def answers(client: httpx.Client) -> bool:
    """Whether somebody listens."""
    try:
        return bool(client.get("/nothing-is-here").status_code)
    except httpx.TransportError:
        return False


def start(builder: Builder, target: str) -> tuple["subprocess.Popen[str]", int]:
    """The image's command with the image's environment, its paths moved to where the folder is, and a free port."""
    folder, port = builder.build(target), free_port()
    environment = {name: value.replace("/app", f"{folder}/app") for name, value in builder.environment(target).items()}
    environment["PATH"] = f"{folder}/venv/bin"
    settings = {
        "DATABASE_URL": f"postgresql://nobody@127.0.0.1:{free_port()}/none",
        "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
        "API_TOKEN_SECRET": "a secret of the tests, and of nobody else",
        "API_URL": "http://127.0.0.1:1",
        "INSIGHTS_URL": "http://127.0.0.1:1",
    }
    # As Knative gives them.
    given = {"PORT": str(port), "HOST": "127.0.0.1", "K_SERVICE": target}
    command = builder.command(target)
    process = subprocess.Popen(
        [f"{folder}/venv/bin/{command[0]}", *command[1:]],
        cwd=folder / "app",
        env={**environment, **settings, **given},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return process, port


def test_nobody_runs_as_root(builder: Builder) -> None:
    """Every image names a user by number, as runAsNonRoot demands, and that is not root."""
    for target in TARGETS:
        user, _, _ = builder.user(target).partition(":")
        assert user.isdecimal()
        assert int(user) >= 10_000


def test_a_function_is_told_its_name(builder: Builder) -> None:
    """The command is the same for all; which function it serves is in the environment of the image."""
    for function in FUNCTIONS:
        assert builder.environment(function)["FUNCTION_TARGET"] == function
        assert builder.command(function) == ["python", "-m", "shared.runtime.server"]


def test_each_image_of_the_manifests_has_a_target() -> None:
    """What the manifests run is what the Dockerfile builds and `make images` names, all of it."""
    found: set[str] = set()
    for document in build(ROOT / "knative" / "base"):
        found |= {name.removeprefix("stocksalot/") for name in images(document.body) if name.startswith("stocksalot/")}
    made = {name for name, stage in stages((ROOT / "Dockerfile").read_text()).items() if stage.parent == "function"}

    assert found == made == set(TARGETS)
    makefile = (ROOT / "Makefile").read_text()
    [listed] = re.findall(r"^IMAGES := (.*)$", makefile, re.MULTILINE)
    assert set(listed.split()) == made


def images(body: Any) -> set[str]:
    """The images that containers in *body* name."""
    text = json.dumps(body)
    return set(re.findall(r'"image": "([^"]+)"', text))


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (".env", True),
        (".git/config", True),
        (".local/8080/running.json", True),
        ("shared/connections/postgres.py", False),
        ("shared/connections/__pycache__/postgres.pyc", True),
        ("functions/api/openapi.json", False),
        ("functions/contract/page.py", True),
        ("frontend/node_modules/vite/index.js", True),
        ("frontend/src/app.html", False),
        ("tests/conftest.py", True),
    ],
)
def test_what_an_image_can_be_made_of(builder: Builder, path: str, ignored: bool) -> None:
    """Keys, data, tests and what this machine has built never reach a container engine."""
    assert builder.ignores(Path(path)) == ignored


def test_the_tools_are_those_of_the_checkout() -> None:
    """The image is built by the version of uv that `make` installs."""
    version = re.compile(r"uv==([\d.]+)")

    assert version.findall((ROOT / "Dockerfile").read_text()) == version.findall((ROOT / "Makefile").read_text())
