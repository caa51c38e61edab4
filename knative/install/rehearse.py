"""Rehearsal of a deployment without a cluster: render both overlays as `make deploy` does and check every object.

It needs kubectl and the packages of the tests. The checks: schemas of the API server, admission rules that schemas do
not hold, names that lead nowhere, and the flows of docs/operations.md that the NetworkPolicies must admit or refuse.
"""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from knative.install.network_flows import find_wrong_flows, read_flows
from knative.install.overlay import OVERLAYS, ROOT, Deployment, link, write
from knative.install.references import find_missing
from knative.install.schemas import WITHOUT_SCHEMA, Body, find_faults
from knative.local.kustomize import build
from knative.local.lint import lint

_SAMPLE = {
    "API_TOKEN_SECRET": "0" * 64,
    "DATABASE_URL": "postgresql://u:p@db.example:5432/stocks?sslmode=require",
    "REDIS_URL": "rediss://:p@cache.example:6379/0",
}
DEPLOYMENTS = {
    "local": Deployment("local", {}),
    "cloud": Deployment("cloud", _SAMPLE, "registry.example/stocksalot", "v1"),
}


def render(deployment: Deployment) -> list[Body]:
    """Return the objects that a deployment of *deployment* would apply, as kubectl renders them."""
    with TemporaryDirectory() as folder:
        write(deployment, Path(folder))
        link(Path(folder), deployment.overlay)
        command = ["kubectl", "kustomize", folder]
        return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def find_problems(overlay: str) -> Iterator[str]:
    """Yield a sentence for each problem of an overlay."""
    bodies = render(DEPLOYMENTS[overlay])
    for body in bodies:
        if (body["apiVersion"], body["kind"]) not in WITHOUT_SCHEMA:
            yield from (f"{body['kind']} {body['metadata']['name']}: {fault}" for fault in find_faults(body))
    yield from lint(build(OVERLAYS / overlay))
    [images] = re.findall(r"^IMAGES := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    yield from find_missing(bodies, images.split())
    yield from find_wrong_flows(bodies, read_flows((ROOT / "docs" / "operations.md").read_text()))


def rehearse() -> int:
    """Print every problem of both overlays; return the exit code."""
    problems = [f"{overlay}: {problem}" for overlay in DEPLOYMENTS for problem in find_problems(overlay)]
    print("\n".join(problems) or "both overlays can be deployed")
    return 1 if problems else 0
