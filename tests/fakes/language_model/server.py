"""/v1/responses and /v1/chat/completions as OpenAI has them, and controls that it has not: /misbehave and /calls."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from tests.fakes.language_model import faults
from tests.fakes.language_model.wire import as_completion, as_response
from tests.fakes.language_model.writer import write

_CHARACTERS_A_TOKEN = 4


@dataclass
class Fake:
    """Faults of the server, and the requests it got."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    kind: str | None = None
    times: int | None = None
    seconds: float = 60
    _lock: Lock = field(default_factory=Lock)

    def misbehave(self, kind: str, times: int | None = None, seconds: float = 60) -> None:
        """Do *kind* wrong in the next *times* calls, or from now on; ValueError when there is no such kind."""
        if kind not in faults.KINDS:
            raise ValueError(f"no such kind: there are {', '.join(sorted(faults.KINDS))}")
        self.kind, self.times, self.seconds = kind, times, seconds

    def behave(self) -> None:
        """Do nothing wrong any more."""
        self.kind = None

    def next_kind(self, path: str, body: dict[str, Any]) -> str | None:
        """Note a call, and return what is to go wrong with it."""
        with self._lock:
            self.calls.append({"path": path, "model": body.get("model"), "body": body})
            if self.kind is None or self.times == 0:
                return None
            if self.times is not None:
                self.times -= 1
            return self.kind


def create_model(fake: Fake) -> Flask:
    """Return the application. A request that OpenAI would refuse is refused: no key, no strict schema."""
    app = Flask(__name__)

    @app.get("/v1/models")
    def models() -> Response:
        return jsonify(object="list", data=[{"id": "fake-1", "object": "model"}])

    @app.post("/v1/responses")
    def responses() -> Response:
        body = request.get_json()
        if body.get("store") is not False or not body.get("max_output_tokens"):
            return _error(400, "store must be false and max_output_tokens given")
        return _answer(fake, body, [_text(turn["content"]) for turn in body["input"]], as_response)

    @app.post("/v1/chat/completions")
    def completions() -> Response:
        body = request.get_json()
        if not body.get("max_tokens") and not body.get("max_completion_tokens"):
            return _error(400, "max_tokens must be given")
        return _answer(fake, body, [_text(turn["content"]) for turn in body["messages"]], as_completion)

    @app.post("/misbehave")
    def misbehave() -> Response:
        order = request.get_json()
        try:
            fake.misbehave(order["kind"], order.get("times"), order.get("seconds", 60))
        except ValueError as error:
            return _error(400, str(error))
        return jsonify(ordered=True)

    @app.delete("/misbehave")
    def behave() -> tuple[str, int]:
        fake.behave()
        return "", 204

    @app.get("/calls")
    def calls() -> Response:
        return jsonify(calls=[{"path": call["path"], "model": call["model"]} for call in fake.calls])

    return app


def _answer(fake: Fake, body: dict[str, Any], texts: list[str], shape: Any) -> Response:
    if not request.headers.get("authorization", "").removeprefix("Bearer ").strip():
        return _error(401, "no key")
    kind = fake.next_kind(request.path, body)
    if kind == "stall":
        time.sleep(fake.seconds)
    if refused := faults.refusal_of(kind, request.path, body):
        return _error(*refused)
    if kind == "html":
        return Response("<html><body>A captive portal</body></html>", 200, content_type="text/html")
    if kind == "not_json":
        return Response("not at all", 200, content_type="application/json")
    if kind == "reset":
        request.environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    text = _written(texts, kind)
    usage = (sum(map(len, texts)) // _CHARACTERS_A_TOKEN, len(text) // _CHARACTERS_A_TOKEN)
    return jsonify(shape(body, text, usage, kind))


def _written(texts: list[str], kind: str | None) -> str:
    sentences = write(texts)
    if kind in faults.WORDS:
        sentences = {number: faults.WORDS[kind](text) for number, text in sentences.items()}
    if kind in faults.LISTS:
        sentences = faults.LISTS[kind](sentences)
    if kind in faults.SHAPES:
        return faults.SHAPES[kind](sentences)
    text = json.dumps(sentences)
    if kind in ("truncate", "truncate_silently"):
        return text[: len(text) // 2]
    if kind == "ignore_schema":
        return "Stocks went up by about 3% today, led by Enron. Buy now!"
    return json.dumps({"answers": ["up 3%"]}) if kind == "other_schema" else text


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content)


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    response = jsonify(error={"message": message, "type": "fake_error", "param": None, "code": None})
    response.status_code = status
    response.headers.extend(headers or {})
    return response


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Write nothing: /calls lists the requests, without keys."""


def bind(fake: Fake, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """Return a server that listens already; `serve_forever()` serves, its `port` is one chosen by the system."""
    return make_server(host, port, create_model(fake), threaded=True, request_handler=_Quiet)


@contextmanager
def serving(fake: Fake, port: int = 0) -> Iterator[str]:
    """Serve *fake* from a thread; yield the base URL that the SDK is given."""
    server = bind(fake, port=port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}/v1"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
