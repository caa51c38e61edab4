"""The words that contracts are made of: kinds of values, each with a description and an example, and problems."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema


class Shape(BaseModel):
    """A JSON object with exactly these members, each of them always there unless it has a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


Ticker = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.-]{0,14}$", examples=["AAPL"])]
Name = Annotated[str, Field(examples=["Apple Inc"])]
Instant = Annotated[datetime, Field(description="RFC 3339, UTC", examples=["2026-11-20T14:30:00Z"])]
Day = Annotated[date, Field(description="A day in New York", examples=["2026-11-20"])]
Seconds = Annotated[int, Field(description="Unix seconds", examples=[1795185000])]
Count = Annotated[int, Field(ge=0, examples=[7])]
Shares = Annotated[int, Field(ge=0, description="Shares traded", examples=[3871204])]
Source = Annotated[str, Field(description="Where the bars come from", examples=["simulated"])]


def _number(description: str, example: float) -> Any:
    """Return what OpenAPI says of a Decimal: it travels as a JSON number with the digits that are stored."""
    return WithJsonSchema({"type": "number", "description": description, "examples": [example]})


Price = Annotated[Decimal, _number("USD, with the digits that are stored", 271.49)]
Change = Annotated[Decimal, _number("USD", -1.25)]
Percent = Annotated[Decimal, _number("Percent, to four decimals", -0.4583)]
Number = Annotated[Decimal, _number("", 1.5)]
Millions = Annotated[Decimal, _number("In millions", 4021345.5)]


class Fault(Shape):
    """A parameter that is wrong."""

    parameter: Annotated[str, Field(examples=["limit"])]
    detail: Annotated[str, Field(examples=["should be greater than or equal to 1"])]


class Problem(BaseModel):
    """What went wrong and what to change (RFC 9457)."""

    model_config = ConfigDict(extra="allow", frozen=True)
    type: Annotated[
        str,
        Field(
            pattern=r"^(https://stocksalot\.tech/problems/[a-z-]+|about:blank)$",
            description="Stable: decide by this, not by the texts. about:blank: the gateway has answered",
            examples=["https://stocksalot.tech/problems/bad-parameter"],
        ),
    ]
    title: Annotated[str, Field(examples=["Bad parameter"])]
    status: Annotated[int, Field(ge=400, le=599, examples=[400])]
    detail: Annotated[str, Field(examples=["limit should be greater than or equal to 1"])]
    instance: Annotated[str, Field(description="The path that was asked", examples=["/ohlc/AAPL"])] = ""
    errors: Annotated[list[Fault], Field(description="Each parameter that is wrong, in a 400")] = []
