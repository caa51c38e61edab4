"""Ranges of bytes in a request (RFC 9110, section 14): one range, or the whole file."""

import re
from typing import NamedTuple

_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]*)-([0-9]*)\s*", re.IGNORECASE)
_MAX_LENGTH = 100
"""Of the header: it bounds the digits, and a number beyond any size is beyond the end."""


class ByteRange(NamedTuple):
    """Bytes from *first* to *last*, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Number of bytes."""
        return self.last - self.first + 1


class UnsatisfiableError(ValueError):
    """The range begins after the end of the file."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """Return the range of a file of *size* bytes that *header* asks for; None for the whole file.

    A header that is malformed, or lists several ranges, counts as absent. UnsatisfiableError for a range without bytes.
    """
    match = _RANGE.fullmatch(header) if header and len(header) <= _MAX_LENGTH else None
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        if not length:
            raise UnsatisfiableError
        return ByteRange(size - length, size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise UnsatisfiableError
    return ByteRange(int(first), min(int(last), size - 1) if last else size - 1)
