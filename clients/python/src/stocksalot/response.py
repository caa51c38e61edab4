"""Response: the members of an answer with their types, its age, and its items as a data frame."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

if TYPE_CHECKING:
    import pandas
    import polars

T = TypeVar("T")
_INSTANTS = ("datetime", "end", "start", "received_at", "previous_close_at", "opens", "closes")


@dataclass(frozen=True)
class Response(Generic[T]):
    """An answer; `data` has all members, numbers exact (Decimal, or int for whole ones)."""

    data: T
    etag: str | None = None

    @property
    def _members(self) -> dict[str, Any]:
        return cast("dict[str, Any]", self.data)

    @property
    def items(self) -> list[Any]:
        """Member `items`, [] where there is none."""
        return self._members.get("items", [])

    @property
    def as_of(self) -> datetime | None:
        """End of the newest bar in the answer."""
        text = self._members.get("as_of")
        return datetime.fromisoformat(text) if text else None

    @property
    def source(self) -> str | None:
        """Source of the bars; `mixed` for several, `simulated` for invented ones."""
        return self._members.get("source")

    @property
    def is_stale(self) -> bool:
        """True when the database was unavailable: the answer may be out of date."""
        return bool(self._members.get("stale"))

    @property
    def reason(self) -> dict[str, Any] | None:
        """Reason of an answer without items, and when to ask again; None where there are items."""
        return self._members.get("reason")

    @property
    def next_cursor(self) -> str | None:
        """Cursor of the next page."""
        return self._members.get("next_cursor")

    def to_pandas(self, *, exact: bool = False) -> pandas.DataFrame:
        """Return the items as a data frame of pandas; prices are floats, or Decimal where *exact*."""
        import pandas

        frame = pandas.DataFrame(_rows(self.items, exact=exact))
        for name in _INSTANTS:
            if name in frame:
                frame[name] = pandas.to_datetime(frame[name], utc=True)
        return frame

    def to_polars(self, *, exact: bool = False) -> polars.DataFrame:
        """Return the items as a data frame of polars; prices are floats, or decimals where *exact*."""
        import polars

        frame = polars.DataFrame(_rows(self.items, exact=exact), infer_schema_length=None)
        names = [name for name in _INSTANTS if name in frame.columns]
        return frame.with_columns(polars.col(name).str.to_datetime(time_zone="UTC") for name in names)


def _rows(items: list[dict[str, Any]], *, exact: bool) -> list[dict[str, Any]]:
    """Return *items* as flat rows: the member b of an object a is the column `a.b`."""
    numeric = {name for item in items for name, value in _flat(item) if isinstance(value, Decimal)}
    number = Decimal if exact else float
    return [
        {name: number(value) if name in numeric and value is not None else value for name, value in _flat(item)}
        for item in items
    ]


def _flat(item: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in item.items():
        found += _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else [(f"{prefix}{name}", value)]
    return found
