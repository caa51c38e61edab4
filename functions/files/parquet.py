"""Parquet: bars as a file that is byte for byte the same for the same bars."""

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

_SCALE, _PRECISION, _MOST_PRECISION = 8, 18, 38
"""Digits after the point and in all: 18 fit into eight bytes. More only where a price has more."""
_ZSTD_LEVEL = 9


class ParquetFile:
    """A file that is written in batches, a row group each: zstd, prices as decimals, instants in UTC."""

    def __init__(self, digits: int) -> None:
        """*digits* is the number of digits after the point that the prices have at most."""
        from pyarrow import parquet  # a fifth of a second; a file that is stored is served without it

        self.rows = 0
        self.first: datetime | None = None
        self.last: datetime | None = None
        self.tickers: set[str] = set()
        self._sink = BytesIO()
        self._schema = _schema(digits)
        order = [("ticker", "ascending"), ("start", "ascending")]
        options: dict[str, Any] = {
            "compression": "zstd",
            "compression_level": _ZSTD_LEVEL,
            "use_dictionary": ["ticker", "source"],
            "sorting_columns": parquet.SortingColumn.from_ordering(self._schema, order),
            "store_decimal_as_integer": True,
        }
        self._writer = parquet.ParquetWriter(self._sink, self._schema, **options)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add *rows* with the columns of the schema, ordered by ticker and start."""
        import pyarrow as arrow

        columns = list(zip(*rows, strict=True))
        arrays = [arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(arrow.table(arrays, schema=self._schema))
        self.rows += len(rows)
        self.tickers.update(columns[0])
        self.first = min(columns[1]) if self.first is None else min(self.first, *columns[1])
        self.last = max(columns[1]) if self.last is None else max(self.last, *columns[1])

    def to_bytes(self) -> bytes:
        """Return the whole file; nothing can be added any more."""
        self._writer.close()
        return self._sink.getvalue()


def _schema(digits: int) -> Any:
    import pyarrow as arrow

    fits = digits <= _SCALE
    price = arrow.decimal128(_PRECISION if fits else _MOST_PRECISION, _SCALE if fits else digits)
    instant = arrow.timestamp("ms", "UTC")
    return arrow.schema(
        [
            arrow.field("ticker", arrow.string(), nullable=False),
            arrow.field("start", instant, nullable=False),
            arrow.field("end", instant),
            *(arrow.field(name, price, nullable=False) for name in ("open", "high", "low", "close")),
            arrow.field("volume", arrow.int64()),
            arrow.field("source", arrow.string(), nullable=False),
            arrow.field("revision", arrow.int32(), nullable=False),
            arrow.field("received_at", instant, nullable=False),
        ]
    )
