"""Log: one JSON object a line, with the trace of its tick or request."""

import json
import logging
import os
import sys
from contextvars import ContextVar
from datetime import UTC, datetime

TRACEPARENT: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""W3C Trace Context of the current request."""
REQUEST_ID: ContextVar[str | None] = ContextVar("request id", default=None)


_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
"""Settings, which are read later, refuse any other level."""


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "trace": trace_id(),
            "request": REQUEST_ID.get(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps({key: value for key, value in line.items() if value is not None})


def configure() -> None:
    """Log to standard output at LOG_LEVEL, INFO by default."""
    level = os.environ.get("LOG_LEVEL", "")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level if level in _LEVELS else "INFO", handlers=[handler], force=True)
    # At INFO these log every request with its address.
    for verbose in ("httpx", "httpcore", "psycopg.pool"):
        logging.getLogger(verbose).setLevel(logging.WARNING)


def trace_id() -> str | None:
    """Return the trace id (32 hex digits) of the current request."""
    parts = (TRACEPARENT.get() or "").split("-")
    return parts[1] if len(parts) == 4 and len(parts[1]) == 32 else None
