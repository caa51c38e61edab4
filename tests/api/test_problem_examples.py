"""Examples of errors in the OpenAPI document are what is sent: each is provoked and compared, member by member."""

import ast
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from functions.contract.problem_examples import EXAMPLES
from functions.contract.problems import PROBLEMS
from tests.accounts import PASSWORD, Tokens, serving_tokens
from tests.conftest import new_database
from tests.reading import ROOT, Api, serving

DOCUMENT = json.loads((ROOT / "functions" / "api" / "openapi.json").read_text())
RESPONSES = DOCUMENT["components"]["responses"]
READING: dict[int, tuple[str, str, dict[str, str]]] = {
    301: ("GET", "/latest/FB", {}),
    400: ("GET", "/ohlc/AAPL?limit=0", {}),
    401: ("GET", "/rejections", {}),
    403: ("GET", f"/latest?link=sal_link_{'0' * 38}", {}),
    404: ("GET", "/nothing", {}),
    405: ("POST", "/latest", {}),
    414: ("GET", f"/latest?tickers={'A,' * 5000}", {}),
}
ACCOUNTS: dict[int, tuple[str, dict[str, Any]]] = {
    409: ("/users/register", {"data": {"email": "ada@example.com", "password": PASSWORD}}),
    413: ("/users/register", {"data": {"email": "a" * 20_000}}),
    415: ("/users/register", {"content": "{}", "headers": {"Content-Type": "text/plain"}}),
}


def shown(status: int) -> dict[str, Any]:
    """Return the example of *status* in the document."""
    return RESPONSES[str(status)]["content"]["application/problem+json"]["example"]


@pytest.fixture(scope="module")
def api(postgres_server: str, migrated_database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over an empty database."""
    template = urlsplit(migrated_database).path[1:]
    with new_database(postgres_server, template) as url, serving(url, module_redis_url) as api:
        yield api


@pytest.fixture
def tokens(database_url: str, redis_url: str) -> Iterator[Tokens]:
    """The function token, with the account of ada."""
    with serving_tokens(database_url, redis_url) as tokens:
        tokens.register("ada@example.com")
        yield tokens


@pytest.mark.parametrize("status", READING)
def test_the_api_sends_the_example(api: Api, status: int) -> None:
    """The whole body of the error is that of the document."""
    method, path, headers = READING[status]

    answer = api.client.request(method, path, headers=headers, follow_redirects=False)

    assert (answer.status_code, answer.json()) == (status, shown(status))


@pytest.mark.parametrize("status", ACCOUNTS)
def test_the_accounts_send_the_example(tokens: Tokens, status: int) -> None:
    """The whole body of the error is that of the document."""
    path, more = ACCOUNTS[status]

    answer = tokens.client.post(path, **more)

    assert (answer.status_code, answer.json()) == (status, shown(status))


def test_the_limit_sends_the_example(database_url: str, redis_url: str) -> None:
    """The title and the type are those of the document; the detail has the seconds that are left."""
    with serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="2") as api:
        answers = [api.client.get("/latest") for _ in range(9)]

    refused = next(one for one in answers if one.status_code == 429).json()
    assert {**refused, "detail": ""} == {**shown(429), "detail": "", "instance": "/latest"}


def test_every_status_has_an_example_of_its_own_type() -> None:
    """Each example has the status, a type of the table, and the title that the code gives this type."""
    titles = {kind: title for kind, title in raised() if title}

    for status, (_, kinds) in PROBLEMS.items():
        kind = shown(status)["type"].rpartition("/")[2]
        assert shown(status)["status"] == status
        assert kind in kinds
        assert EXAMPLES[kind].title == titles.get(kind, EXAMPLES[kind].title)
    assert len(titles) > 20


def raised() -> Iterator[tuple[str, str]]:
    """Yield type and title of each problem that the code raises by literals."""
    for folder in ("functions", "shared"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                    texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
                    if len(texts) > 2:
                        yield f"{texts[1]}", f"{texts[2]}"
