"""Authenticator: what is counted and stored for requests without a valid token."""

import asyncio
import math

import pytest
from starlette.types import Scope

from shared.auth.authenticator import Authenticator, AuthSettings
from shared.auth.token_format import new_token
from shared.connections.postgres import PostgresClient
from shared.connections.redis import RedisClient
from shared.http.problem import Problem
from shared.runtime.settings import DatabaseSettings, RedisSettings, Secret

NOWHERE = "127.0.0.1:1"
SCOPE: Scope = {"type": "http", "client": ("192.0.2.1", 50000)}


def authenticator(limit: int = 300) -> Authenticator:
    """An authenticator that reaches neither Redis nor Postgres."""
    settings = DatabaseSettings(database_url=Secret(f"postgresql://{NOWHERE}/x"))
    postgres = PostgresClient(settings)
    postgres.is_down, postgres._probe_at = True, math.inf  # nobody waits to find that out
    return Authenticator(
        AuthSettings(api_token_secret=Secret("x" * 32), rate_limit_anonymous=limit),
        RedisClient(RedisSettings(redis_url=Secret(f"redis://{NOWHERE}/0")), postgres),
        postgres,
    )


async def status(subject: Authenticator, headers: dict[bytes, bytes]) -> int:
    """The status of a request with *headers*."""
    try:
        await subject.authenticate(SCOPE, headers)
    except Problem as problem:
        return problem.status
    return 200


@pytest.mark.parametrize(
    "authorization",
    [
        b"",
        b"Bearer",
        b"Bearer sal_x",
        b"Basic dXNlcjpwYXNz",
        b"Bearer " + b"x" * 5000,
        b"Token " + new_token().encode(),
    ],
    ids=["empty", "no token", "short", "another scheme", "long", "unknown scheme"],
)
def test_malformed_tokens_are_counted(authorization: bytes) -> None:
    """An address may send as many malformed tokens as anonymous requests, and then gets 429."""

    async def work() -> list[int]:
        subject = authenticator(10)
        return [await status(subject, {b"authorization": authorization}) for _ in range(15)]

    statuses = asyncio.run(work())

    assert statuses[:9] == [401] * 9
    assert statuses[-3:] == [429] * 3


def test_bearer_internal_is_anonymous() -> None:
    """The header of the first system's page is an anonymous request: limited by address, without scopes."""

    async def work() -> tuple[list[int], bool]:
        subject = authenticator(10)
        headers = {b"authorization": b"Bearer Internal"}
        caller, _ = await subject.authenticate(SCOPE, headers)
        same = subject.find_caller(SCOPE, headers) is subject.find_caller(SCOPE, {}) is caller
        assert caller.principal is None
        assert not caller.can_read_history
        return [await status(subject, {}) for _ in range(15)], same

    statuses, same = asyncio.run(work())

    assert same
    assert statuses[-3:] == [429] * 3


def test_memory_does_not_grow_with_headers() -> None:
    """Three thousand long and different headers of one address are one small entry."""

    async def work() -> Authenticator:
        subject = authenticator(1_000_000)
        for number in range(3_000):
            forwarded = b"%d" % number + b"x" * 5000 + b", 203.0.113.9"
            await subject.authenticate(SCOPE, {b"x-forwarded-for": forwarded})
            await status(subject, {b"authorization": b"Bearer " + b"y" * 5000 + b"%d" % number})
        return subject

    subject = asyncio.run(work())

    assert list(subject._callers) == ["203.0.113.9"]
    assert list(subject._limiter._limits) == ["guesses:192.0.2.1"]
