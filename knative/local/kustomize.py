"""Kustomize builder: resources, strategic merge patches and secret generators, the part that our overlays use."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from knative.local.environment import read_env
from knative.local.manifest_schema import ManifestError, parse

# In C where there is one.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Document:
    """An object of the cluster, patches applied, and the file that defines it."""

    file: str
    body: dict[str, Any]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """API version, kind, namespace and name: the key of a patch."""
        metadata = self.body.get("metadata") or {}
        return (
            str(self.body["apiVersion"]),
            str(self.body["kind"]),
            metadata.get("namespace", ""),
            metadata.get("name", ""),
        )


def build(folder: Path) -> list[Document]:
    """Return the objects of *folder*'s kustomization, its bases included and its patches applied.

    ManifestError for a field that the runner does not support, in any of the files.
    """
    folder = folder.resolve()
    listing = folder / "kustomization.yaml"
    [kustomization] = [body for _, body in _read(listing)]
    documents: dict[tuple[str, str, str, str], Document] = {}
    for document in _resources(folder, kustomization):
        if document.identity in documents:
            raise ManifestError(f"{document.file}: {document.identity[1]} {document.identity[3]} is defined twice")
        documents[document.identity] = document
    for patch in kustomization.get("patches", []):
        for name, body in _read(folder / patch["path"], patch=True):
            change = Document(name, body)
            if change.identity not in documents:
                raise ManifestError(f"{name}: patches {change.identity[1]} {change.identity[3]}, which does not exist")
            _merge(name, "", documents[change.identity].body, body)
            parse(name, documents[change.identity].body)
    return list(documents.values())


def _resources(folder: Path, kustomization: dict[str, Any]) -> Iterator[Document]:
    for resource in kustomization.get("resources", []):
        path = folder / resource
        if path.is_dir():
            yield from build(path)
        else:
            yield from (Document(name, body) for name, body in _read(path))
    for secret in kustomization.get("secretGenerator", []):
        metadata = {"name": secret["name"], "namespace": secret.get("namespace", "")}
        values = {name: value for file in secret["envs"] for name, value in read_env(folder / file).items()}
        yield Document(
            _name(folder / "kustomization.yaml"),
            {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values},
        )


def _read(path: Path, *, patch: bool = False) -> Iterator[tuple[str, dict[str, Any]]]:
    name = _name(path)
    try:
        bodies = list(yaml.load_all(path.read_text(), _Loader))
    except (OSError, yaml.YAMLError) as error:
        raise ManifestError(f"{name}: cannot be read: {error}") from error
    for body in bodies:
        if body is not None:
            parse(name, body, patch=patch)
            yield name, body


def _merge(file: str, field: str, body: dict[str, Any], change: dict[str, Any]) -> None:
    """Merge *change* into *body*; a list of objects, which kustomize might merge, is refused."""
    for key, value in change.items():
        within = f"{field}.{key}" if field else key
        if isinstance(value, list) and any(isinstance(part, dict) for part in value):
            raise ManifestError(f"{file}: {within}: the local runner does not patch lists of objects")
        if isinstance(value, dict) and isinstance(body.get(key), dict):
            _merge(file, within, body[key], value)
        elif value is None:
            body.pop(key, None)
        else:
            body[key] = value


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
