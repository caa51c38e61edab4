"""An application of one page, as the manifests of an overlay."""

from pathlib import Path

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
