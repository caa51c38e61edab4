"""Field types and base classes of the response models, with descriptions and examples."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema


class Model(BaseModel):
    """A JSON object with exactly these members. All of them are required unless they have a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Ticker = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.-]{0,14}$", examples=["AAPL"])]
Name = Annotated[str, Field(examples=["Apple Inc"])]
Instant = Annotated[datetime, Field(description="RFC 3339, UTC", examples=["2026-11-20T14:30:00Z"])]
Day = Annotated[date, Field(description="A date in New York", examples=["2026-11-20"])]
Seconds = Annotated[int, Field(description="Unix seconds", examples=[1795185000])]
Count = Annotated[int, Field(ge=0, examples=[7])]
Shares = Annotated[int, Field(ge=0, description="Shares traded", examples=[3871204])]
Source = Annotated[str, Field(description="Source of the bars", examples=["simulated"])]
Stale = Annotated[
    bool, Field(description="The database is unavailable; this copy may be out of date", examples=[False])
]
Zone = Literal["America/New_York"]


def _number(description: str, example: float) -> Any:
    """JSON Schema of a Decimal, which is sent as a JSON number with exactly the stored digits."""
    return WithJsonSchema({"type": "number", "description": description, "examples": [example]})


Price = Annotated[Decimal, _number("USD, with the stored digits", 271.49)]
Change = Annotated[Decimal, _number("USD", -1.25)]
Percent = Annotated[Decimal, _number("Percent, to four decimals", -0.4583)]
Number = Annotated[Decimal, _number("", 1.5)]
Millions = Annotated[Decimal, _number("In millions", 4021345.5)]


class Absence(Model):
    """Reason for a response without items."""

    code: Annotated[str, Field(description="Stable; docs/api.md lists them", examples=["market-closed"])]
    text: Annotated[str, Field(examples=["The exchange had no session in the window."])]
    ask_again_at: Annotated[Instant | None, Field(description="When there may be items; null: none are expected")]


Reason = Annotated[Absence | None, Field(description="Why there are no items; null where there are")]


class MarketResponse(Model):
    """Members of every response that contains bars."""

    count: Count
    as_of: Annotated[Instant | None, Field(description="End of the newest bar in the response")]
    source: Annotated[Source | None, Field(description="Source of the bars; mixed for several, see sources")]
    sources: list[Source]
    stale: Stale
    exchange_tz: Zone
    reason: Reason
