"""Request and response models of links, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from functions.contract.fields import Count, Instant, Model
from functions.token.response_models import Id, TokenName

_PATH = "/ohlc/AAPL?interval=1d&format=csv"
Path = Annotated[
    str,
    Field(
        min_length=2,
        max_length=2000,
        pattern="^/[a-z_]+",
        description="Path of a GET request below the root of the API, with its parameters",
        examples=[_PATH],
    ),
]


class CreateLink(Model):
    """A new link. Without expires_at and expires_in_days it expires with its token."""

    path: Path
    name: Annotated[TokenName | None, Field(description="Default: the path")] = None
    token_id: Annotated[
        Id | None, Field(description="Token that the link uses and expires with; default: that of the request")
    ] = None
    expires_at: Annotated[
        datetime | None, Field(description="RFC 3339, not after the token expires; not with expires_in_days")
    ] = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650, examples=[90])] = None


class LinkResponse(Model):
    """A link, without its secret."""

    id: Id
    name: TokenName
    path: Path
    token_id: Id
    token_name: TokenName
    created_at: Instant
    expires_at: Instant


class LinksResponse(Model):
    """Links of an account, oldest first."""

    count: Count
    items: list[LinkResponse]


class NewLinkResponse(LinkResponse):
    """A new link, with its URL."""

    url: Annotated[
        str,
        Field(
            pattern="^https?://",
            description="Shown only once. Whoever has it reads this path with these parameters",
            examples=[
                "https://stocks.example.com/api" + _PATH + "&link=sal_link_9tWvJ1yq3KcR0dXGm7ZbL5uPaE2sHfQn4Uik61"
            ],
        ),
    ]
