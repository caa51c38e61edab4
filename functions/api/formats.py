"""Formats of a table, and the response in each."""

import asyncio
import json
from collections.abc import Mapping, Sequence

from functions.api.arrow import ARROW, arrow_body
from functions.api.parameters import Query, Table, TickerBars, TickerLatest
from functions.api.tables import CSV, NDJSON, csv_body, ndjson_body
from shared.http.response_data import ResponseData, json_body, reason_until

TEXT = "text/plain; charset=utf-8"
MEDIA_TYPES = (("json", "application/json"), ("csv", "text/csv"), ("ndjson", NDJSON), ("arrow", ARROW))
"""The formats of bars, the usual one first, with their names in an Accept header; other tables lack the last."""


def negotiable_formats(query: Query) -> tuple[tuple[str, str], ...]:
    """Return the formats that an Accept header may choose for *query*, none where there is one format alone."""
    if isinstance(query, TickerBars):
        return MEDIA_TYPES
    if isinstance(query, TickerLatest):
        # Only one field has a form as text.
        return (*MEDIA_TYPES[:3], ("text", "text/plain")) if len(query.fields or ()) == 1 else MEDIA_TYPES[:3]
    return MEDIA_TYPES[:3] if isinstance(query, Table) else ()


async def table_response(
    form: str | None,
    members: Mapping[str, object],
    text: str,
    columns: Sequence[str],
    file: str,
    headers: Sequence[tuple[str, str]] = (),
) -> ResponseData:
    """Return *text* (JSON objects, one a line, comma between) as json, csv, ndjson, arrow, or text.

    text is the value of the one column of the one row. Where there is no room for *members*, headers have the time, the
    source and the reason for an empty table; *file* is the name, without its ending, under which it is saved.
    Problem 406 for a form that is not installed.
    """
    reason = members.get("reason")
    until = reason_until(reason if isinstance(reason, dict) else None)
    if form in (None, "json"):
        return ResponseData(json_body(members, text), valid_until=until, headers=tuple(headers))
    headers = (
        *headers,
        ("X-As-Of", f"{members.get('as_of') or ''}"),
        ("X-Source", f"{members.get('source') or ''}"),
        *([("X-Reason", f"{reason['code']}")] if isinstance(reason, dict) else ()),
        *([("Content-Disposition", f'attachment; filename="{file}.{form}"')] if form != "text" else ()),
    )
    if form == "text":
        value = json.loads(text, parse_float=str, parse_int=str)[columns[0]]
        text = "" if value is None else str(value).lower() if isinstance(value, bool) else value
        return ResponseData(f"{text}\n".encode(), TEXT, headers=headers)
    if form == "ndjson":
        return ResponseData(ndjson_body(text), NDJSON, until, headers=headers)
    if form == "csv":
        return ResponseData(csv_body(text, columns), CSV, until, headers=headers)
    body = await asyncio.to_thread(arrow_body, text, columns)
    return ResponseData(body, ARROW, until, headers=headers)
