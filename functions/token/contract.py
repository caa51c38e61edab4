"""What token promises, for the one document of all functions."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.contract.operation import FORM, JSON, Operation
from functions.contract.words import Count, Instant, Shape
from functions.token.names import MAX_PASSWORD, MAX_TOKEN_NAME, MIN_PASSWORD

_ID = "0b7f8a6e-3a52-4c0e-9c7f-2f4b1f6f9f10"
Id = Annotated[str, Field(pattern="^[0-9a-f-]{36}$", examples=[_ID])]
Email = Annotated[str, Field(examples=["me@example.com"])]
Username = Annotated[str, Field(examples=["me"], min_length=1, max_length=64, pattern="^[^@]+$")]
Password = Annotated[
    str,
    Field(
        min_length=MIN_PASSWORD,
        max_length=MAX_PASSWORD,
        description="Any characters; at most 1,024 bytes in UTF-8. Two ways to write one accented letter are the same",
        examples=["correct horse battery staple"],
        json_schema_extra={"format": "password"},
    ),
]
Scope = Annotated[
    Literal["read", "account"],
    Field(description="read: the whole history and the exports. account: the tokens of the account, and its end"),
]
TokenName = Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_NAME, examples=["pandas"])]
TokenText = Annotated[
    str,
    Field(
        pattern="^sal_[0-9A-Za-z]{38}$",
        description="Shown this once",
        examples=["sal_9tWvJ1yq3KcR0dXGm7ZbL5uPaE2sHfQn4Uik61"],
    ),
]
Lifetime = Annotated[int, Field(description="Seconds", examples=[31536000])]


class RegistrationForm(Shape):
    """Who wants an account."""

    email: Email
    password: Password
    username: Username | None = None


class LoginForm(Shape):
    """OAuth2's password grant; further fields are ignored."""

    model_config = ConfigDict(extra="allow")
    username: Annotated[str, Field(description="The user name, or the address", examples=["me@example.com"])]
    password: Annotated[str, Field(examples=["correct horse battery staple"])]
    grant_type: Literal["password"] = "password"
    scope: Annotated[str, Field(description="Blank between scopes; absent: all", examples=["read"])] = ""


class PasswordForm(Shape):
    """Another password, for who knows the one that there is."""

    password: Annotated[str, Field(description="As it is", examples=["correct horse battery staple"])]
    new_password: Password


class TokenWish(Shape):
    """A token to be made. Its end is one of the two, or the default of the installation."""

    name: TokenName
    scopes: Annotated[list[Scope], Field(min_length=1, default_factory=lambda: ["read"])]
    expires_at: Annotated[datetime | None, Field(description="With an offset from UTC; within ten years")] = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650, examples=[90])] = None


class RotationWish(Shape):
    """How long the old token stays good."""

    overlap_seconds: Annotated[
        int, Field(ge=0, le=604800, description="0, or 10 and more: the old token ends then", examples=[3600])
    ] = 3600


class AccountAnswer(Shape):
    """An account."""

    id: Id
    email: Email
    username: Annotated[str | None, Field(examples=["me"])]
    created_at: Instant


class LoginAnswer(Shape):
    """A token, as OAuth2 gives it."""

    access_token: TokenText
    token_type: Literal["bearer"]
    expires_in: Lifetime
    scope: Annotated[str, Field(examples=["read account"])]


class TokenState(Shape):
    """What is known of a token."""

    id: Id
    name: TokenName
    scopes: list[Scope]
    created_at: Instant
    expires_at: Instant
    last_used_at: Annotated[Instant | None, Field(description="To the minute")]
    replaced_by: Annotated[Id | None, Field(description="The token that takes its place")]
    current: Annotated[bool, Field(description="This request came with it", examples=[False])]


class TokensAnswer(Shape):
    """The valid tokens of an account."""

    count: Count
    items: list[TokenState]


class NewTokenAnswer(TokenState):
    """A new token: the one time that it is shown."""

    token: TokenText


class RotatedTokenAnswer(NewTokenAnswer):
    """A new token in the place of another."""

    replaces: Id


_BODY = (408, 413, 415)
_TOKEN_ID = {"token_id": _ID}

OPERATIONS = (
    Operation(
        method="post",
        path="/users/register",
        group="Accounts",
        summary="Make an account",
        body={FORM: RegistrationForm},
        status=201,
        answer=AccountAnswer,
        problems=(403, 409, *_BODY),
        access="open",
    ),
    Operation(
        method="post",
        path="/token",
        group="Accounts",
        summary="Log in: a token for a password",
        description="The newest 20 tokens that an account got this way stay valid.",
        body={FORM: LoginForm},
        answer=LoginAnswer,
        problems=_BODY,
        access="open",
    ),
    Operation(
        method="get",
        path="/users/me",
        group="Accounts",
        summary="The account that the token belongs to",
        answer=AccountAnswer,
        problems=(403,),
        access="token",
    ),
    Operation(
        method="post",
        path="/users/me/password",
        group="Accounts",
        summary="Change the password",
        description="Other tokens that were got by logging in end at once; those made by name stay.",
        body={FORM: PasswordForm},
        status=204,
        answer=None,
        problems=(403, *_BODY),
        access="token",
    ),
    Operation(
        method="delete",
        path="/users/me",
        group="Accounts",
        summary="Delete the account and its tokens",
        status=204,
        answer=None,
        problems=(403,),
        access="token",
    ),
    Operation(
        method="get",
        path="/tokens",
        group="Accounts",
        summary="The valid tokens of the account",
        answer=TokensAnswer,
        problems=(403,),
        access="token",
    ),
    Operation(
        method="post",
        path="/tokens",
        group="Accounts",
        summary="Make a token with a name, scopes and an end",
        body={JSON: TokenWish},
        status=201,
        answer=NewTokenAnswer,
        problems=(403, 409, *_BODY),
        headers=("Location",),
        access="token",
    ),
    Operation(
        method="post",
        path="/tokens/{token_id}/rotate",
        group="Accounts",
        summary="Make a token that takes the place of another, which stays good for an overlap",
        body={JSON: RotationWish},
        status=201,
        answer=RotatedTokenAnswer,
        path_examples=_TOKEN_ID,
        problems=(403, 404, *_BODY),
        headers=("Location",),
        access="token",
    ),
    Operation(
        method="delete",
        path="/tokens/{token_id}",
        group="Accounts",
        summary="End a token at once; `current` is the one that asks, and may always end itself",
        status=204,
        answer=None,
        path_examples=_TOKEN_ID,
        problems=(403, 404),
        access="token",
    ),
)
