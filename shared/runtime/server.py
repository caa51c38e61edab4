"""Server of one function: the one command that images and the local runner start.

One asyncio process around functions-framework's own ASGI app. Its command line would fork gunicorn around the same app:
a third more time at every cold start, a third more memory (benchmarks/RESULTS.md), keep-alive fixed at two seconds.
"""

import gc

from shared.runtime.termination import exit_on_sigterm

# Imports create no garbage: collection during them takes a tenth of the start.
gc.disable()

if __name__ == "__main__":
    exit_on_sigterm(0)  # until uvicorn waits for requests in flight
    from shared.runtime.framework import import_asyncio_mode

    import_asyncio_mode()

import os  # noqa: E402
from collections.abc import Mapping  # noqa: E402
from typing import Any  # noqa: E402

import uvicorn  # noqa: E402
from functions_framework.aio import create_asgi_app  # noqa: E402
from starlette.exceptions import HTTPException  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from shared.http.endpoint import framework_error  # noqa: E402
from shared.runtime.cors import allow_origins  # noqa: E402
from shared.runtime.protocol import BoundedProtocol  # noqa: E402


def serve() -> None:
    """Serve FUNCTION_TARGET from FUNCTION_SOURCE on HOST:PORT until SIGTERM, then let requests finish."""
    target = os.environ.get("FUNCTION_TARGET") or os.environ["K_SERVICE"]
    source = os.environ.get("FUNCTION_SOURCE") or f"functions/{target}/main.py"
    app = make_app(target, source)
    served = _add_tracing(app, target)
    gc.enable()
    gc.freeze()
    uvicorn.run(
        served,
        host=os.environ.get("HOST", "0.0.0.0"),  # noqa: S104  Knative's proxy may come by any address of the pod
        port=int(os.environ.get("PORT", "8080")),
        loop="uvloop",
        http=BoundedProtocol,
        ws="none",
        lifespan="off" if served is app else "on",
        log_level="warning",
        access_log=False,
        server_header=False,
        headers=security_headers(os.environ),
        timeout_keep_alive=75,  # longer than the proxy in front keeps an idle connection
        timeout_graceful_shutdown=30,
    )


def security_headers(environment: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the headers of every response; HSTS_SECONDS is for installations that serve TLS only."""
    headers = [("X-Content-Type-Options", "nosniff")]
    if seconds := environment.get("HSTS_SECONDS"):
        headers.append(("Strict-Transport-Security", f"max-age={int(seconds)}; includeSubDomains"))
    return headers


def make_app(target: str, source: str, environment: Mapping[str, str] = os.environ) -> Any:
    """Return the ASGI application of the function *target* in the file *source*."""
    app = create_asgi_app(target, source, "http")
    app.add_exception_handler(HTTPException, framework_error)
    # The framework itself answers 404 here before the function is called: the page has a file for robots.
    refused = {"/robots.txt", "/favicon.ico"}
    routes = [route for route in app.router.routes if getattr(route, "path", "") not in refused]
    app.router.routes[:] = [Route("/healthz", _alive), *routes]
    return allow_origins(app, target, environment.get("CORS_ORIGINS", ""))


async def _alive(_: Request) -> Response:
    """Respond to a liveness probe: the event loop runs. No database is queried, since a restart would not repair it."""
    return Response(status_code=204)


def _add_tracing(app: Any, service: str) -> Any:
    """Return *app* with a span for each request if a receiver of spans is configured."""
    endpoint = os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if not endpoint:
        return app
    from shared.runtime.tracing import TracingMiddleware

    return TracingMiddleware(app, endpoint, os.environ.get("OTEL_EXPORTER_OTLP_HEADERS", ""), service)


if __name__ == "__main__":
    serve()
