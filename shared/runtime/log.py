"""Log lines as JSON objects that carry the trace of the tick or request they belong to."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_trace: ContextVar[str | None] = ContextVar("trace", default=None)
_request: ContextVar[str | None] = ContextVar("request", default=None)


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "trace": trace_id(),
            "request": _request.get(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in line.items() if value is not None})


def configure() -> None:
    """Send everything from INFO up to standard output, one JSON object a line."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # These tell of every request, with its address: none of our business at INFO.
    for chatty in ("httpx", "httpcore", "psycopg.pool"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


@contextmanager
def context(traceparent: str | None, request_id: str | None) -> Iterator[None]:
    """Within this block, log lines carry the trace of *traceparent* (W3C Trace Context) and *request_id*."""
    trace, request = _trace.set(traceparent), _request.set(request_id)
    try:
        yield
    finally:
        _trace.reset(trace)
        _request.reset(request)


def traceparent() -> str | None:
    """Return the W3C traceparent of what is being worked on, to hand on with what comes of it."""
    return _trace.get()


def trace_id() -> str | None:
    """Return the trace id (32 hex digits) of what is being worked on."""
    parts = (_trace.get() or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None
