"""Memory of the response cache: bounded in bytes, keys included."""

from datetime import UTC, datetime
from typing import Any, cast

from shared.cache.cached_response import CachedResponse, PreparedResponse
from shared.cache.response_cache import ResponseCache
from shared.http.response_data import ResponseData

_LARGEST = 17 * 1024 * 1024


def test_keys_count_towards_the_bound() -> None:
    """A caller with a different long Accept header in each request fills no more than the bound."""
    nothing = cast("Any", None)
    cache = ResponseCache(nothing, nothing, "test:")
    prepared = PreparedResponse(CachedResponse(ResponseData(b"{}"), 1), datetime.now(UTC))

    for number in range(2000):
        cache._remember((b"/tickers/NVDA", b"", b"%d" % number + b"x" * 30_000, False), prepared)

    keys = [key for key in cache._memory if isinstance(key, tuple)]
    assert sum(len(key[2]) for key in keys) < _LARGEST
    assert len(keys) > 100
