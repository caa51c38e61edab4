"""ntfy server: what alerts sent to a service of Apprise, to be seen in a run against the fakes."""

from collections import deque
from typing import Any

from flask import Blueprint, Response, jsonify, request

_MOST = 1000


def ntfy_blueprint() -> Blueprint:
    """Return the path that ntfy publishes at, `POST /`; `GET /ntfy` lists what came, `DELETE` forgets it.

    A topic that is a number of HTTP, such as 500, is answered with it.
    """
    blueprint = Blueprint("ntfy", __name__)
    messages: deque[dict[str, Any]] = deque(maxlen=_MOST)

    @blueprint.post("/")
    def receive() -> tuple[Response, int]:
        message = request.get_json()
        topic = str(message["topic"])
        status = int(topic) if topic.isdecimal() else 200
        messages.append({"status": status, "login": request.headers.get("Authorization") is not None, **message})
        return jsonify(id=f"{len(messages)}", event="message", topic=topic), status

    @blueprint.get("/ntfy")
    def shown() -> Response:
        return jsonify(count=len(messages), items=list(messages))

    @blueprint.delete("/ntfy")
    def forget() -> tuple[str, int]:
        messages.clear()
        return "", 204

    return blueprint
