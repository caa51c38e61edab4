"""Request and response models of accounts and tokens, for the OpenAPI document, the page's types and the tests.

No running function imports them.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from functions.contract.fields import Count, Instant, Model
from functions.token.normalization import MAX_PASSWORD, MIN_PASSWORD
from shared.auth.names import MAX_NAME

ID_EXAMPLE = "0b7f8a6e-3a52-4c0e-9c7f-2f4b1f6f9f10"
Id = Annotated[str, Field(pattern="^[0-9a-f-]{36}$", examples=[ID_EXAMPLE])]
Email = Annotated[str, Field(pattern=r"^[^\s@]+@[^\s@]+$", examples=["me@example.com"])]
Username = Annotated[str, Field(examples=["me"], min_length=1, max_length=64, pattern=r"^[^@\x00-\x1f\x7f-\x9f]+$")]
Password = Annotated[
    str,
    Field(
        min_length=MIN_PASSWORD,
        max_length=MAX_PASSWORD,
        description="Any characters, at most 1,024 bytes in UTF-8; normalized to NFKC",
        examples=["correct horse battery staple"],
        json_schema_extra={"format": "password"},
    ),
]
Scope = Annotated[
    Literal["read", "account", "alerts"],
    Field(
        description="read: the whole history and all formats. account: manage the tokens and the account. "
        "alerts: manage alerts and their channels"
    ),
]
TokenName = Annotated[str, Field(min_length=1, max_length=MAX_NAME, examples=["pandas"])]
TokenText = Annotated[
    str,
    Field(
        pattern="^sal_[0-9A-Za-z]{38}$",
        description="Shown only once",
        examples=["sal_9tWvJ1yq3KcR0dXGm7ZbL5uPaE2sHfQn4Uik61"],
    ),
]
Lifetime = Annotated[int, Field(description="Seconds", examples=[31536000])]


class RegistrationForm(Model):
    """A new account."""

    email: Email
    password: Password
    username: Annotated[Username | Literal[""], Field(description="None if empty")] = ""
    invite: Annotated[str, Field(description="Code, where registration is by invite", examples=[""])] = ""


class LoginForm(Model):
    """OAuth 2.0 password grant. Other fields are ignored; none may be repeated."""

    model_config = ConfigDict(extra="allow")
    username: Annotated[str, Field(min_length=1, description="User name or email address", examples=["me@example.com"])]
    password: Annotated[str, Field(min_length=1, examples=["correct horse battery staple"])]
    grant_type: Literal["password", ""] = "password"
    scope: Annotated[str, Field(description="Scopes, separated by spaces; default: all", examples=["read"])] = ""


class PasswordChangeForm(Model):
    """A change of the password."""

    password: Annotated[
        str, Field(min_length=1, description="Current password", examples=["correct horse battery staple"])
    ]
    new_password: Password


class DeletionForm(Model):
    """Confirmation of a deletion."""

    password: Annotated[str, Field(min_length=1, examples=["correct horse battery staple"])]


@dataclass(frozen=True)
class RevocationQuery:
    """Tokens to revoke."""

    kind: Literal["login", "all"] = "login"


class CreateToken(Model):
    """A new token. Without expires_at and expires_in_days, the default lifetime of the installation applies."""

    name: TokenName
    scopes: Annotated[list[Scope], Field(min_length=1, default_factory=lambda: ["read"], examples=[["read"]])]
    expires_at: Annotated[
        datetime | None,
        Field(description="RFC 3339, later than now, at most ten years ahead; not with expires_in_days"),
    ] = None
    expires_in_days: Annotated[int | None, Field(ge=1, le=3650, examples=[90])] = None


class RotateToken(Model):
    """Replacement of a token."""

    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=604800,
            description="Validity of the old token: 0, or at least 10",
            examples=[3600],
            json_schema_extra={"not": {"exclusiveMinimum": 0, "exclusiveMaximum": 10}},
        ),
    ] = 3600


class AccountResponse(Model):
    """An account."""

    id: Id
    email: Email
    username: Annotated[str | None, Field(examples=["me"])]
    created_at: Instant


class RegistrationResponse(AccountResponse):
    """A new account."""

    status: Literal["ok"]


class LoginResponse(Model):
    """An OAuth 2.0 access token."""

    access_token: TokenText
    token_type: Literal["bearer"]
    expires_in: Lifetime
    scope: Annotated[str, Field(examples=["read account alerts"])]


class TokenInfo(Model):
    """A token of the account, without its secret text."""

    id: Id
    kind: Annotated[Literal["login", "token"], Field(description="login: issued for the password")]
    name: TokenName
    scopes: list[Scope]
    created_at: Instant
    expires_at: Instant
    last_used_at: Annotated[Instant | None, Field(description="Time of last use, to the minute")]
    replaced_by: Annotated[Id | None, Field(description="Token that replaces it")]
    valid: Annotated[bool, Field(description="false: the key of all tokens has changed since", examples=[True])]
    current: Annotated[bool, Field(description="This request was made with it", examples=[False])]


class TokensResponse(Model):
    """Tokens of an account that it has not revoked."""

    count: Count
    items: list[TokenInfo]


class NewTokenResponse(TokenInfo):
    """A new token, with its text."""

    token: TokenText


class RotatedTokenResponse(NewTokenResponse):
    """A new token that replaces another."""

    replaces: Id
