"""Size and cold start of each image beside a hello-world in the same server, in containers and in turns.

`DOCKER=docker python -m benchmarks.images [--runs 5]`, after `make images`. CPU time from the start of the server to
its first answer, whatever that is: no database is there, and other processes share the machine.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.table import print_table

IMAGES = ("page", "store", "ingest", "token", "api", "insights", "mcp", "migration")
BASE = "python:3.13-slim-trixie"
HELLO = "stocksalot-hello"
SANDBOX = ("--network", "host", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
DOCKERFILE = """\
FROM dev.local/stocksalot/page:local
COPY --chmod=755 app /hello
USER 0
RUN python -B -m compileall -q --invalidation-mode unchecked-hash /hello
USER 65532:65532
ENV FUNCTION_SOURCE=/hello/main.py FUNCTION_TARGET=hello
"""
FUNCTION = """\
import functions_framework.aio

@functions_framework.aio.http
async def hello(request):
    return "hello"
"""
PROBE = """\
import os, subprocess, sys, time, urllib.error, urllib.request
names = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0",
         "API_TOKEN_SECRET": "0" * 64, "API_URL": "http://127.0.0.1:1", "INSIGHTS_URL": "http://127.0.0.1:1"}
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
for attempt in range(2):  # the first one reads files that no cache has
    server = subprocess.Popen([sys.executable, "-m", "shared.runtime.server"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              env={**os.environ, **names, "PORT": "18080", "HOST": "127.0.0.1"})
    while True:
        try:
            opener.open("http://127.0.0.1:18080/nothing-is-here", timeout=20)
            break
        except urllib.error.HTTPError:
            break
        except OSError:
            time.sleep(0.005)
    ticks = open(f"/proc/{server.pid}/stat").read().rsplit(")", 1)[1].split()[11:13]
    server.terminate()
    server.wait()
print(sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK"))
"""


def docker(*arguments: str, given: str = "", folder: Path | None = None) -> str:
    """Run one command of the engine and return its output."""
    command = [*shlex.split(os.environ["DOCKER"]), *arguments]
    done = subprocess.run(command, input=given, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def size(tag: str) -> int:
    """Return the bytes of all layers of an image."""
    return int(docker("image", "inspect", tag, "--format", "{{.Size}}"))


def cold_start(tag: str) -> float:
    """Return the seconds of CPU that the image's server takes until its first answer."""
    return float(docker("run", "--rm", "--interactive", *SANDBOX, tag, "python", "-", given=PROBE))


def main() -> None:
    """Measure every image in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    if not os.environ.get("DOCKER"):
        sys.exit("DOCKER names no container engine: DOCKER=docker")
    with TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "app").mkdir()
        (place / "app" / "main.py").write_text(FUNCTION)
        (place / "Dockerfile").write_text(DOCKERFILE)
        docker("buildx", "build", "--quiet", "--load", "--tag", HELLO, ".", folder=place)
    tags = {"hello-world": HELLO} | {image: f"dev.local/stocksalot/{image}:local" for image in IMAGES}
    taken = {name: [0.0] * 0 for name in tags}
    for _ in range(runs):
        for name in taken:
            if name != "migration":
                taken[name].append(cold_start(tags[name]))
    base, floor = size(BASE), min(taken["hello-world"])
    rows = [
        (name, f"{(size(tags[name]) - base) / 1e6:.1f}")
        + ((f"{min(cpu) * 1000:.0f}", f"{max(cpu) * 1000:.0f}", f"{min(cpu) / floor:.2f}") if cpu else ("", "", ""))
        for name, cpu in taken.items()
    ]
    print_table(f"Base: {base / 1e6:.0f} MB", ("image", "MB beside base", "min ms of CPU", "max", "x hello"), rows)


if __name__ == "__main__":
    main()
