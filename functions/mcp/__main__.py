"""MCP server over standard input and output, for assistants that start their own: `python -m functions.mcp --stdio`.

It reads from any deployment. The environment variable STOCKSALOT_TOKEN holds a token, if there is one.
"""

import argparse
import logging
import os
import sys
from urllib.parse import urlsplit

import anyio
from mcp.server.stdio import stdio_server

from functions.mcp.client import Client
from functions.mcp.server import make_server
from functions.mcp.tools import Tools

_LOCAL = "http://localhost:8080/api"


def main() -> None:
    """Serve until standard input ends."""
    arguments = _read_arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    token = os.environ.get("STOCKSALOT_TOKEN", "").strip()
    client = Client(arguments.url, {"Authorization": f"Bearer {token}"} if token else None)
    server = make_server(Tools(client, client))

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def _read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m functions.mcp", description="MCP server for one AI assistant.")
    parser.add_argument("--stdio", action="store_true", required=True, help="talk over standard input and output")
    parser.add_argument("--url", default=_LOCAL, type=_url, help="address of the API (default: %(default)s)")
    return parser.parse_args()


def _url(text: str) -> str:
    """Return *text*; ArgumentTypeError unless it is the address of an API."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text} should be an address such as {_LOCAL}")
    return text.rstrip("/")


if __name__ == "__main__":
    main()
