"""Request bodies of /tokens."""

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from shared.auth.authenticator import READ


class CreateToken(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a token."""

    name: str
    scopes: list[str] = msgspec.field(default_factory=lambda: [READ])
    expires_at: datetime | None = None
    expires_in_days: Annotated[int, Meta(ge=1, le=3650)] | None = None


class RotateToken(msgspec.Struct, forbid_unknown_fields=True):
    """Request for a replacement of a token, which stays valid for *overlap_seconds*."""

    overlap_seconds: Annotated[int, Meta(ge=0, le=7 * 24 * 3600)] = 3600
