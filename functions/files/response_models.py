"""Response models of files, for the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import Field

from functions.contract.fields import Count, Instant, Model, Stale

Version = Annotated[
    int, Field(description="Market version: it grows with every change of bars", examples=[1796000000000])
]
FileName = Annotated[str, Field(examples=["bars-2026-11.parquet"])]
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


class FileItem(Model):
    """A file: the hourly bars of a month, as they stand."""

    name: FileName
    month: Annotated[str, Field(description="Of the sessions in New York", examples=["2026-11"])]
    rows: Count
    tickers: Count
    first: Annotated[Instant, Field(description="Start of its first bar")]
    last: Annotated[Instant, Field(description="Start of its last bar")]
    bytes: Count
    sha256: Annotated[
        str,
        Field(description="Of the whole file; the ETag is its first half", pattern="^[0-9a-f]{64}$", examples=[_SHA]),
    ]
    built_version: Annotated[Version, Field(description="Market version at which it was built; unchanged since")]
    built_at: Instant
    needs_token: Annotated[bool, Field(description="The month begins before the history that is open without a token")]


class ManifestResponse(Model):
    """All files. Each of `items` has every bar of its month as of `version`."""

    version: Version
    stale: Stale
    format: Literal["parquet"]
    interval: Literal["1h"]
    count: Count
    pending: Annotated[
        list[FileName],
        Field(description="Files that are out of date or not built yet: they are when they are requested"),
    ]
    items: list[FileItem]
