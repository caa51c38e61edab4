"""/picture: the market of the tracked stocks as a picture for previews of links to the home page."""

import json
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection

from functions.api.absence import nothing_stored
from functions.api.latest import select_latest
from functions.api.market_state import MarketState
from functions.api.pictures.drawing import (
    DOWN_FILL,
    HEIGHT,
    INK_2,
    INK_3,
    LINE,
    MARGIN,
    UP_FILL,
    WIDTH,
    frame,
    pill,
    shorten,
    text,
)  # fmt: skip
from functions.api.pictures.response import picture
from functions.api.quote_text import instant_text, percent_text, source_text
from shared.http.response_data import JsonRows, ResponseData, source_of

_BAR_TOP, _BAR_HEIGHT = 292, 20
_LONGEST_NAME = 26


async def respond_market_picture(connection: AsyncConnection, state: MarketState) -> ResponseData:
    """Return the picture of the market; without a bar it says why there is none."""
    rows = await select_latest(connection)
    said = "" if rows.count else f"{nothing_stored(state, None)['text']}"
    return picture(draw_market(rows, said), state)


def draw_market(rows: JsonRows, said: str = "") -> str:
    """Return the picture of the items of /latest as SVG; *said* stands in their place where there are none."""
    items = json.loads(f"[{rows.text}]", parse_float=Decimal, parse_int=Decimal)
    newest = [item for item in items if item["is_newest"] and item["change"] is not None]
    if not newest:
        return frame(text(MARGIN, 300, 40, shorten(said or "No stock has a change yet.", 52), INK_2), "No bar yet.")
    up, down = (sum(1 for item in newest if sign * item["change"] > 0) for sign in (1, -1))
    ranked = sorted(newest, key=lambda item: item["change_percent"])
    source = source_of(item["source"] for item in newest) or ""
    content = (
        text(MARGIN, 206, 64, f"{up} of {_counted(len(newest))} {_verb(up)} up", weight=600)
        + text(MARGIN, 254, 30, f"{down} {_verb(down)} down since the previous close", INK_2)
        + _proportions(up, down, len(newest))
        + _mover(ranked[-1], MARGIN, _title(ranked[-1]["change"], "Largest rise", "Smallest fall"))
    )
    if len(ranked) > 1:
        content += _mover(ranked[0], WIDTH // 2 + 24, _title(ranked[0]["change"], "Smallest rise", "Largest fall"))
    footer = f"As of {instant_text(newest[0]['end'])}. Source: {source_text(source)}."
    return frame(content, footer, "Simulated prices" if source == "simulated" else "")


def _counted(count: int) -> str:
    return "1 stock" if count == 1 else f"{count} stocks"


def _verb(count: int) -> str:
    return "is" if count == 1 else "are"


def _title(change: Decimal, rise: str, fall: str) -> str:
    return rise if change > 0 else fall if change < 0 else "Unchanged"


def _proportions(up: int, down: int, count: int) -> str:
    """Return a bar whose parts are the stocks that rose, that stayed, and that fell."""
    whole = WIDTH - 2 * MARGIN
    left, right = whole * up / count, whole * down / count
    box = f'y="{_BAR_TOP}" height="{_BAR_HEIGHT}"'
    return (
        f'<clipPath id="bar"><rect x="{MARGIN}" {box} width="{whole}" rx="10"/></clipPath><g clip-path="url(#bar)">'
        f'<rect x="{MARGIN}" {box} width="{whole}" fill="{LINE}"/>'
        f'<rect x="{MARGIN}" {box} width="{left:.1f}" fill="{UP_FILL}"/>'
        f'<rect x="{WIDTH - MARGIN - right:.1f}" {box} width="{right:.1f}" fill="{DOWN_FILL}"/></g>'
    )


def _mover(item: dict[str, Any], x: int, title: str) -> str:
    y = HEIGHT - 246
    return (
        text(x, y, 26, title, INK_3)
        + text(x, y + 56, 48, item["ticker"], weight=600)
        + text(x, y + 98, 26, shorten(item["name"], _LONGEST_NAME), INK_2)
        + pill(x + 240, y + 2, item["change"], percent_text(item["change_percent"]))
    )
