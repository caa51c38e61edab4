"""Faults of the connection, below what a vendor says: hang, reset, cut off, the wrong body."""

import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator

from flask import Response, request

from tests.fakes.market_data.faults import Fault

HTML = "<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Checking your browser</body></html>"
ERROR_500 = '{"code":500,"message":"Internal server error","status":"error"}'

closing = threading.Event()
"""Ends all that hangs, when the server does."""


def apply_fault(fault: Fault, answer: Callable[[], Response]) -> Response | None:
    """Return the answer that *fault* makes of *answer*, None when it is no fault of the connection."""
    match fault.kind:
        case "timeout":
            closing.wait(fault.options.get("seconds", 30))
            return Response(_reset(), 200)
        case "slow":
            closing.wait(fault.options.get("seconds", 0.5))
            return answer()
        case "reset":
            return Response(_reset(), 200)
        case "truncated":
            whole = answer()
            body = whole.get_data()
            headers = {name: value for name, value in whole.headers.items() if name != "Content-Length"}
            return Response(body[: len(body) // 2], whole.status_code, headers)
        case "empty_body":
            return Response(b"", 200, content_type="application/json")
        case "html_200":
            return Response(HTML, 200, content_type="text/html")
        case "bad_gateway":
            return Response(HTML, 502, content_type="text/html")
        case "error_500":
            return Response(ERROR_500, 500, content_type="application/json")
        case _:
            return None


def _reset() -> Iterator[bytes]:
    """Reset the connection instead of a body: before the first byte nothing has been sent."""
    connection: socket.socket = request.environ["werkzeug.socket"]

    def body() -> Iterator[bytes]:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # The server still reads from its descriptor: there it finds an ended connection, and the client gets its reset.
        ended, other = socket.socketpair()
        with ended, other:
            os.dup2(ended.fileno(), connection.fileno())
        raise ConnectionResetError
        yield b""

    return body()
