"""Request and response models of lists, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from typing import Annotated

from pydantic import Field

from functions.contract.fields import Count, Instant, Model
from functions.token.response_models import Id
from shared.auth.names import MAX_NAME
from shared.http.tickers import MAX_TICKERS

ListName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, examples=["Chips"])]
Tickers = Annotated[list[str], Field(max_length=MAX_TICKERS, examples=[["NVDA", "AVGO"]])]


class CreateList(Model):
    """A new list."""

    name: ListName
    tickers: Annotated[Tickers, Field(default_factory=list)]


class ChangeList(Model):
    """Another name of a list, or another order of its tickers; absent: unchanged."""

    name: ListName | None = None
    tickers: Annotated[Tickers | None, Field(description="The tickers of the list, in their new order")] = None


class AddTickers(Model):
    """Tickers to add to a list."""

    tickers: Annotated[Tickers, Field(min_length=1)]


class ListResponse(Model):
    """A list of tickers."""

    id: Id
    name: ListName
    count: Count
    tickers: Annotated[list[str], Field(description="In the order of the list", examples=[["NVDA", "AVGO"]])]
    created_at: Instant
    changed_at: Instant


class ListsResponse(Model):
    """Lists of an account, by name."""

    count: Count
    items: list[ListResponse]


class RefusedTicker(Model):
    """A ticker that was not added."""

    ticker: Annotated[str, Field(description="As sent, at most 50 characters", examples=["APPL"])]
    reason: Annotated[str, Field(examples=["is not tracked here: did you mean AAPL?"])]


class AddedTickersResponse(ListResponse):
    """A list after tickers were added, with those that were not."""

    refused: list[RefusedTicker]
