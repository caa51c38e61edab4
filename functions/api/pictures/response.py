"""Response with a picture, which pages of any site may show: SVG at first, PNG once it is drawn."""

from dataclasses import replace

from functions.api.market_state import MarketState
from functions.api.pictures.render import render
from shared.http.problem import Problem
from shared.http.response_data import ResponseData

_HEADERS = (("Cross-Origin-Resource-Policy", "cross-origin"),)


def picture(svg: str, state: MarketState) -> ResponseData:
    """Return the response with *svg*, as fresh as /latest."""
    return ResponseData(svg.encode(), "image/svg+xml", next_update_at=state.next_update_at, headers=_HEADERS)


async def draw(data: ResponseData) -> ResponseData:
    """Return the response of `picture` with the PNG file; Problem 503 when others are drawn for too long before it."""
    try:
        return replace(data, body=await render(data.body), media_type="image/png")
    except TimeoutError:
        detail = "Too many pictures wait to be drawn. Try again in 5 s."
        raise Problem(503, "busy", "Busy", detail, headers={"Retry-After": "5"}) from None
