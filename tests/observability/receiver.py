"""Something that functions send to: it takes whatever is posted, over real HTTP, and keeps it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Taken(NamedTuple):
    """A request that came: its header names are in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


class Receiver:
    """Records requests and responds with the configured status."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.taken: list[Taken] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.taken.append(Taken(self.path, headers, body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def spans(self) -> list[dict[str, Any]]:
        """Spans received as OTLP/HTTP in JSON, each with the service that sent it."""
        return [
            {**span, "service": service["value"]["stringValue"]}
            for one in self.taken
            for resource in json.loads(one.body)["resourceSpans"]
            for service in resource["resource"]["attributes"]
            for scoped in resource["scopeSpans"]
            for span in scoped["spans"]
        ]
