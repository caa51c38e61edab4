"""Requests to the api that several tests make."""

import time

import redis

from tests.accounts import bearer
from tests.reading import Api
from tests.waiting import wait_until

PATHS = ("/", "/tickers", "/tickers/AAPL", "/latest", "/ohlc", "/ohlc/AAPL", "/movers", "/market_movers", "/coverage",
         "/status", "/openapi.json", "/docs")  # fmt: skip
HISTORY = {"ANONYMOUS_HISTORY_DAYS": "30"}
REVISE = "UPDATE bars SET close = close + 0.01, revision = revision + 1"


def revision(api: Api, path: str = "/latest") -> int:
    """The revision that an answer shows."""
    return api.items(path)[0]["revision"]


def wait_until_kept(redis_url: str) -> None:
    """Return when Redis keeps an answer: the first of a copy comes there once the client is loaded."""
    with redis.Redis.from_url(redis_url) as client:
        wait_until(lambda: client.keys("*:api:*"))


def status(api: Api, token: str, path: str = "/latest") -> int:
    """How a request with *token* is answered."""
    return api.client.get(path, headers=bearer(token)).status_code


def until_refused(apis: list[Api], token: str) -> float:
    """Seconds until all copies, asked without pause, refuse *token*."""
    began = time.monotonic()
    waiting = list(apis)
    while waiting:
        waiting = [api for api in waiting if status(api, token) != 401]
        assert time.monotonic() - began < 15
    return time.monotonic() - began
