"""Response with a picture, which pages of any site may show."""

from functions.api.market_state import MarketState
from shared.http.response_data import ResponseData

_HEADERS = (("Cross-Origin-Resource-Policy", "cross-origin"),)


def picture(body: bytes, state: MarketState) -> ResponseData:
    """Return the response with the PNG file *body*, as fresh as /latest."""
    return ResponseData(body, "image/png", next_update_at=state.next_update_at, headers=_HEADERS)
