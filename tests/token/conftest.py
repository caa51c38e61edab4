"""The token function on a database of its own, and somebody who has an account."""

import hashlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.conftest import new_database
from tests.people import Person, Tokens, serving_tokens


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A database for the accounts of this file."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        yield url


@pytest.fixture(scope="module")
def tokens(database: str, module_redis_url: str) -> Iterator[Tokens]:
    """The token function."""
    with serving_tokens(database, module_redis_url) as tokens:
        yield tokens


@pytest.fixture
def person(tokens: Tokens, request: pytest.FixtureRequest) -> Person:
    """Somebody who has just logged in."""
    return tokens.person(hashlib.md5(request.node.name.encode()).hexdigest())
