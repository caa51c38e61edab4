"""The image of everything in one container: what it is built of, and in an engine that it keeps its data."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path
from secrets import token_hex

import httpx
import pytest
import yaml

from knative.local.services.ports import free_port
from tests.cluster.dockerfile import parse
from tests.reading import ROOT
from tests.waiting import wait_until

DOCKER = shlex.split(os.environ.get("DOCKER", ""))
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
VERB = ("python", "-m", "knative.local")


def test_it_has_the_groups_of_make_run() -> None:
    """The Dockerfile and the Makefile name the same dependency groups."""
    [groups] = re.findall(r"^RUN_GROUPS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert re.findall(r'^ARG RUN_GROUPS="(.*)"$', DOCKERFILE, re.MULTILINE) == [groups]


def test_compose_builds_that_image_and_keeps_its_data() -> None:
    """The target exists, the volume is the image's, the port is the one it listens on, and no right is left."""
    service = COMPOSE["services"]["stocksalot"]
    stage = parse(DOCKERFILE, {})[service["build"]["target"]]
    command = json.loads(stage.last("CMD") or "")

    assert service["volumes"] == [f"data:{stage.last('VOLUME')}"]
    assert "data" in COMPOSE["volumes"]
    assert command[command.index("--folder") + 1].startswith(f"{stage.last('VOLUME')}/")
    assert service["ports"][0].endswith(f":{command[command.index('--port') + 1]}")
    assert service["ports"][0].startswith("${STOCKSALOT_ADDRESS:-127.0.0.1}:"), "closed to other machines unless asked"
    assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert (stage.last("USER"), stage.last("EXPOSE")) == ("65532:65532", "8080")
    assert stage.last("HEALTHCHECK")


def test_its_files_have_no_modes_of_a_checkout() -> None:
    """What it copies comes from stages that let everyone read it."""
    copied = [value for word, value in parse(DOCKERFILE, {})["runner"].instructions if word == "COPY"]

    assert copied
    assert [value for value in copied if not value.startswith("--from=")] == []
    assert ("RUN", "chmod -R u=rwX,go=rX /app/knative") in parse(DOCKERFILE, {})["runner-code"].instructions


def test_the_manifests_get_into_it() -> None:
    """It runs them: none is held back from the build."""
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    needed = {path.suffix for path in (ROOT / "knative").rglob("*") if path.is_file() and "install" not in path.parts}

    assert {f"!knative/**/*{suffix}" for suffix in needed - {".pyc", ".json"}} <= set(ignored)


def docker(*arguments: str) -> str:
    """Run one command of the engine and return its output."""
    done = subprocess.run([*DOCKER, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=1500)
    assert done.returncode == 0, f"{arguments}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout.strip()


@pytest.mark.skipif(not DOCKER, reason="DOCKER names no container engine")
@pytest.mark.timeout(1800)
def test_a_container_keeps_its_data(tmp_path: Path) -> None:
    """It becomes healthy, serves page and bars, backs up, and a new container on the same volume has the same bars."""
    subprocess.run(["make", "runner", f"DOCKER={shlex.join(DOCKER)}"], cwd=ROOT, check=True, timeout=1500)
    name, volume, port = f"stocksalot-{token_hex(4)}", f"stocksalot-{token_hex(4)}", free_port()
    url = f"http://127.0.0.1:{port}"
    command = [*VERB, "up", "--host", "127.0.0.1", "--port", str(port), "--folder", "/data/stocksalot", "--yes"]
    start = ["run", "--detach", "--name", name, "--network", "host", "--volume", f"{volume}:/data", "--cap-drop", "ALL",
             "--security-opt", "no-new-privileges", "dev.local/stocksalot/runner:local", *command]  # fmt: skip

    def answers() -> bool:
        try:
            return httpx.get(f"{url}/api/latest", timeout=20).json()["count"] == 50
        except (httpx.HTTPError, ValueError, KeyError):
            return False

    try:
        docker(*start)
        wait_until(answers, 240)
        assert "<title>" in httpx.get(url).text
        before = httpx.get(f"{url}/api/ohlc/AAPL?limit=50").json()["items"]
        verb = ("exec", name, *VERB)
        assert "tables" in docker(*verb, "backup", "/data/x.backup", "--folder", "/data/stocksalot")
        docker("rm", "--force", name)
        docker(*start)
        wait_until(answers, 240)
        assert httpx.get(f"{url}/api/ohlc/AAPL?limit=50").json()["items"][-len(before):] == before  # fmt: skip
    finally:
        print(docker("logs", name)[-2000:])
        docker("rm", "--force", name)
        docker("volume", "rm", volume)
