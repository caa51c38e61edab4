"""Routes of files, for the OpenAPI document. No running function imports them."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response

from functions.contract.operations import document_route, header_references
from functions.files.response_models import ManifestResponse

router = APIRouter(tags=["Files"])
_FILE = ("ETag", "Cache-Control", "Accept-Ranges", "Content-Disposition")
_PART = {"content": {"application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}}}}


@router.get("/files/manifest.json", **document_route("optional", headers=("ETag", "Cache-Control", "X-Stale")))
def manifest() -> ManifestResponse:  # pyright: ignore[reportReturnType]
    """Files of all months: rows, bytes, SHA-256, and the market version up to which each is whole."""


class ParquetResponse(Response):
    """A Parquet file."""

    media_type = "application/vnd.apache.parquet"


_documented = document_route("optional", 403, 404, 416, headers=_FILE)
_documented["responses"][206] = _PART | {"headers": header_references("X-Request-ID", "Content-Range", *_FILE)}


@router.get("/files/{name}", response_class=ParquetResponse, **_documented)
def file(name: Annotated[str, Path(examples=["bars-2026-11.parquet"])]) -> Response:  # pyright: ignore[reportReturnType]
    """Hourly bars of a month as a Parquet file, whole or in a range of bytes.

    Ordered by ticker and start; prices are decimals, instants in UTC, compression is zstd. The same bars give the same
    bytes. A month that begins before the open history needs a token with the scope `read`.
    """
