"""An answer before HTTP: its bytes, what it rests on, and how long it holds."""

import json
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

_WORTH_COMPRESSING = 1024
_FRESH = b'"stale":false'
_STALE = b'"stale":true'


@dataclass(frozen=True, slots=True)
class ResponseData:
    """What is sent for one question, whoever asks it and however they want it packed.

    *changes_at*: from then on the clock alone makes it wrong. *due*: from then on new data may come at any moment.
    """

    body: bytes
    media_type: str = "application/json"
    changes_at: datetime | None = None
    due: datetime | None = None
    max_age: int | None = None
    """Seconds that a reader may keep it, where that does not hang on *due*."""
    headers: tuple[tuple[str, str], ...] = ()


class CachedResponse:
    """An answer as caches hold it: with its tag, its compressed form, and the market epoch it was true for."""

    __slots__ = ("answer", "epoch", "packed", "tag")

    def __init__(self, answer: ResponseData, epoch: int | None, packed: bytes | None = None) -> None:
        self.answer = answer
        self.epoch = epoch
        self.tag = blake2b(answer.body, digest_size=16).hexdigest()
        worth = len(answer.body) > _WORTH_COMPRESSING
        self.packed = packed or (zlib.compress(answer.body, 6, wbits=31) if worth else None)

    @property
    def size(self) -> int:
        """Bytes it takes in memory, roughly."""
        return len(self.answer.body) + len(self.packed or b"") + 500

    def holds(self, epoch: int | None, now: datetime) -> bool:
        """Tell whether nothing that it rests on has changed."""
        ends = self.answer.changes_at
        return epoch is not None and self.epoch == epoch and (ends is None or now < ends)

    def stale(self) -> "CachedResponse":
        """Return it as given when nobody can say whether it still holds: the body says so too."""
        body = self.answer.body.replace(_FRESH, _STALE, 1)
        return CachedResponse(
            replace(self.answer, body=body, due=None, max_age=5, headers=(*self.answer.headers, ("X-Stale", "true"))),
            None,
        )

    def to_bytes(self) -> bytes:
        """Return it as Redis keeps it: the length of the description, the description, the body (gzip if worth it)."""
        answer = self.answer
        about = json.dumps(
            [
                self.epoch,
                self.packed is not None,
                answer.media_type,
                answer.changes_at and answer.changes_at.isoformat(),
                answer.due and answer.due.isoformat(),
                answer.max_age,
                answer.headers,
            ]
        ).encode()
        return struct.pack(">I", len(about)) + about + (self.packed or answer.body)

    @classmethod
    def from_bytes(cls, kept: bytes) -> "CachedResponse":
        """Return the entry that `to_bytes` was called on."""
        (length,) = struct.unpack_from(">I", kept)
        epoch, is_packed, media_type, changes_at, due, max_age, headers = json.loads(kept[4 : 4 + length])
        rest = kept[4 + length :]
        answer = ResponseData(
            zlib.decompress(rest, wbits=31) if is_packed else rest,
            media_type,
            changes_at and datetime.fromisoformat(changes_at),
            due and datetime.fromisoformat(due),
            max_age,
            tuple((name, value) for name, value in headers),
        )
        return cls(answer, epoch, rest if is_packed else None)


def source_of(sources: Iterable[str]) -> str | None:
    """Return the one name among *sources*, "mixed" for several, None for none."""
    names = set(sources)
    return names.pop() if len(names) == 1 else "mixed" if names else None


def rfc3339(instant: datetime) -> str:
    """Return *instant* (UTC) as answers write it: whole seconds, Z."""
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def json_body(members: Mapping[str, object], rows: str | None = None) -> bytes:
    """Return a JSON object of *members*, and of *rows* as its last member `items` where given."""
    text = json.dumps(members, separators=(",", ":"), ensure_ascii=False)
    if rows is not None:
        text = f'{text[:-1]},"items":[{rows}]}}'
    return text.encode() + b"\n"
