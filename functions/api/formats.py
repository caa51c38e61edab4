"""Export formats of a table, and the function that writes each."""

import asyncio

from functions.api.columns import ARROW, arrow_body
from functions.api.tables import CSV, NDJSON, csv_body, ndjson_body

MEDIA_TYPES = (("json", "application/json"), ("csv", "text/csv"), ("ndjson", NDJSON), ("arrow", ARROW))
"""The formats of tables, the usual one first, and what they are called in an Accept header."""


async def table_body(form: str, text: str, interval: str) -> tuple[bytes, str]:
    """Return *text* (JSON objects, one a line, comma between) as csv, ndjson or arrow, and the media type of that.

    Problem 406 for a form that is not installed.
    """
    if form == "ndjson":
        return ndjson_body(text), NDJSON
    if form == "csv":
        return csv_body(text, interval), CSV
    return await asyncio.to_thread(arrow_body, text, interval), ARROW
