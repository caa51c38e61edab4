"""Rules of a request that both clients share: headers, retries, entity tags, errors. Nothing here waits or sends."""

import json
import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import httpx

from stocksalot.errors import ConnectionFailedError, error_of, retry_after
from stocksalot.response import Response

_CACHE_BYTES = 16 * 1024 * 1024
_USER_AGENT = "stocksalot-python/0.2.0"


@dataclass(frozen=True)
class Options:
    """Settings of a client: its token, *retries* of a request, and the longest wait before one in seconds."""

    token: str | None
    retries: int
    most_wait: float

    @property
    def headers(self) -> dict[str, str]:
        """Headers of every request."""
        token = self.token or os.environ.get("STOCKSALOT_TOKEN")
        return {"User-Agent": _USER_AGENT, **({"Authorization": f"Bearer {token}"} if token else {})}


class Exchange:
    """Cache of answers by address, with their entity tags, and the decision between an answer, an error and a retry."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._kept: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._bytes = 0

    def headers(self, url: str) -> dict[str, str]:
        """Return headers that ask for *url* only if it has changed."""
        return {"If-None-Match": self._kept[url][0]} if url in self._kept else {}

    def wait(self, answer: httpx.Response | httpx.TransportError, attempt: int) -> float | None:
        """Return the seconds to wait before another *attempt*; None when there is none: the answer stands."""
        if attempt >= self._options.retries:
            return None
        if isinstance(answer, httpx.TransportError):
            return min(0.2 * 2**attempt, self._options.most_wait)
        if answer.status_code not in (429, 502, 503, 504):
            return None
        asked = retry_after(answer)
        seconds = 0.2 * 2**attempt if asked is None else asked
        return seconds if seconds <= self._options.most_wait else None

    def receive(self, url: str, answer: httpx.Response | httpx.TransportError) -> Response[Any]:
        """Return the answer to *url*; raise its error."""
        if isinstance(answer, httpx.TransportError):
            raise ConnectionFailedError(f"{httpx.URL(url).host} does not respond: {answer}") from answer
        if answer.status_code == 304 and url in self._kept:
            self._kept.move_to_end(url)
            tag, body = self._kept[url]
        elif answer.is_success:
            tag, body = answer.headers.get("etag", ""), answer.content
            self._keep(url, tag, body)
        else:
            raise error_of(answer)
        return Response(json.loads(body, parse_float=Decimal), tag or None)

    def _keep(self, url: str, tag: str, body: bytes) -> None:
        if url in self._kept:
            self._bytes -= len(self._kept.pop(url)[1])
        if not tag or len(body) > _CACHE_BYTES:
            return
        self._kept[url] = tag, body
        self._bytes += len(body)
        while self._bytes > _CACHE_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1][1])


def parameters(values: Mapping[str, object]) -> dict[str, str]:
    """Return *values* as a query has them, without those that are None: lists by comma, instants with their offset."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, datetime):
            if value.tzinfo is None:
                raise ValueError(f"{name} needs a time zone")
            found[name] = value.isoformat()
        elif isinstance(value, str | int):
            found[name] = str(value)
        elif isinstance(value, date):
            found[name] = value.isoformat()
        elif isinstance(value, Iterable):
            found[name] = ",".join(map(str, value))
        else:
            raise TypeError(f"{name} should be text, a number, a day, an instant, or a list of texts")
    return found
