"""Connection parameters of every process, and single connections for Jobs and the command line."""

from typing import Any

from psycopg import Connection, connect
from psycopg.conninfo import conninfo_to_dict

_CONNECT_SECONDS = 10


def connection_parameters(url: str, connect_timeout: int = _CONNECT_SECONDS) -> dict[str, Any]:
    """Return the parameters for psycopg. Those in *url* take precedence.

    No statement stays prepared: a pooler may give each transaction another server.
    """
    defaults = {"connect_timeout": connect_timeout, "client_encoding": "UTF8"}
    return {"autocommit": True, "prepare_threshold": None, **defaults, **conninfo_to_dict(url)}


def connect_once(url: str) -> Connection:
    """Return a new connection to the database at *url*, with autocommit."""
    return connect(**connection_parameters(url))
