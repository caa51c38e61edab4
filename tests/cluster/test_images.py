"""The images' contents, without a container engine: the Dockerfile's own copies and commands, in a folder."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import Distribution, distributions
from pathlib import Path

import httpx
import pytest

from knative.local.kustomize import build
from knative.local.services.ports import free_port
from tests.cluster.dockerfile import Build, build_arguments
from tests.cluster.groups import FUNCTIONS, ROOT, group
from tests.fakes.language_model.server import Fake, serving
from tests.waiting import wait_until

IMAGES = [*FUNCTIONS, "migration"]
SETTINGS = {
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "API_TOKEN_SECRET": "a secret of the tests and of nobody else",
    "API_URL": "http://127.0.0.1:1",
    "INSIGHTS_URL": "http://127.0.0.1:1",
    "ALERTS_URL": "http://127.0.0.1:1",
}
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the Dockerfile's commands are GNU's")


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Build]:
    """A function from an image's name to its build."""
    folder = tmp_path_factory.mktemp("images")
    return lru_cache(lambda name: Build(folder, name))


def function_of(image: str) -> str:
    """Return the function whose code the image holds."""
    return build_arguments(image)[1]["FUNCTION"]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_holds_its_own_code_and_no_more(image: Callable[[str], Build], name: str) -> None:
    """It holds shared/, one function's folder and the files that both read; no tests, no keys, no other function."""
    built = image(name)
    app = built.root / "app"

    folders = [ROOT / "shared", ROOT / "functions" / function_of(name)]
    allowed = {path.relative_to(ROOT) for folder in folders for path in folder.rglob("*") if path.is_file()}
    expected = {path for path in allowed if not built.ignores(path)} | {Path("functions/__init__.py")}
    found = {path.relative_to(app) for path in app.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    assert {path for path in found if path.parts[0] != "frontend"} == expected
    assert (app / "frontend" / "build" / "index.html").exists() == (name == "page")


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_holds_its_group_and_no_more(image: Callable[[str], Build], name: str) -> None:
    """It holds what its dependency group needs at the locked versions, nothing else."""
    [packages] = (image(name).root / "venv").glob("lib/python*/site-packages")
    installed = {canonical(one.metadata["Name"]): one for one in distributions(path=[str(packages)])}

    needed: set[str] = set()
    waiting = [canonical(name) for name in group(function_of(name))]
    assert set(waiting) <= set(installed)
    while waiting:
        dependency = waiting.pop()
        if dependency not in needed and dependency in installed:
            needed.add(dependency)
            waiting += requirements(installed[dependency])
    assert set(installed) == needed
    locked = re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert {(name, one.version) for name, one in installed.items()} <= set(locked)
    listed = (image(name).root / "venv" / "requirements.txt").read_text().splitlines()
    assert {line.partition("==")[0] for line in listed} == set(installed)


def canonical(name: str) -> str:
    """Return a distribution's normalised name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(one: Distribution) -> list[str]:
    """Return the names that *one* may ask for, by whatever marker or extra."""
    return [canonical(re.match(r"[\w.-]+", line)[0]) for line in one.requires or []]  # type: ignore[index]


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_is_compiled(image: Callable[[str], Build], name: str) -> None:
    """Each module has bytecode that is valid without its source's time stamp (PEP 552: hash-based, unchecked)."""
    root = image(name).root
    sources = [path for path in root.rglob("*.py") if "bin" not in path.parts]
    compiled = {path: list((path.parent / "__pycache__").glob(f"{path.stem}.*.pyc")) for path in sources}

    without = [path for path, bytecode in compiled.items() if not bytecode]
    assert not [path for path in without if path.is_relative_to(root / "app")]
    assert len(without) <= 3, "some packages carry a file for another version of Python"
    flags = {int.from_bytes(path.read_bytes()[4:8], "little") for bytecode in compiled.values() for path in bytecode}
    assert flags == {0b01}


def test_file_modes_and_times_are_those_of_no_machine(image: Callable[[str], Build]) -> None:
    """Everyone can read what an image holds, whatever the umask at checkout, and no file has a build's time."""
    root = image("store").root
    states = [path.lstat() for top in ("app", "venv") for path in (root / top).rglob("*") if not path.is_symlink()]

    assert all(state.st_mode & 0o444 == 0o444 for state in states)
    assert {state.st_mtime for state in (path.stat() for path in (root / "app").rglob("*"))} == {0}


def test_shared_packages_are_in_a_layer_of_their_own(image: Callable[[str], Build]) -> None:
    """A function adds to the shared layers only packages that the others do not need."""
    for name, limit in (("store", 2), ("page", 1), ("migration", 2)):
        own = image(name).stage("packages") / "venv"
        assert sum(path.lstat().st_size for path in own.rglob("*") if path.is_file()) < limit * 2**20


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_image_serves(image: Callable[[str], Build], function: str) -> None:
    """With what the image holds and nothing else, a function starts, answers, and writes nothing into its root."""
    built = image(function)
    before = files(built.root)
    port = free_port()
    process = start(built, PORT=str(port), K_SERVICE=function)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False) as client:
            wait_until(lambda: process.poll() is not None or answers(client))
            assert process.poll() is None, process.communicate()[0]
            assert client.get("/nothing-is-here").status_code in (400, 403, 404, 405, 503)
            assert client.get("/healthz").status_code == 204, "the path of the liveness probe"
    finally:
        process.terminate()
        assert process.wait(20) == 0

    assert files(built.root) == before


_COMPLETE = """
import asyncio, sys
from functions.insights.generation.llm import ChatMessage, complete
from functions.insights.settings import ModelSettings

settings = ModelSettings(openai_base_url=sys.argv[1], insights_api=sys.argv[2])
messages = [ChatMessage("system", "Write."), ChatMessage("user", "Anything.")]
print(asyncio.run(complete(settings, messages, {"type": "object"}, 20)).model)
"""


@pytest.mark.parametrize("api", ["responses", "chat"])
def test_the_image_of_insights_can_ask_a_model(image: Callable[[str], Build], api: str) -> None:
    """image-prunes.txt leaves out nothing of the SDK that a completion needs, by either API."""
    built = image("insights")
    with serving(Fake()) as url:
        process = start(built, command=("python", "-c", _COMPLETE, url, api))
        output, _ = process.communicate(timeout=60)

    assert (process.returncode, output) == (0, "fake-1\n")
    assert not list((built.root / "venv").glob("lib/python*/site-packages/openai/resources/beta"))


def test_the_migration_starts(image: Callable[[str], Build]) -> None:
    """The Job finds its code and every migration; without a database it reports that and fails."""
    process = start(image("migration"))
    output, _ = process.communicate(timeout=60)

    assert process.returncode not in (None, 0)
    assert "connection" in output


def files(folder: Path) -> set[Path]:
    """Return every file in *folder*."""
    return {path for path in folder.rglob("*") if path.is_file()}


def answers(client: httpx.Client) -> bool:
    """Return whether a server listens."""
    try:
        return bool(client.get("/nothing-is-here").status_code)
    except httpx.TransportError:
        return False


def start(built: Build, command: Sequence[str] = (), **variables: str) -> "subprocess.Popen[str]":
    """Start the image's command, or *command*, with the image's environment, its paths moved to the folder."""
    program, *arguments = command or built.command
    environment = {name: value.replace("/app", f"{built.root}/app") for name, value in built.environment.items()}
    return subprocess.Popen(
        [f"{built.root}/venv/bin/{program}", *arguments],
        cwd=built.root / "app",
        env={**environment, "PATH": f"{built.root}/venv/bin", **SETTINGS, "HOST": "127.0.0.1", **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_says_how_it_runs(image: Callable[[str], Build], name: str) -> None:
    """The user is a number, as runAsNonRoot demands; the command is the same for all functions."""
    built = image(name)

    assert int(built.user.partition(":")[0]) >= 10_000
    assert built.environment["FUNCTION_TARGET"] == function_of(name)
    module = "functions.store.migrate" if name == "migration" else "shared.runtime.server"
    assert built.command == ["python", "-m", module]


def test_each_image_of_the_manifests_is_built() -> None:
    """The images that the manifests name are those of `make images`."""
    text = json.dumps([document.body for document in build(ROOT / "knative" / "base")])
    [listed] = re.findall(r"^IMAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert set(re.findall(r'"image": "stocksalot/([^"]+)"', text)) == set(listed.split()) == set(IMAGES)


@pytest.mark.parametrize(
    ("path", "ignored"),
    [
        (".env", True),
        (".git/config", True),
        (".local/8080/running.json", True),
        ("functions/api/.env", True),
        ("functions/api/openapi.json", False),
        ("functions/contract/page.py", True),
        ("functions/store/migrations/0001_market.sql", False),
        ("shared/connections/postgres.py", False),
        ("shared/connections/__pycache__/postgres.pyc", True),
        ("shared/server.pem", True),
        ("frontend/node_modules/vite/index.js", True),
        ("frontend/.env.local", True),
        ("frontend/src/app.html", False),
        ("frontend/src/lib/format/time.ts", False),
        ("frontend/static/dump.sql", True),
        ("tests/conftest.py", True),
    ],
)
def test_only_named_files_can_get_into_an_image(image: Callable[[str], Build], path: str, ignored: bool) -> None:
    """Keys, data, tests and build results never reach a container engine, wherever they lie."""
    assert image("api").ignores(Path(path)) == ignored


def test_every_file_of_the_page_gets_into_its_build(image: Callable[[str], Build]) -> None:
    """A new kind of file in the page's sources must be named in .dockerignore."""
    command = ["git", "ls-files", "frontend/src", "frontend/static", "functions", "shared"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()

    left_out = [path for path in tracked if image("page").ignores(Path(path)) and "functions/contract" not in path]
    fonts = "functions/api/pictures/fonts/README.md"
    assert left_out == [fonts, "functions/store/roles.sql", "functions/store/schema.sql"]


def test_the_images_are_built_by_the_uv_of_the_checkout() -> None:
    """Dockerfile and Makefile name the same version."""
    version = re.compile(r"uv==([\d.]+)")

    assert version.findall((ROOT / "Dockerfile").read_text()) == version.findall((ROOT / "Makefile").read_text())
