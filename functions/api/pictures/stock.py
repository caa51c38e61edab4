"""/picture/{ticker}: name, price, change and chart of a stock as a picture for previews of its links."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from psycopg import AsyncConnection

from functions.api.absence import nothing_stored
from functions.api.embed import select_closes
from functions.api.latest import select_latest
from functions.api.market_state import MarketState
from functions.api.pictures.drawing import (
    INK_2,
    INK_3,
    MARGIN,
    WIDTH,
    chart,
    frame,
    pill,
    shorten,
    text,
    text_width,
)
from functions.api.pictures.response import picture
from functions.api.quote_text import instant_text, percent_text, price_text, source_text
from shared.http.problem import Problem
from shared.http.response_data import ResponseData

_LONGEST_NAME = 44
_PRICE = 112


async def respond_stock_picture(connection: AsyncConnection, state: MarketState, ticker: str) -> ResponseData:
    """Return the picture of *ticker*; Problem 404 without a bar."""
    rows = await select_latest(connection, [ticker])
    if not rows.count:
        reason = nothing_stored(state, [ticker])
        raise Problem(404, "no-bar", "No bar", f"{reason['text']}", reason=reason)
    bar = json.loads(rows.text, parse_float=Decimal, parse_int=Decimal)
    is_late = any(status.behind for status in state.tickers if status.ticker == ticker)
    closes = await select_closes(connection, ticker)
    return picture(draw_stock(bar, closes, is_late=is_late), state)


def draw_stock(bar: dict[str, Any], closes: Sequence[Decimal | None], *, is_late: bool) -> str:
    """Return the picture of an item of /latest and its newest hourly closes as SVG."""
    price, previous = f"${price_text(bar['close'])}", bar["previous_close"]
    content = (
        text(MARGIN, 178, 60, bar["ticker"], weight=600)
        + text(MARGIN, 226, 32, shorten(bar["name"], _LONGEST_NAME), INK_2)
        + text(MARGIN, 350, _PRICE, price, weight=600)
        + chart(closes, previous, 404, 524)
    )
    if bar["change"] is not None:
        content += pill(
            MARGIN + text_width(price, _PRICE) + 32, 288, bar["change"], percent_text(bar["change_percent"])
        )
        content += text(WIDTH - MARGIN, 226, 26, f"Previous close {price_text(previous)}", INK_3, anchor="end")
    footer = f"As of {instant_text(bar['end'])}. Source: {source_text(bar['source'])}."
    note = "A newer hour is late" if is_late else "Simulated prices" if bar["source"] == "simulated" else ""
    return frame(content, footer, note)
