"""One user of Postgres per function, made and rotated by the statements of docs/security.md."""

import re
from collections.abc import Iterator
from contextlib import closing
from secrets import token_hex
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.accounts import serving_tokens
from tests.cluster.groups import ROOT
from tests.insights_harness import serving_insights
from tests.reading import UNLIMITED, Bar, at, put, serving

FUNCTIONS = ("alerts", "api", "files", "ingest", "insights", "store", "token")
DOCUMENT = (ROOT / "docs" / "security.md").read_text()
MAKE, ROTATE = (
    block for block in re.findall(r"^```sql\n(.*?)^```", DOCUMENT, re.DOTALL | re.MULTILINE) if "USER" in block
)


class Users:
    """The users of the document under names that no other test uses."""

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._suffix = token_hex(4)

    def run(self, statements: str) -> None:
        """Run statements of the document as the owner."""
        renamed = re.sub(r"(USER IF EXISTS|USER) (\w+)", rf"\1 \2_{self._suffix}", statements)
        with psycopg.connect(self._owner, autocommit=True) as connection:
            connection.execute(renamed.encode())

    def url(self, name: str, password: str) -> str:
        """Return the address of a user."""
        parts = urlsplit(self._owner)
        host = parts.netloc.rpartition("@")[2]
        return parts._replace(netloc=f"{name}_{self._suffix}:{password.replace(' ', '%20')}@{host}").geturl()

    def drop(self) -> None:
        """Drop those that are left."""
        for name in (*FUNCTIONS, "api_2"):
            self.run(f"DROP USER IF EXISTS {name}")


@pytest.fixture
def users(database_url: str) -> Iterator[Users]:
    """The roles of roles.sql and one user for each, in a database with two bars."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute((ROOT / "functions" / "store" / "roles.sql").read_bytes())
    users = Users(database_url)
    users.run(MAKE)
    yield users
    users.drop()


def test_every_table_is_granted_to_a_function(users: Users, database_url: str) -> None:
    """A new table or view without a line in roles.sql would stop the function that reads it."""
    with psycopg.connect(database_url) as connection:
        unnamed = connection.execute(
            """
            SELECT relname
              FROM pg_class
             WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'v', 'm')
               AND NOT EXISTS (SELECT FROM aclexplode(relacl) AS granted
                                 JOIN pg_roles AS roles ON roles.oid = granted.grantee
                                WHERE roles.rolname LIKE 'stocksalot\\_%')
             ORDER BY relname
            """
        ).fetchall()

    assert unnamed == []


def test_api_and_token_work_as_their_own_users(users: Users, redis_url: str) -> None:
    """Readers get every answer, and people register and make tokens, without the owner's rights."""
    address = {name: users.url(name, "a password of its own") for name in FUNCTIONS}
    with serving(address["api"], redis_url) as api, serving_tokens(address["token"], redis_url) as tokens:
        made = tokens.person("ownuser").make()
        for path in ("/tickers", "/latest", "/ohlc/AAPL", "/movers", "/coverage", "/status", "/overview"):
            answer = api.client.get(path, headers={"Authorization": f"Bearer {made['token']}"})
            assert answer.status_code == 200, f"{path}: {answer.text}"


def test_api_and_insights_read_lists_as_their_own_users(users: Users, redis_url: str) -> None:
    """Both find the tickers of a list of an account without the owner's rights."""
    address = {name: users.url(name, "a password of its own") for name in FUNCTIONS}
    secret = UNLIMITED["API_TOKEN_SECRET"]
    with (
        serving(address["api"], redis_url) as api,
        serving_insights(address["insights"], redis_url, API_TOKEN_SECRET=secret) as insights,
        serving_tokens(address["token"], redis_url) as tokens,
    ):
        person = tokens.person("ownlister")
        person.ask("POST", "/lists", 201, json={"name": "Tech", "tickers": ["AAPL"]})
        for client, path in (
            (api.client, "/latest"),
            (insights.client, "/insights"),
            (insights.client, "/insights/feed.atom"),
        ):
            answer = client.get(f"{path}?list=Tech", headers=person.headers)
            assert answer.status_code == 200, f"{path}: {answer.text}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_user_has_the_rights_of_its_function_alone(users: Users, function: str) -> None:
    """It reads what its function reads, and Postgres refuses what belongs to another function."""
    own, other = ("users", "bars") if function == "token" else ("sessions", "users")
    with psycopg.connect(users.url(function, "a password of its own"), autocommit=True) as connection:
        connection.execute(f"SELECT * FROM {own} LIMIT 1".encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"SELECT * FROM {other} LIMIT 1".encode())


def test_a_password_changes_without_an_outage(users: Users) -> None:
    """The second user works before the first one is dropped, and the first one opens nothing afterwards."""
    make, drop = ROTATE.strip().splitlines()
    old = users.url("api", "a password of its own")
    users.run(make)
    with (
        closing(psycopg.connect(old)) as first,
        closing(psycopg.connect(users.url("api_2", "another password"))) as second,
    ):
        assert (
            first.execute("SELECT count(*) FROM bars").fetchone()
            == second.execute("SELECT count(*) FROM bars").fetchone()
        )
    users.run(drop)

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(old)
