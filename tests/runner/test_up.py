"""`python -m knative.local up`, with an application of one page: it starts, works, and leaves nothing."""

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pika
import psutil
import pytest

from knative.local.broker.topology import plan
from knative.local.manifests import read
from knative.local.processes import MARK
from tests.running import ROOT, running

FUNCTION = '''
import json, os
import functions_framework.aio
from starlette.responses import JSONResponse, Response

@functions_framework.aio.http
async def sample(request):
    """Greets, and takes events."""
    if "ce-id" in request.headers:
        print("took", (await request.body()).decode(), flush=True)
        return Response(status_code=204)
    return JSONResponse(dict(os.environ))
'''


MANIFESTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: NAMESPACE}
data: {GREETING: hello, NAME: nobody}
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: shop, namespace: NAMESPACE}
spec:
  template:
    spec:
      timeoutSeconds: 60
      containers:
        - image: any
          envFrom: [{configMapRef: {name: settings}}]
          env: [{name: FUNCTION_SOURCE, value: FOLDER/function.py}, {name: FUNCTION_TARGET, value: sample}]
---
apiVersion: eventing.knative.dev/v1
kind: Broker
metadata: {name: events, namespace: NAMESPACE}
---
apiVersion: eventing.knative.dev/v1
kind: Trigger
metadata: {name: greetings, namespace: NAMESPACE}
spec:
  broker: events
  filter: {attributes: {type: dev.knative.sources.ping, job: greet}}
  subscriber: {ref: {kind: Service, name: sink}}
  delivery: {deadLetterSink: {ref: {kind: Service, name: sink}}, retry: 1, timeout: PT70S}
---
apiVersion: sources.knative.dev/v1
kind: PingSource
metadata: {name: yearly, namespace: NAMESPACE}
spec:
  schedule: 0 0 1 1 *
  data: "{}"
  ceOverrides: {extensions: {job: greet}}
  sink: {ref: {kind: Broker, name: events}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: migration, namespace: NAMESPACE}
spec: {template: {spec: {containers: [{image: any, command: [python, -c, JOB]}]}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: route, namespace: NAMESPACE}
spec:
  hostnames: [localhost]
  rules:
    - matches: [{path: {type: PathPrefix, value: /api}}]
      filters:
        - type: URLRewrite
          urlRewrite:
            hostname: shop.NAMESPACE.svc.cluster.local
            path: {type: ReplacePrefixMatch, replacePrefixMatch: /}
"""
SHOP, SINK = (
    "metadata: {name: shop,",
    "metadata: {labels: {networking.knative.dev/visibility: cluster-local}, name: sink,",
)


def write_overlay(folder: Path, namespace: str, *, job: str = "print('migrated')") -> Path:
    """Write the manifests: a public function, a cluster-local one that takes events, a Job, a schedule and a route."""
    (folder / "function.py").write_text(FUNCTION)
    objects = MANIFESTS.split("---")
    objects.append(objects[1].replace(SHOP, SINK))
    text = "---".join(objects).replace("NAMESPACE", namespace).replace("FOLDER", str(folder)).replace("JOB", job)
    overlay = folder / "overlay"
    overlay.mkdir()
    (overlay / "application.yaml").write_text(text)
    (overlay / "kustomization.yaml").write_text(
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [application.yaml]\n"
    )
    return overlay


@pytest.fixture
def overlay(tmp_path: Path, amqp_url: str) -> Iterator[Path]:
    """The manifests of the application, whose queues are taken away afterwards."""
    namespace = f"up{secrets.token_hex(4)}"
    overlay = write_overlay(tmp_path, namespace)
    topology = plan(namespace, "events", read(overlay).triggers)
    yield overlay
    with pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection:
        channel = connection.channel()
        for binding in topology.bindings:
            channel.queue_delete(binding.queue)
        for exchange in topology.exchanges:
            channel.exchange_delete(exchange)


@pytest.fixture
def given(postgres_url: str, redis_url: str, amqp_url: str) -> Mapping[str, str]:
    """The environment of a run on the servers of this test run."""
    return {"DATABASE_URL": postgres_url, "REDIS_URL": redis_url, "AMQP_URL": amqp_url}


def verb(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """What a verb that ends by itself answers."""
    command = [sys.executable, "-m", "knative.local", *arguments, "--folder", str(folder)]
    given = {**os.environ, **(environment or {})}
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, timeout=60, check=False)


def children(folder: Path) -> list[int]:
    """The processes that belong to the run in *folder*."""
    found: list[int] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder.resolve()):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def test_it_runs_an_application_and_leaves_nothing(overlay: Path, given: Mapping[str, str], tmp_path: Path) -> None:
    """One line says that it is ready; then functions answer, ticks arrive, verbs tell of it, SIGTERM ends all."""
    folder = tmp_path / "run"
    with running(folder, {**given, "NAME": "somebody"}, "--overlay", str(overlay), "--manual") as system:
        found = httpx.get(f"{system.url}/api/", timeout=20).json()
        outcome = system.tick("greet", {"to": "you"})
        ticked = verb(folder, "tick", "greet")
        unknown = verb(folder, "tick", "nonsense")
        status = verb(folder, "status")
        logs = verb(folder, "logs", "sink")
        no_logs = verb(folder, "logs", "nobody")
        were_there = children(folder)

    assert (found["GREETING"], found["NAME"]) == ("hello", "somebody")
    assert found["DATABASE_URL"] == given["DATABASE_URL"]
    assert "AMQP_URL" not in found
    assert (outcome.code, outcome.led_to) == (204, None)
    assert ticked.returncode == 0
    assert ticked.stdout.startswith("greet: nothing is missing")
    assert (unknown.returncode, unknown.stderr) == (1, "error: no PingSource has the job nonsense\n")
    assert all(name in status.stdout for name in ("shop", "sink", "greetings", "yearly", "postgres"))
    assert given["DATABASE_URL"] not in status.stdout
    assert 'took {"to": "you"}\n' in logs.stdout
    assert no_logs.returncode == 1
    assert "migrated" in system.logs("migration")
    assert len(were_there) == 2
    assert system.process.returncode == 0
    assert system.process.stdout is not None
    assert system.process.stdout.read() == "", "ready is all there is to say"
    assert children(folder) == []
    assert not (folder / "running.json").exists()


def test_a_second_run_is_told_of_the_first(overlay: Path, given: Mapping[str, str], tmp_path: Path) -> None:
    """`up` beside a running one on the same port ends at once and says who is there, and that one is unharmed."""
    folder = tmp_path / "run"
    with running(folder, given, "--overlay", str(overlay), "--manual") as system:
        second = verb(folder, "up", "--overlay", str(overlay), "--port", system.url.rpartition(":")[2])

        assert second.returncode == 1
        assert re.search(rf"in use by another run, pid {system.process.pid}, since 20", second.stderr)
        assert httpx.get(f"{system.url}/api/", timeout=20).status_code == 200


def test_a_taken_port_is_told_at_once(overlay: Path, tmp_path: Path) -> None:
    """When some other program has the port, nothing is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        refused = verb(tmp_path / "run", "up", "--overlay", str(overlay), "--port", str(port))

    assert refused.returncode == 1
    assert f"port {port} cannot be used (Address already in use)" in refused.stderr
    assert "starting" not in refused.stderr


def test_what_a_killed_run_left_is_ended(overlay: Path, given: Mapping[str, str], tmp_path: Path) -> None:
    """After kill -9 of the runner its functions live on; the next `up` ends them, and only them."""
    folder = tmp_path / "run"
    with running(folder, given, "--overlay", str(overlay), "--manual") as system:
        httpx.get(f"{system.url}/api/", timeout=20)
        [left] = children(folder)
        os.kill(system.process.pid, signal.SIGKILL)
        system.process.wait()
        assert verb(folder, "status").returncode == 1
        # As if the number had gone to another program meanwhile.
        (folder / "processes" / str(os.getpid())).touch()

        with running(folder, given, "--overlay", str(overlay), "--manual") as again:
            assert "ended 1 processes" in (folder / "screen").read_text()
            assert not psutil.pid_exists(left)
            assert httpx.get(f"{again.url}/api/", timeout=20).status_code == 200


def test_a_failed_job_says_why(tmp_path: Path, given: Mapping[str, str], port: int) -> None:
    """When the Job fails, no function is served; the exit code is 1 and the log's last lines are shown."""
    overlay = write_overlay(tmp_path, "failing", job="raise SystemExit('the schema is broken')")

    failed = verb(tmp_path / "run", "up", "--overlay", str(overlay), "--port", str(port), environment=given)

    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "Job migration failed with 1" in failed.stderr
    assert "the schema is broken" in failed.stderr


def test_an_unsupported_field_stops_it(overlay: Path, tmp_path: Path) -> None:
    """A field that the runner does not know is told with its file before anything is started."""
    file = overlay / "application.yaml"
    file.write_text(file.read_text().replace("timeoutSeconds: 60", "idleTimeoutSeconds: 60", 1))

    refused = verb(tmp_path / "run", "up", "--overlay", str(overlay))

    assert refused.returncode == 1
    wanted = (
        "error: overlay/application.yaml: spec.template.spec.idleTimeoutSeconds: is not supported by the local runner"
    )
    assert wanted in refused.stderr
    assert "starting" not in refused.stderr
