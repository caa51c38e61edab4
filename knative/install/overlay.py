"""Deployment settings over an overlay: configuration and secrets from one .env, images, the operator's domain.

They become a kustomization on top of the overlay, so that `kubectl diff -k` shows the changes of a deployment and no
setting of the operator is written into a file of the project.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knative.local.environment import read_env

ROOT = Path(__file__).parents[2]
OVERLAYS = ROOT / "knative" / "overlays"
DOMAIN = "stocksalot.tech"
"""Domain in the manifests; the operator's replaces it."""
LOCAL_REGISTRY = "dev.local/stocksalot"
"""Registry of the overlay for kind: Knative contacts no registry for dev.local."""
_PART = re.compile(r"^# --- (.*?) -*$", re.MULTILINE)
_VARIABLE = re.compile(r"^([A-Z][A-Z0-9_]*)=", re.MULTILINE)
_IMAGE = re.compile(r"^IMAGES := (.*)$", re.MULTILINE)


class DeploymentError(Exception):
    """Invalid deployment request; the message says how to correct it."""


@dataclass(frozen=True)
class Deployment:
    """Deployment of an overlay: the operator's variables, registry and tag of the images, public host name.

    An image with a digest in *digests* is deployed by it, any other by the tag.
    """

    overlay: str
    variables: Mapping[str, str]
    registry: str = LOCAL_REGISTRY
    tag: str = "local"
    domain: str = DOMAIN
    digests: Mapping[str, str] = field(default_factory=dict[str, str])

    def check(self) -> None:
        """DeploymentError for settings that the cluster would accept and that would not work."""
        if not (OVERLAYS / self.overlay / "kustomization.yaml").exists():
            raise DeploymentError(
                f"Unknown overlay {self.overlay}. Overlays: {', '.join(sorted(p.name for p in OVERLAYS.iterdir()))}"
            )
        known = sample()
        if unknown := set(self.variables) - set().union(*known.values()):
            raise DeploymentError(f"Unknown variables: {', '.join(sorted(unknown))}. .env.sample lists all variables.")
        if self.overlay == "local":
            return
        needed = ("API_TOKEN_SECRET", "DATABASE_URL", "REDIS_URL")
        if missing := [name for name in needed if not self.variables.get(name)]:
            raise DeploymentError(f"{', '.join(missing)} must be set in .env: the overlay {self.overlay} has none.")
        if self.registry == LOCAL_REGISTRY:
            raise DeploymentError(
                "REGISTRY must be one that the cluster can reach, with the images of `make images PUSH=1`."
            )


def sample() -> dict[str, list[str]]:
    """Return the names of the variables in each part of .env.sample: Secret, Configuration, and those of `make run`."""
    text = (ROOT / ".env.sample").read_text()
    _, *parts = _PART.split(text)
    return {title: _VARIABLE.findall(body) for title, body in zip(parts[::2], parts[1::2], strict=True)}


def image_names() -> Sequence[str]:
    """Return the names of the images that `make images` builds."""
    return _IMAGE.findall((ROOT / "Makefile").read_text())[0].split()


def read_variables(path: Path) -> dict[str, str]:
    """Return the variables of *path* with a value."""
    return {name: value for name, value in read_env(path).items() if value}


def write(deployment: Deployment, folder: Path) -> None:
    """Write the kustomization of *deployment* into *folder*, readable by its owner alone."""
    deployment.check()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    variables = _with_database_users(deployment.variables)
    if deployment.overlay != "local":
        variables.setdefault("PUBLIC_URL", f"https://{deployment.domain}")
    secret, configuration = (_select(variables, part) for part in ("Secret", "Configuration"))
    for name, values in (("secret.env", secret), ("configuration.env", configuration)):
        file = folder / name
        file.touch(mode=0o600)
        file.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    (folder / "kustomization.yaml").write_text(
        json.dumps(_kustomization(deployment, secret, configuration), indent=2) + "\n"
    )


def link(folder: Path, overlay: str) -> None:
    """Link the overlay into *folder*, because kustomize reads no absolute paths."""
    target = folder / "overlay"
    target.unlink(missing_ok=True)
    target.symlink_to(OVERLAYS / overlay)


def _with_database_users(variables: Mapping[str, str]) -> dict[str, str]:
    """Return *variables* with an address of Postgres for each function: its own user's, else that of DATABASE_URL."""
    names = [name for name in sample()["Secret"] if name.startswith("DATABASE_URL_")]
    owner = variables.get("DATABASE_URL")
    return {**(dict.fromkeys(names, owner) if owner else {}), **variables}


def _select(variables: Mapping[str, str], part: str) -> dict[str, str]:
    return {name: variables[name] for name in sample()[part] if name in variables}


def _kustomization(
    deployment: Deployment, secret: Mapping[str, str], configuration: Mapping[str, str]
) -> dict[str, object]:
    """Return the kustomization of *deployment*."""
    local = deployment.overlay == "local"
    repository = LOCAL_REGISTRY if local else "stocksalot"
    metadata = {"name": "stocksalot", "namespace": "stocksalot"}
    digest = hashlib.sha256(json.dumps([secret, configuration], sort_keys=True).encode()).hexdigest()[:16]
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["overlay"],
        "generatorOptions": {"disableNameSuffixHash": True},
        "configMapGenerator": [{**metadata, "behavior": "merge", "envs": ["configuration.env"]}]
        if configuration
        else [],
        "secretGenerator": [{**metadata, "behavior": "merge" if local else "create", "envs": ["secret.env"]}]
        if secret or not local
        else [],
        "images": [
            {
                "name": f"{repository}/{name}",
                "newName": f"{deployment.registry}/{name}",
                **({"digest": deployment.digests[name]} if name in deployment.digests else {"newTag": deployment.tag}),
            }
            for name in image_names()
        ],
        "patches": [
            # A pod reads its configuration at start: a changed digest makes Knative create a new revision.
            {
                "target": {"group": "serving.knative.dev", "kind": "Service"},
                "patch": json.dumps(
                    [
                        {
                            "op": "add",
                            "path": "/spec/template/metadata/annotations/stocksalot.tech~1configuration",
                            "value": digest,
                        }
                    ]
                ),
            },
            *(_domain(deployment.domain) if not local and deployment.domain != DOMAIN else []),
        ],
    }


def _domain(domain: str) -> list[dict[str, object]]:
    """Return the patches that replace the domain of the manifests by *domain*."""

    def patch(kind: str, name: str, values: Mapping[str, object]) -> dict[str, object]:
        operations = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
        return {"target": {"kind": kind, "name": name}, "patch": json.dumps(operations)}

    api = f"api.{domain}"
    return [
        patch("HTTPRoute", "stocksalot", {"/spec/hostnames": [domain]}),
        patch("HTTPRoute", "api", {"/spec/hostnames": [api]}),
        patch("Gateway", "public", {"/spec/listeners/1/hostname": domain, "/spec/listeners/2/hostname": api}),
        patch("Certificate", "stocksalot", {"/spec/dnsNames": [domain, api]}),
    ]
