"""Parameters of /embed."""

from dataclasses import dataclass, field
from typing import Literal

from functions.api.parameters import Query


@dataclass(frozen=True, kw_only=True)
class Embed(Query):
    """The look of the document for frames."""

    theme: Literal["auto", "light", "dark"] = field(
        default="auto", metadata={"description": "Colours; auto follows the reader's system"}
    )
    size: Literal["small", "medium", "large"] = field(
        default="medium", metadata={"description": "small is without the chart"}
    )
