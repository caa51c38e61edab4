"""Receiver of webhooks: what alerts sent, to be seen in a run against the fakes."""

from collections import deque
from typing import Any

from flask import Blueprint, Response, jsonify, request

_MOST = 1000
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def hooks_blueprint() -> Blueprint:
    """Return the paths below /hooks; the newest thousand messages are kept."""
    blueprint = Blueprint("hooks", __name__)
    messages: deque[dict[str, Any]] = deque(maxlen=_MOST)

    @blueprint.post("/hooks")
    @blueprint.post("/hooks/<path:name>")
    def receive(name: str = "") -> tuple[str, int]:
        headers = {header: request.headers.get(header) for header in _HEADERS}
        messages.append({"path": name, **headers, "body": request.get_json(silent=True)})
        return "", 204

    @blueprint.get("/hooks")
    def shown() -> Response:
        return jsonify(count=len(messages), items=list(messages))

    @blueprint.delete("/hooks")
    def forget() -> tuple[str, int]:
        messages.clear()
        return "", 204

    return blueprint
