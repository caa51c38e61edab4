"""One .env becomes one ConfigMap and one Secret, and sample, settings and manifests name the same variables."""

import json
import re
import stat
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import pytest

from knative.install.overlay import OVERLAYS, Deployment, DeploymentError, read_variables, sample, write
from knative.local.kustomize import build
from shared.runtime.settings import Secret
from tests.cluster.groups import FUNCTIONS, ROOT
from tests.cluster.objects import (
    CLOUD,
    Body,
    built,
    decoded,
    find,
    laid_over,
    named,
    needs_kubectl,
    without_images,
)

DATABASE_USERS = {
    name: f"DATABASE_URL_{name.upper()}" for name in ("alerts", "api", "files", "ingest", "insights", "store", "token")
}
"""The variable of each function's own user of Postgres."""


def test_sample_and_manifests_name_the_same_variables() -> None:
    """Each variable of .env.sample is in ConfigMap or Secret, as its part says, and each key is in the sample."""
    documents = build(OVERLAYS / "local")
    configuration = find(documents, "ConfigMap", "stocksalot")["data"]
    secret = find(documents, "Secret", "stocksalot")["stringData"]
    parts = sample()

    assert set(parts) == {"Secret", "Configuration", "Only `make run`"}
    # Addresses of the databases inside the cluster hold no password; those of others do.
    assert set(parts["Secret"]) == set(secret) | {"DATABASE_URL", "REDIS_URL"} | set(DATABASE_USERS.values())
    assert set(parts["Configuration"]) == set(configuration) - {"DATABASE_URL", "REDIS_URL"}
    assert not set(parts["Secret"]) & set(parts["Configuration"])
    assert all(len(names) == len(set(names)) for names in parts.values())


def test_secret_settings_are_in_the_secret() -> None:
    """A setting of type Secret is in the Secret, never in the ConfigMap."""
    import importlib

    hidden: set[str] = set()
    for name in FUNCTIONS:
        if not (ROOT / "functions" / name / "settings.py").exists():
            continue
        settings = importlib.import_module(f"functions.{name}.settings").Settings
        kinds = get_type_hints(settings)
        hidden |= {field.name.upper() for field in fields(settings) if Secret.__name__ in str(kinds[field.name])}

    assert hidden <= set(sample()["Secret"])
    assert {"DATABASE_URL", "API_TOKEN_SECRET", "TWELVEDATA_API_KEYS"} <= hidden


def test_the_sample_holds_no_values() -> None:
    """A copy of the sample changes no setting."""
    assert read_variables(ROOT / ".env.sample") == {}


@needs_kubectl
def test_one_env_becomes_one_configmap_and_one_secret(tmp_path: Path) -> None:
    """A variable set in .env gets into its part unchanged; any other keeps the overlay's value."""
    bodies = laid_over(tmp_path, Deployment("cloud", CLOUD, "ghcr.io/me/s", "v1"))

    secret = decoded(named(bodies, "Secret", "stocksalot"))["stringData"]
    configuration = named(bodies, "ConfigMap", "stocksalot")["data"]
    given = {name: CLOUD[name] for name in ("API_TOKEN_SECRET", "DATABASE_URL", "REDIS_URL")}
    assert secret == given | dict.fromkeys(DATABASE_USERS.values(), CLOUD["DATABASE_URL"])
    assert configuration["RATE_LIMIT_TOKEN"] == "9"
    assert configuration["DATABASE_CONNECTIONS"] == "4"
    assert [body["metadata"]["name"] for body in bodies if body["kind"] in ("ConfigMap", "Secret")] == [
        "stocksalot"
    ] * 2


@needs_kubectl
@pytest.mark.parametrize("function", sorted(DATABASE_USERS))
def test_a_function_may_have_a_database_user_of_its_own(tmp_path: Path, function: str) -> None:
    """Its DATABASE_URL is the one with its name; other functions keep the common one and get no other."""
    own = "postgresql://own:secret@db.example:5432/stocks"
    bodies = laid_over(tmp_path, Deployment("cloud", {**CLOUD, DATABASE_USERS[function]: own}, "ghcr.io/me/s", "v1"))
    secret = decoded(named(bodies, "Secret", "stocksalot"))["stringData"]

    keys = {name: database_key(named(bodies, "Service", name, "serving")["spec"]) for name in DATABASE_USERS}
    assert keys == DATABASE_USERS
    assert {name for name, key in keys.items() if secret[key] == own} == {function}
    assert secret[database_key(named(bodies, "Job", "migration")["spec"])] == CLOUD["DATABASE_URL"], "the owner's"
    assert database_key(named(bodies, "CronJob", "replay")["spec"]["jobTemplate"]["spec"]) == DATABASE_USERS["store"]


def database_key(spec: Body) -> str:
    """Return the key of the Secret that a pod's DATABASE_URL comes from."""
    [container] = spec["template"]["spec"]["containers"]
    [variable] = [one for one in container["env"] if one["name"] == "DATABASE_URL"]
    return variable["valueFrom"]["secretKeyRef"]["key"]


@needs_kubectl
@pytest.mark.parametrize(("given", "address"), [({}, "https://me.example"), ({"PUBLIC_URL": "http://b"}, "http://b")])
def test_the_domain_is_the_public_address(tmp_path: Path, given: dict[str, str], address: str) -> None:
    """Links in feeds lead to the operator's domain unless .env names another address; on kind to where one asked."""
    cloud = laid_over(tmp_path / "a", Deployment("cloud", {**CLOUD, **given}, "ghcr.io/me/s", "v1", "me.example"))
    local = laid_over(tmp_path / "b", Deployment("local", given))

    assert named(cloud, "ConfigMap", "stocksalot")["data"]["PUBLIC_URL"] == address
    assert named(local, "ConfigMap", "stocksalot")["data"]["PUBLIC_URL"] == given.get("PUBLIC_URL", "")


@needs_kubectl
def test_an_empty_variable_hides_nothing(tmp_path: Path) -> None:
    """The Secret wins over the ConfigMap, so an empty DATABASE_URL in .env must not reach it."""
    (tmp_path / ".env").write_text("DATABASE_URL=\nPGPASSWORD='a b#c'\n")
    bodies = laid_over(tmp_path, Deployment("local", read_variables(tmp_path / ".env")))

    secret = decoded(named(bodies, "Secret", "stocksalot"))["stringData"]
    assert "DATABASE_URL" not in secret
    assert secret["PGPASSWORD"] == "a b#c"
    assert secret["API_TOKEN_SECRET"], "the overlay's own"


@needs_kubectl
def test_another_configuration_makes_another_revision(tmp_path: Path) -> None:
    """Every function's template changes with .env, and only then: a running pod reads its environment once."""

    def digests(folder: str, **changed: str) -> set[str]:
        bodies = laid_over(tmp_path / folder, Deployment("cloud", {**CLOUD, **changed}, "ghcr.io/me/s", "v1"))
        services = [body for body in bodies if body["apiVersion"] == "serving.knative.dev/v1"]
        assert len(services) == len(FUNCTIONS)
        return {
            body["spec"]["template"]["metadata"]["annotations"]["stocksalot.tech/configuration"] for body in services
        }

    assert digests("a") == digests("b")
    assert digests("c", API_TOKEN_SECRET="1" * 64).isdisjoint(digests("a"))


@needs_kubectl
def test_the_images_are_those_that_were_pushed(tmp_path: Path) -> None:
    """Every image of the project comes from the operator's registry with the operator's tag."""
    text = json.dumps(laid_over(tmp_path, Deployment("cloud", CLOUD, "ghcr.io/me/s", "v1")))

    found = set(re.findall(r'"image": "([^"]+)"', text))
    assert found == {f"ghcr.io/me/s/{name}:v1" for name in (*FUNCTIONS, "migration")}


@needs_kubectl
def test_another_domain_replaces_all_host_names(tmp_path: Path) -> None:
    """Routes, listeners and certificate name the operator's host only."""
    bodies = laid_over(tmp_path, Deployment("cloud", CLOUD, "ghcr.io/me/s", "v1", "stocks.example"))

    hosts = [body for body in bodies if body["kind"] in ("HTTPRoute", "Gateway", "Certificate")]
    assert "stocksalot.tech" not in json.dumps(hosts)
    listeners = named(bodies, "Gateway", "public")["spec"]["listeners"]
    assert [one.get("hostname") for one in listeners] == [None, "stocks.example", "api.stocks.example"]
    assert named(bodies, "Certificate", "stocksalot")["spec"]["dnsNames"] == ["stocks.example", "api.stocks.example"]


@pytest.mark.parametrize(
    ("deployment", "why"),
    [
        (Deployment("moon", {}), "Unknown overlay moon. Overlays: cloud, local"),
        (Deployment("local", {"TWELVEDATA_API_KEY": "x"}), "Unknown variables: TWELVEDATA_API_KEY"),
        (Deployment("cloud", {**CLOUD, "REDIS_URL": ""}, "ghcr.io/me/s"), "REDIS_URL must be set in .env"),
        (Deployment("cloud", CLOUD), "REGISTRY must be one"),
    ],
)
def test_an_invalid_deployment_is_refused_before_anything_is_applied(
    tmp_path: Path, deployment: Deployment, why: str
) -> None:
    """A misspelt variable, a missing address or an unreachable registry is an error before any file is written."""
    with pytest.raises(DeploymentError, match=why):
        write(deployment, tmp_path / "deploy")

    assert not (tmp_path / "deploy").exists()


def test_only_the_owner_can_read_the_secrets(tmp_path: Path) -> None:
    """Only their owner can read the files written for kustomize."""
    write(Deployment("cloud", CLOUD, "ghcr.io/me/s"), tmp_path / "deploy")

    assert stat.S_IMODE((tmp_path / "deploy").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "deploy" / "secret.env").stat().st_mode) == 0o600


@needs_kubectl
@pytest.mark.parametrize("overlay", ["local", "cloud"])
def test_the_runner_reads_each_overlay_as_kubectl_does(overlay: str) -> None:
    """Runner and kubectl read the same objects, except for the names of images."""
    by_kubectl = sorted((without_images(decoded(body)) for body in built(OVERLAYS / overlay)), key=str)
    by_runner = sorted((without_images(document.body) for document in build(OVERLAYS / overlay)), key=str)

    assert by_runner == by_kubectl
