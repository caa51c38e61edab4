"""Content negotiation: the header fields Accept and Accept-Encoding, parsed in linear time and up to a limit."""

from functools import lru_cache

_MAX_HEADER = 1024
"""Longer values count as absent, so that the caches below stay small."""


def accepts_gzip(accept_encoding: bytes) -> bool:
    """Return whether the header Accept-Encoding prefers gzip to the plain bytes."""
    return len(accept_encoding) <= _MAX_HEADER and _accepts_gzip(accept_encoding)


def negotiate(accept: bytes, formats: tuple[tuple[str, str], ...]) -> str:
    """Return the name in *formats* (name, media type) preferred by Accept; the first if none matches or on a tie."""
    return _negotiate(accept, formats) if len(accept) <= _MAX_HEADER else formats[0][0]


@lru_cache(maxsize=256)
def _accepts_gzip(accept_encoding: bytes) -> bool:
    weights = _weights(accept_encoding)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0)))
    return gzip > 0 and gzip >= weights.get("identity", 0)


@lru_cache(maxsize=256)
def _negotiate(accept: bytes, formats: tuple[tuple[str, str], ...]) -> str:
    weights = _weights(accept)

    def weight(media_type: str) -> float:
        main, _, _ = media_type.partition("/")
        return weights.get(media_type, weights.get(f"{main}/*", weights.get("*/*", 0)))

    return max(formats, key=lambda one: weight(one[1]))[0]


def _weights(header: bytes) -> dict[str, float]:
    """Return the weight of each value of the list *header*: its parameter q, else 1."""
    weights: dict[str, float] = {}
    for item in header.decode("latin-1").lower().split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        weight = next((text for key, _, text in (p.partition("=") for p in parameters) if key.strip() == "q"), "1")
        try:
            weights[name] = min(max(float(weight), 0.0), 1.0)
        except ValueError:
            weights[name] = 0.0
    return weights
