"""The images in a container engine: `DOCKER=docker`, or a command that takes Docker's arguments. Skipped without it."""

import json
import os
import re
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest

from knative.install.image_digests import DIGESTS, image_references, read_digests, require_all
from knative.local.services.ports import free_port
from tests.cluster.dockerfile import build_arguments
from tests.cluster.groups import FUNCTIONS, ROOT
from tests.cluster.test_images import IMAGES, SETTINGS
from tests.conftest import new_database
from tests.waiting import wait_until

DOCKER = shlex.split(os.environ.get("DOCKER", ""))
SANDBOX = ["--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
SANDBOX += ["--security-opt", "no-new-privileges", "--user", "65532:65532"]
"""The security context of the manifests."""
TICK = {"ce-id": "1", "ce-source": "/test", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}
pytestmark = [pytest.mark.skipif(not DOCKER, reason="DOCKER names no container engine"), pytest.mark.timeout(1800)]


def docker(*arguments: str, cwd: Path = ROOT) -> str:
    """Run one command of the engine and return its output."""
    done = subprocess.run([*DOCKER, *arguments], cwd=cwd, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


def build(checkout: Path, image: str, tag: str, *options: str) -> dict[str, Any]:
    """Build *image* from *checkout* and return what the engine knows about it."""
    target, arguments = build_arguments(image)
    given = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    docker("buildx", "build", "--target", target, *given, "--tag", tag, "--load", *options, ".", cwd=checkout)
    return json.loads(docker("image", "inspect", tag))[0]


@pytest.fixture(scope="module")
def images() -> dict[str, str]:
    """The reference of each image: as pushed to $REGISTRY with $TAG, else built by `make images` from this checkout."""
    if registry := os.environ.get("REGISTRY"):
        digests = read_digests(registry, os.environ["TAG"], DIGESTS)
        require_all(digests)
        found = dict(zip(digests, image_references(registry, digests), strict=True))
        for reference in found.values():
            docker("pull", "--quiet", reference)
        return found
    subprocess.run(["make", "images", f"DOCKER={shlex.join(DOCKER)}", "TAG=test"], cwd=ROOT, check=True)
    return {image: f"dev.local/stocksalot/{image}:test" for image in IMAGES}


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The address of a database without tables."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def run(images: dict[str, str]) -> Iterator[Callable[..., str]]:
    """A function that starts a container of an image and returns its name; all are removed afterwards."""
    names: list[str] = []

    def start(image: str, *command: str, **variables: str) -> str:
        names.append(name := f"test-{token_hex(4)}")
        settings = [word for pair in {**SETTINGS, **variables}.items() for word in ("--env", "=".join(pair))]
        docker("run", "--detach", "--name", name, *SANDBOX, *settings, images[image], *command)
        return name

    yield start
    for name in names:
        docker("rm", "--force", name)


def stop(name: str) -> tuple[int, float]:
    """Stop a container by SIGTERM; return its exit code and how many seconds that took."""
    began = time.monotonic()
    docker("stop", "--time", "20", name)
    return int(docker("inspect", "--format", "{{.State.ExitCode}}", name)), time.monotonic() - began


def client_of(port: int) -> httpx.Client:
    """Return a client of the container that listens on *port*, once it does."""
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)

    def answers() -> bool:
        try:
            return bool(client.get("/nothing-is-here").status_code)
        except httpx.TransportError:
            return False

    wait_until(answers, 60)
    return client


@pytest.mark.parametrize("image", ["page", "store"])
def test_layers_depend_on_the_commit_alone(image: str, tmp_path: Path) -> None:
    """Checkouts under two umasks, built at two times without any cache, give the same layers."""
    layers = []
    for umask in (0o022, 0o077):
        checkout = tmp_path / f"{umask:o}"
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True, umask=umask)
        layers.append(build(checkout, image, f"dev.local/stocksalot/{image}:{umask:o}", "--no-cache")["RootFS"])

    assert layers[0] == layers[1]


def test_an_image_names_its_source_revision_and_version(images: dict[str, str]) -> None:
    """The labels are those of the Open Container Initiative."""
    for reference in images.values():
        labels = json.loads(docker("image", "inspect", reference))[0]["Config"]["Labels"]
        assert re.fullmatch(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
        assert {f"org.opencontainers.image.{name}" for name in ("source", "version", "licenses")} <= set(labels)


def test_all_bytecode_is_unchecked(run: Callable[..., str]) -> None:
    """No module of the standard library, the packages or the application is compiled with a time stamp."""
    code = (
        "import pathlib, sys\n"
        "paths = [p for root in {*sys.path[1:]} for p in pathlib.Path(root).rglob('*.pyc')]\n"
        "print(len(paths), {p.read_bytes()[4] for p in paths})"
    )

    name = run("store", "python", "-c", code)
    docker("wait", name)
    count, _, flags = docker("logs", name).partition(" ")
    assert int(count) > 1000
    assert flags == "{1}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_answers_under_the_security_context(run: Callable[..., str], function: str) -> None:
    """Read-only, without capabilities, as nobody, each function answers and ends with 0 on SIGTERM."""
    port = free_port()
    name = run(function, PORT=str(port), HOST="127.0.0.1")

    with closing(client_of(port)) as client:
        assert client.get("/nothing-is-here").status_code in (400, 403, 404, 405, 503)
    code, seconds = stop(name)
    assert (code, seconds < 10) == (0, True)


@pytest.mark.parametrize("delay", [0.05, 0.2])
def test_sigterm_during_the_start_ends_a_function(run: Callable[..., str], delay: float) -> None:
    """Process 1 has no default handler: one is there before the slow imports."""
    name = run("mcp", PORT=str(free_port()))
    time.sleep(delay)

    code, seconds = stop(name)
    assert (code, seconds < 10) == (0, True)


@pytest.mark.parametrize("command", [["functions.store.migrate"], ["functions.store.replay", "http://127.0.0.1:1"]])
def test_sigterm_ends_a_job_that_waits_for_postgres(run: Callable[..., str], command: list[str], port: int) -> None:
    """A Job that waits ends at once, and not as completed."""
    with socket.create_server(("127.0.0.1", port)):  # takes connections and never answers
        name = run("migration", "python", "-m", *command, DATABASE_URL=f"postgresql://nobody@127.0.0.1:{port}/none")
        time.sleep(2)

        code, seconds = stop(name)
    assert (code, seconds < 10) == (143, True)


def test_a_tick_becomes_bars_that_readers_get(run: Callable[..., str], empty_database: str, redis_url: str) -> None:
    """Migration, ingest, store and api in containers: a tick sent by hand ends in /latest, with SIGTERM in flight."""
    given = {"DATABASE_URL": empty_database, "REDIS_URL": redis_url, "PROVIDERS": "simulated", "HOST": "127.0.0.1"}
    migration = run("migration", **given)
    assert docker("wait", migration) == "0", docker("logs", migration)

    ports = {function: free_port() for function in ("ingest", "store", "api")}
    names = {function: run(function, **given, PORT=str(port)) for function, port in ports.items()}
    with (
        closing(client_of(ports["ingest"])) as ingest,
        closing(client_of(ports["store"])) as store,
        closing(client_of(ports["api"])) as api,
    ):
        fetched = ingest.post("/", headers={**TICK, "ce-job": "bars", "content-type": "application/json"}, content="{}")
        assert fetched.status_code == 200, docker("logs", names["ingest"])
        headers = {name: value for name, value in fetched.headers.items() if name.startswith(("ce-", "content-type"))}
        with ThreadPoolExecutor() as pool:
            stored = pool.submit(store.post, "/", headers=headers, content=fetched.content)
            assert stop(names["store"])[0] == 0
        assert stored.result().status_code == 200
        assert api.get("/latest").json()["count"] > 0
