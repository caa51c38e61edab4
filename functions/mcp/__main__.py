"""MCP server over standard input and output, started by an assistant: `python -m functions.mcp --stdio`.

It reads from any deployment. The environment variable STOCKSALOT_TOKEN holds a token, if there is one.
"""

import argparse
import logging
import sys
from dataclasses import replace
from urllib.parse import urlsplit

import anyio
from mcp.server.stdio import stdio_server

from functions.mcp.client import Client
from functions.mcp.server import make_server
from functions.mcp.settings import StdioSettings
from functions.mcp.tools import Tools
from shared.runtime.settings import read_settings


def main() -> None:
    """Serve until standard input ends."""
    settings = _read_settings()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    token = settings.stocksalot_token
    headers = {"Authorization": f"Bearer {token.reveal()}"} if token else None
    client = Client(settings.stocksalot_url, headers, f"StocksALot at {urlsplit(settings.stocksalot_url).hostname}")
    server = make_server(Tools(client, client, client))

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    anyio.run(serve)


def _read_settings() -> StdioSettings:
    """Return the settings of the environment and the command line; SystemExit with a sentence if one is invalid."""
    parser = argparse.ArgumentParser("python -m functions.mcp", description="MCP server for one AI assistant.")
    parser.add_argument("--stdio", action="store_true", required=True, help="talk over standard input and output")
    parser.add_argument("--url", help=f"address of the API (STOCKSALOT_URL, or {StdioSettings.stocksalot_url})")
    url = parser.parse_args().url
    try:
        settings = read_settings(StdioSettings)
        if url is not None:
            settings = replace(settings, stocksalot_url=url)
            settings.check()
    except ValueError as error:
        parser.error(str(error))
    return settings


if __name__ == "__main__":
    main()
