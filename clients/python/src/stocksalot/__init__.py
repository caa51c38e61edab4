"""Client of a StocksALot deployment, synchronous (`Client`) and asynchronous (`AsyncClient`)."""

from stocksalot.async_client import AsyncClient
from stocksalot.client import Client
from stocksalot.errors import (
    BadRequestError,
    ConnectionFailedError,
    ForbiddenError,
    NotFoundError,
    StocksALotError,
    TooManyRequestsError,
    UnavailableError,
)
from stocksalot.response import Response

__all__ = [
    "AsyncClient",
    "BadRequestError",
    "Client",
    "ConnectionFailedError",
    "ForbiddenError",
    "NotFoundError",
    "Response",
    "StocksALotError",
    "TooManyRequestsError",
    "UnavailableError",
]
