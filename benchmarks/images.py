"""Size and cold start of each image beside a hello-world of the framework, in containers and in turns.

`DOCKER=docker python -m benchmarks.images [--runs 5]`, after `make images`: the requests of cold_start.py, with
Postgres and Redis of this machine.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import first_response
from benchmarks.cold_start import HELLO, SERVER, get, prepare_stage, print_in_turns, requests
from benchmarks.table import print_table
from tests.cluster.groups import ROOT

IMAGES = ("page", "store", "ingest", "token", "api", "insights", "alerts", "files", "mcp", "migration")
BASE = "python:3.13-slim-trixie"
HELLO_TAG = "stocksalot-hello"
SANDBOX = ("--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
# What image-excludes.txt leaves out comes back, from where the base has its pip.
DOCKERFILE = """\
FROM dev.local/stocksalot/page:local
USER 0
COPY --chmod=755 hello.py /hello/
RUN PATH=/usr/local/bin:/usr/bin:/bin pip install --quiet --no-deps --no-compile --target /hello {left_out} \\
    && chmod -R go=rX /hello && python -B -m compileall -q --invalidation-mode unchecked-hash /hello
USER 65532:65532
ENV PYTHONPATH=/hello
"""


def docker(*arguments: str, given: str = "", folder: Path | None = None) -> str:
    """Run one command of the engine and return its output."""
    command = [*shlex.split(os.environ["DOCKER"]), *arguments]
    done = subprocess.run(command, input=given, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def size(tag: str) -> int:
    """Return the bytes of all layers of an image."""
    return int(docker("image", "inspect", tag, "--format", "{{.Size}}"))


def build_hello() -> None:
    """Build the image of the hello-world: the packages of page with Flask, which the framework imports."""
    excludes = (ROOT / "image-excludes.txt").read_text().splitlines()
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "hello.py").write_text(HELLO)
        names = " ".join(line for line in excludes if not line.startswith("#"))
        (place / "Dockerfile").write_text(DOCKERFILE.format(left_out=names))
        docker("buildx", "build", "--quiet", "--load", "--tag", HELLO_TAG, ".", folder=place)


def cold_start(tag: str, **given: object) -> tuple[float, float, float]:
    """Return the figures of benchmarks/first_response.py, taken in a container of the image."""
    script = Path(first_response.__file__).read_text()
    arguments = ("--rm", "--interactive", *SANDBOX, tag, "python", "-", json.dumps(given))
    return tuple(json.loads(docker("run", *arguments, given=script)))


def main() -> None:
    """Measure every image in turn and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    if not os.environ.get("DOCKER"):
        sys.exit("DOCKER names no container engine: DOCKER=docker")
    build_hello()
    tags = {image: f"dev.local/stocksalot/{image}:local" for image in IMAGES}
    base = size(BASE)
    rows = [(name, f"{(size(tag) - base) / 1e6:.1f}") for name, tag in tags.items()]
    print_table(f"Base: {base / 1e6:.0f} MB", ("image", "MB beside base"), rows)
    with prepare_stage() as place:
        hello = {"command": ["python", "/hello/hello.py"], "environment": {}, "request": get("/"), "status": "200"}
        own = {"command": SERVER, "environment": dict(place.environment)}
        timed = {"hello-world": lambda: cold_start(HELLO_TAG, **hello)}
        for name, (request, status) in requests().items():
            given = {**own, "request": request, "status": status}
            timed[name] = lambda tag=tags[name], given=given: cold_start(tag, **given)
        print_in_turns("Cold start to the first good response in the image", timed, runs)


if __name__ == "__main__":
    main()
