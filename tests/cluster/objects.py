"""Objects of a cluster, as the local runner reads and as kubectl builds them, and lookups by kind and name."""

import base64
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from knative.install.overlay import Deployment, link, write
from knative.local.kustomize import Document

KUBECTL = shutil.which("kubectl")
CLOUD = {
    "API_TOKEN_SECRET": "0" * 64,
    "DATABASE_URL": "postgresql://u:p=w@db.example:5432/stocks?sslmode=require",
    "REDIS_URL": "rediss://:pw@cache.example:6379/0",
    "RATE_LIMIT_TOKEN": "9",
}
"""A `.env` for a cluster in a cloud."""

Body = dict[str, Any]
needs_kubectl = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


def built(folder: Path) -> list[Body]:
    """Return the objects that kubectl builds from the kustomization in *folder*."""
    assert KUBECTL
    done = subprocess.run([KUBECTL, "kustomize", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def laid_over(tmp_path: Path, deployment: Deployment) -> list[Body]:
    """Return the objects that `make deploy` would apply for *deployment*."""
    write(deployment, tmp_path / "deploy")
    link(tmp_path / "deploy", deployment.overlay)
    return built(tmp_path / "deploy")


def named(bodies: list[Body], kind: str, name: str, api: str = "") -> Body:
    """Return the object of that kind and name."""
    [one] = [b for b in bodies if (b["kind"], b["metadata"]["name"]) == (kind, name) and api in b["apiVersion"]]
    return one


def find(documents: list[Document], kind: str, name: str, api: str = "") -> Body:
    """Return the object of that kind and name."""
    [body] = [d.body for d in documents if d.identity[1] == kind and d.identity[3] == name and api in d.identity[0]]
    return body


def decoded(body: Body) -> Body:
    """Return a Secret with its values as text, any other object unchanged."""
    if body["kind"] != "Secret":
        return body
    values = {name: base64.b64decode(value).decode() for name, value in body["data"].items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": body["metadata"], "stringData": values}


def without_images(body: Body) -> Body:
    """Return the object with one name for all images."""
    text = re.sub(r"^(\s*-?\s*image:).*", r"\1 any", yaml.safe_dump(body), flags=re.MULTILINE)
    return yaml.safe_load(text)
