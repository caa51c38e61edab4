"""Routes of accounts and tokens, for the OpenAPI document. No running function imports them."""

from typing import Annotated

from fastapi import APIRouter, Body, Form, Path, Query

from functions.contract.operations import document_route, query_model
from functions.token.link_models import CreateLink, LinksResponse, NewLinkResponse
from functions.token.list_models import (
    AddedTickersResponse,
    AddTickers,
    ChangeList,
    CreateList,
    ListResponse,
    ListsResponse,
)
from functions.token.response_models import (
    ID_EXAMPLE,
    AccountResponse,
    CreateToken,
    DeletionForm,
    LoginForm,
    LoginResponse,
    NewTokenResponse,
    PasswordChangeForm,
    RegistrationForm,
    RegistrationResponse,
    RevocationQuery,
    RotatedTokenResponse,
    RotateToken,
    TokensResponse,
)

# pyright: reportReturnType=false
router = APIRouter(tags=["Accounts"])
TokenId = Annotated[str, Path(examples=[ID_EXAMPLE])]
ListId = Annotated[str, Path(examples=[ID_EXAMPLE])]
_BODY = (408, 413, 415)
_RevocationQuery = query_model(RevocationQuery)
_CREATED = {"status": 201, "headers": ("Location",)}


@router.post("/users/register", **document_route("open", 403, 409, *_BODY, status=201))
def register(form: Annotated[RegistrationForm, Form()]) -> RegistrationResponse:
    """Create an account."""


@router.post("/token", **document_route("open", *_BODY))
def log_in(form: Annotated[LoginForm, Form()]) -> LoginResponse:
    """Log in: exchange a password for a token.

    The 20 newest tokens from logins of an account stay valid.
    """


@router.get("/users/me", **document_route("token", 403))
def show_account() -> AccountResponse:
    """The account of the token."""


@router.post("/users/me/password", **document_route("token", 403, *_BODY))
def change_password(form: Annotated[PasswordChangeForm, Form()]) -> TokensResponse:
    """Change the password.

    All other logins end at once. The response lists the tokens that stay valid.
    """


@router.delete("/users/me", **document_route("token", 403, *_BODY, status=204))
def delete_account(form: Annotated[DeletionForm, Form()]) -> None:
    """Delete the account and its tokens.

    The password confirms it.
    """


@router.get("/tokens", **document_route("token", 403))
def list_tokens() -> TokensResponse:
    """List the tokens of the account."""


@router.post("/tokens", **document_route("token", 403, 409, *_BODY, **_CREATED))
def create_token(token: CreateToken) -> NewTokenResponse:
    """Create a token with a name, scopes and an expiry."""


@router.post("/tokens/{token_id}/rotate", **document_route("token", 403, 404, 409, *_BODY, **_CREATED))
def rotate_token(token_id: TokenId, token: Annotated[RotateToken, Body()]) -> RotatedTokenResponse:
    """Replace a token. The old one stays valid for an overlap."""


@router.delete("/tokens", **document_route("token", 403, status=204))
def revoke_tokens(query: Annotated[_RevocationQuery, Query()]) -> None:  # pyright: ignore[reportInvalidTypeForm]  a model made at run time
    """End all logins, or all logins and tokens.

    The token of the request ends too.
    """


@router.delete("/tokens/{token_id}", **document_route("token", 403, 404, status=204))
def revoke_token(token_id: TokenId) -> None:
    """Revoke a token at once.

    `current` is the token of the request. Every token may revoke itself.
    """


@router.get("/lists", **document_route("token", 403))
def lists() -> ListsResponse:
    """The lists of the account, by name."""


@router.post("/lists", **document_route("token", 403, 409, *_BODY, **_CREATED))
def create_list(body: CreateList) -> AddedTickersResponse:
    """Create a list.

    When the account has one of this name, Location of the 409 has its address.
    """


@router.get("/lists/{list_id}", **document_route("token", 403, 404))
def show_list(list_id: ListId) -> ListResponse:
    """A list with its tickers, in order."""


@router.patch("/lists/{list_id}", **document_route("token", 403, 404, 409, *_BODY))
def change_list(list_id: ListId, body: ChangeList) -> ListResponse:
    """Rename a list, or put its tickers into another order."""


@router.delete("/lists/{list_id}", **document_route("token", 403, 404, status=204))
def delete_list(list_id: ListId) -> None:
    """Delete a list."""


@router.post("/lists/{list_id}/tickers", **document_route("token", 403, 404, 409, *_BODY))
def add_tickers(list_id: ListId, body: AddTickers) -> AddedTickersResponse:
    """Add tickers at the end of a list.

    Two devices that add at once both keep theirs. A ticker that is there keeps its place.
    """


@router.delete("/lists/{list_id}/tickers/{ticker}", **document_route("token", 403, 404, status=204))
def remove_ticker(list_id: ListId, ticker: Annotated[str, Path(examples=["AAPL"])]) -> None:
    """Remove a ticker from a list."""


@router.get("/links", **document_route("token", 403))
def list_links() -> LinksResponse:
    """List the links of the account, without their secrets."""


@router.post("/links", **document_route("token", 403, 409, *_BODY, **_CREATED))
def create_link(link: CreateLink) -> NewLinkResponse:
    """Create a link: an address that reads one path with its parameters in place of a token.

    For spreadsheets, which send no header. It opens nothing else, counts as a request of its token, and ends with its
    token and its account.
    """


@router.delete("/links/{link_id}", **document_route("token", 403, 404, status=204))
def revoke_link(link_id: TokenId) -> None:
    """Revoke a link at once."""
