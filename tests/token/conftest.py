"""The function token with a database for each test file, and an account for each test."""

import hashlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.accounts import Person, Tokens, serving_tokens
from tests.conftest import new_database


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """The database of this test file."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The function token."""
    with serving_tokens(database, module_redis_url) as tokens:
        yield tokens


@pytest.fixture
def person(tokens: Tokens, request: pytest.FixtureRequest) -> Person:
    """A new account, logged in."""
    return tokens.person(hashlib.md5(request.node.name.encode()).hexdigest())
