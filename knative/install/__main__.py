"""`python3 -m knative.install deploy local|cloud`: from one .env and the manifests to a cluster that answers.

`rehearse` checks both overlays without a cluster. `deploy` needs kubectl and Python's own library, nothing of .venv.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from knative.install.overlay import DOMAIN, LOCAL_REGISTRY, ROOT, Wanted, WrongError, link, read_variables, write

_LATER = ("serving.knative.dev/", "eventing.knative.dev/v1\n", "sources.knative.dev/", "gateway.networking.k8s.io/")
"""Whose objects wait until the database has its new shape: the functions, and what sends them anything."""
_PATIENCE = "--timeout=600s"


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; return the exit code."""
    asked = _parser().parse_args(arguments)
    if asked.verb == "rehearse":
        from knative.install.rehearse import rehearse  # needs the packages of the tests

        return rehearse()
    wanted = Wanted(asked.overlay, read_variables(asked.env), asked.registry, asked.tag, asked.domain)
    folder = ROOT / ".local" / "deploy" / asked.overlay
    try:
        write(wanted, folder)
        link(folder, asked.overlay)
        built = _kubectl("kustomize", str(folder), capture=True)
        if asked.dry_run:
            print(f"kubectl diff -k {folder} shows what would change", file=sys.stderr)
            return 0
        deploy(built)
    except WrongError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"error: {' '.join(error.cmd)} failed with {error.returncode}", file=sys.stderr)
        return 1
    print("\n".join(_verify(wanted)))
    return 0


def deploy(built: str) -> None:
    """Apply the manifests *built*: state first, then the schema, then the functions, and wait until all is ready."""
    first, later = split(built)
    # A Job cannot be changed, only made anew.
    _kubectl("delete", "job", "migration", "--namespace=stocksalot", "--ignore-not-found")
    _kubectl("apply", "--filename=-", given=first)
    _kubectl("wait", "--namespace=stocksalot", "--for=condition=Complete", "job/migration", _PATIENCE)
    _kubectl("apply", "--filename=-", given=later)
    for kind in ("brokers.eventing.knative.dev", "services.serving.knative.dev", "triggers.eventing.knative.dev"):
        # A reply that is published before its Trigger is ready would be taken and dropped.
        _kubectl("wait", "--namespace=stocksalot", "--for=condition=Ready", kind, "--all", _PATIENCE)


def split(built: str) -> tuple[str, str]:
    """Return the documents of *built* that come before the migration has run, it among them, and the others."""
    documents = [document.strip("\n") + "\n" for document in re.split(r"^---$", built, flags=re.MULTILINE)]
    later = [one for one in documents if re.search(r"^apiVersion: (.*\n)", one, re.MULTILINE)[1].startswith(_LATER)]  # type: ignore[index]
    first = [one for one in documents if one not in later]
    return "---\n".join(first), "---\n".join(later)


def _kubectl(*arguments: str, given: str | None = None, capture: bool = False) -> str:
    """Run kubectl with *given* as its input and return what it printed; CalledProcessError when it fails."""
    done = subprocess.run(
        ["kubectl", *arguments],
        input=given,
        stdout=subprocess.PIPE if capture else None,
        text=True,
        check=True,
    )
    return done.stdout or ""


def _verify(wanted: Wanted) -> list[str]:
    if wanted.overlay == "local":
        return [
            "deployed. Look at it:",
            "  kubectl -n envoy-gateway-system port-forward "
            "$(kubectl -n envoy-gateway-system get service -o name "
            "-l gateway.envoyproxy.io/owning-gateway-name=public) 8080:80",
            "  curl localhost:8080/api/status",
        ]
    return ["deployed. Look at it:", f"  curl https://{wanted.domain}/api/status"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python3 -m knative.install", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    one = verbs.add_parser("deploy", help="bring the cluster that kubectl points to up to date")
    one.add_argument("overlay", help="local or cloud")
    one.add_argument("--env", type=Path, default=ROOT / ".env", help="the operator's variables (.env)")
    one.add_argument("--registry", default=LOCAL_REGISTRY, help="where the images are")
    one.add_argument("--tag", default="local", help="which of them")
    one.add_argument("--domain", default=DOMAIN, help="the host that readers use; the API is also at api.<domain>")
    one.add_argument("--dry-run", action="store_true", help="write and build, apply nothing")
    verbs.add_parser("rehearse", help="check what would be deployed, without a cluster")
    return parser


if __name__ == "__main__":
    sys.exit(main())
