"""Deployment to a cluster: `python3 -m knative.install deploy local|cloud` applies the manifests with one .env.

`images` prints the pushed images by digest, `notes` a release's part of CHANGELOG.md; `rehearse` checks both overlays
without a cluster. `deploy` needs kubectl and the standard library, no package.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from knative.install.image_digests import DIGESTS, image_references, read_digests, require_all
from knative.install.overlay import (
    DOMAIN,
    LOCAL_REGISTRY,
    ROOT,
    Deployment,
    DeploymentError,
    link,
    read_variables,
    write,
)
from knative.install.release_notes import read_notes

_LATER = ("serving.knative.dev/", "eventing.knative.dev/v1\n", "sources.knative.dev/", "gateway.networking.k8s.io/")
"""API groups whose objects are applied after the migration: the functions, and the sources of their requests."""
_TIMEOUT = "--timeout=600s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verb of the command line; return the exit code."""
    parsed = _parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except DeploymentError as error:
        print(f"error: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)} failed with {error.returncode}", file=sys.stderr)
    return 1


def _deploy(parsed: argparse.Namespace) -> int:
    digests = read_digests(parsed.registry, parsed.tag, DIGESTS)
    if parsed.by_digest:
        require_all(digests)
    variables = read_variables(parsed.env)
    deployment = Deployment(parsed.overlay, variables, parsed.registry, parsed.tag, parsed.domain, digests)
    folder = ROOT / ".local" / "deploy" / parsed.overlay
    write(deployment, folder)
    link(folder, parsed.overlay)
    built = _kubectl("kustomize", str(folder), capture=True)
    if parsed.dry_run:
        print(f"kubectl diff -k {folder} shows what would change", file=sys.stderr)
        return 0
    deploy(built)
    print("\n".join(_verify(deployment)))
    return 0


def _images(parsed: argparse.Namespace) -> int:
    digests = read_digests(parsed.registry, parsed.tag, DIGESTS)
    require_all(digests)
    print("\n".join(image_references(parsed.registry, digests)))
    return 0


def _notes(parsed: argparse.Namespace) -> int:
    print(read_notes(parsed.tag, ROOT))
    return 0


def _rehearse(_: argparse.Namespace) -> int:
    from knative.install.rehearse import rehearse  # needs the packages of the tests

    return rehearse()


def deploy(built: str) -> None:
    """Apply the manifests *built*: state first, then the schema, then the functions, and wait until all is ready."""
    first, later = split_documents(built)
    # A Job is immutable: it is deleted and created again.
    _kubectl("delete", "job", "migration", "--namespace=stocksalot", "--ignore-not-found")
    _kubectl("apply", "--filename=-", given=first)
    _kubectl("wait", "--namespace=stocksalot", "--for=condition=Complete", "job/migration", _TIMEOUT)
    _kubectl("apply", "--filename=-", given=later)
    for kind in ("brokers.eventing.knative.dev", "services.serving.knative.dev", "triggers.eventing.knative.dev"):
        # A reply that is published before its Trigger is ready would be accepted and dropped.
        _kubectl("wait", "--namespace=stocksalot", "--for=condition=Ready", kind, "--all", _TIMEOUT)


def split_documents(built: str) -> tuple[str, str]:
    """Split the documents of *built*: those up to the migration, and those to apply after it."""
    documents = [document.strip("\n") + "\n" for document in re.split(r"^---$", built, flags=re.MULTILINE)]
    later = [one for one in documents if re.search(r"^apiVersion: (.*\n)", one, re.MULTILINE)[1].startswith(_LATER)]  # type: ignore[index]
    first = [one for one in documents if one not in later]
    return "---\n".join(first), "---\n".join(later)


def _kubectl(*arguments: str, given: str | None = None, capture: bool = False) -> str:
    """Run kubectl with *given* as its input and return its output; CalledProcessError when it fails."""
    done = subprocess.run(
        ["kubectl", *arguments],
        input=given,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=True,
    )
    return done.stdout or ""


def _verify(deployment: Deployment) -> list[str]:
    if deployment.overlay == "local":
        return [
            "Deployed. Try it:",
            "  kubectl -n envoy-gateway-system port-forward "
            "$(kubectl -n envoy-gateway-system get service -o name "
            "-l gateway.envoyproxy.io/owning-gateway-name=public) 8080:80",
            "  curl localhost:8080/api/status",
        ]
    return ["Deployed. Try it:", f"  curl https://{deployment.domain}/api/status"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m knative.install", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    one = verbs.add_parser("deploy", help="apply the manifests to the cluster of the current kubectl context")
    one.set_defaults(run=_deploy)
    one.add_argument("overlay", help="local or cloud")
    one.add_argument("--env", type=Path, default=ROOT / ".env", help="the operator's variables (.env)")
    one.add_argument("--domain", default=DOMAIN, help="public host name; the API is also at api.<domain>")
    one.add_argument("--by-digest", action="store_true", help="refuse an image whose digest is not recorded")
    one.add_argument("--dry-run", action="store_true", help="write and render the manifests, apply nothing")
    images = verbs.add_parser("images", help="print the pushed images by digest, one a line")
    images.set_defaults(run=_images)
    for verb in (one, images):
        verb.add_argument("--registry", default=LOCAL_REGISTRY, help="registry of the images")
        verb.add_argument("--tag", default="local", help="tag of the images")
    notes = verbs.add_parser("notes", help="print the section of a release in CHANGELOG.md")
    notes.set_defaults(run=_notes)
    notes.add_argument("tag", help="the release's tag: v1.2.3")
    verbs.add_parser("rehearse", help="check the manifests without a cluster").set_defaults(run=_rehearse)
    return parser


if __name__ == "__main__":
    sys.exit(main())
