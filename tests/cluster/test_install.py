"""Installation into a cluster: pinned versions, order of deployment, backup and restore."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from functions.store.migrate import migrate
from knative.install import __main__ as install
from knative.install.overlay import OVERLAYS
from knative.local.kustomize import build
from knative.local.services.postgres import find_binaries
from tests.cluster.documents import commands
from tests.cluster.groups import ROOT
from tests.cluster.objects import KUBECTL
from tests.conftest import new_database
from tests.reading import Bar, at, put


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kubectl that builds like the real one and records all other calls in the returned folder."""
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    calls = tmp_path / "calls"
    calls.mkdir()
    script = tmp_path / "bin" / "kubectl"
    script.parent.mkdir()
    script.write_text(
        f"""#!/bin/sh
        [ "$1" = kustomize ] && exec {KUBECTL} "$@"
        number=$(printf %03d $(ls {calls} | wc -l))
        case "$*" in *--filename=-*) cat > {calls}/$number.yaml ;; *) echo "$*" > {calls}/$number ;; esac
        case "$*" in *"$FAIL"*) [ -z "$FAIL" ] || exit 1 ;; esac
        """
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("FAIL", "")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    return calls


def test_the_migration_runs_before_the_functions_change(kubectl: Path, tmp_path: Path) -> None:
    """State and migration are applied first; once the migration is complete, everything else."""
    assert install.main(["deploy", "local", "--env", str(tmp_path / "none")]) == 0

    calls = {path.name: path.read_text() for path in sorted(kubectl.iterdir())}
    first, later = (list(yaml.safe_load_all(text)) for name, text in calls.items() if name.endswith(".yaml"))
    kinds = {body["kind"] for body in first}
    assert {"Namespace", "ConfigMap", "Secret", "StatefulSet", "Deployment", "Job", "NetworkPolicy"} <= kinds
    assert {body["apiVersion"].split("/")[0] for body in first}.isdisjoint(
        {"serving.knative.dev", "sources.knative.dev"}
    )
    assert {"Broker", "Trigger", "PingSource", "HTTPRoute"} <= {body["kind"] for body in later}
    assert len(first) + len(later) == len(build(OVERLAYS / "local"))
    order = [text.split("\n")[0] for text in calls.values()]
    assert order[0].startswith("delete job migration")
    assert "condition=Complete job/migration" in order[2]
    assert [line for line in order[4:] if "condition=Ready" in line] == order[4:]


def test_functions_stay_as_they_are_when_the_migration_fails(
    kubectl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New code never runs on an old schema."""
    monkeypatch.setenv("FAIL", "job/migration")

    assert install.main(["deploy", "local", "--env", str(tmp_path / "none")]) == 1

    assert "Trigger" not in "".join(path.read_text() for path in kubectl.iterdir() if path.suffix == ".yaml")


def test_the_cluster_has_pinned_versions() -> None:
    """Every part is downloaded at the version in versions.env, and every version there is used."""
    text = (ROOT / "knative" / "install" / "versions.env").read_text()
    pinned = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
    script = ROOT / "knative" / "install" / "cluster"
    done = subprocess.run(
        ["bash", script], env={"PATH": os.environ["PATH"], "DRY_RUN": "1"}, capture_output=True, text=True, check=True
    )

    links = re.findall(r"https://\S+", done.stderr)
    assert len(links) == 10
    assert all(re.search(r"/download/(knative-)?v\d+\.\d+\.\d+/", link) for link in links)
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pinned.values())
    used = set(re.findall(r"\$([A-Z_]+)", script.read_text()))
    assert set(pinned) - {"KUBERNETES"} == used & set(pinned)
    kind = yaml.safe_load((ROOT / "knative" / "install" / "kind.yaml").read_text())
    assert kind["nodes"][0]["image"] == f"kindest/node:v{pinned['KUBERNETES']}"


def test_a_backup_is_a_whole_database(database_url: str, postgres_server: str, tmp_path: Path) -> None:
    """The documented pg_dump and pg_restore copy every row and view; the migration then has nothing to do."""
    binaries = find_binaries(os.environ["PATH"])
    if not (binaries / "pg_restore").exists():
        pytest.skip("pg_dump and pg_restore are not installed")
    documented = {
        name: next(one for one in commands(ROOT / "docs" / "install.md") if name in one)
        for name in ("pg_dump", "pg_restore")
    }

    def run(name: str, url: str, **streams: Any) -> None:
        options = [word for word in documented[name].split(f"{name} ")[1].split() if word.startswith("--")]
        options = [word for word in options if not word.startswith(("--username", "--dbname"))]
        target = [f"--dbname={url}"]
        subprocess.run([binaries / name, *options, *target], check=True, timeout=120, **streams)

    def contents(url: str) -> dict[str, list[Any]]:
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
            views = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'").fetchall()
            rows = {name: connection.execute(f"SELECT count(*) FROM {name}".encode()).fetchall() for (name,) in tables}
            return {**rows, "views": sorted(views)}

    put(database_url, [Bar("AAPL", at("2026-11-20 14:30")), Bar("KO", at("2026-11-20 15:30"))])
    with (tmp_path / "dump").open("wb") as file:
        run("pg_dump", database_url, stdout=file)
    with new_database(postgres_server) as empty:
        with (tmp_path / "dump").open("rb") as file:
            run("pg_restore", empty, stdin=file)
        assert contents(empty) == contents(database_url)
        assert migrate(empty) == []
        with psycopg.connect(empty) as connection:
            moved = connection.execute("SELECT count(*) FROM figures_at(now(), '1 minute')").fetchone()
            assert moved is not None
            assert moved[0] > 5
