"""Client of the function token, and accounts that it has registered and logged in."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from functions.token import passwords
from functions.token.settings import Settings
from shared.runtime.settings import read_settings
from tests.in_process import serving_handler
from tests.reading import UNLIMITED, Api, serving_process
from tests.waiting import wait_until

PASSWORD = "swordfish of the tests"
GENEROUS = {"REGISTRATIONS_PER_ADDRESS": "10000", "LOGIN_ATTEMPTS_PER_ADDRESS": "10000"}


@dataclass(frozen=True)
class Tokens:
    """A client of the function token."""

    client: httpx.Client

    def register(self, email: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """The answer to a registration."""
        return self.client.post("/users/register", data={"email": email, "password": password, **more})

    def log_in(self, name: str, password: str = PASSWORD, **more: str) -> httpx.Response:
        """The answer to a login."""
        return self.client.post("/token", data={"username": name, "password": password, **more})

    def person(self, name: str) -> "Person":
        """A new account, logged in."""
        assert self.register(f"{name}@example.com", username=name).status_code == 201
        answer = self.log_in(name)
        assert answer.status_code == 200, answer.text
        return Person(self.client, answer.json()["access_token"])


@dataclass(frozen=True)
class Person:
    """An account with a token."""

    client: httpx.Client
    token: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of its requests."""
        return bearer(self.token)

    def ask(self, method: str, path: str, status: int = 200, **more: Any) -> httpx.Response:
        """Send a request with the token and return the response; any other status fails the test."""
        answer = self.client.request(method, path, headers=self.headers, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer

    def make(self, **fields: Any) -> dict[str, Any]:
        """Another token of the account, as the response shows it."""
        return self.ask("POST", "/tokens", 201, json={"name": "another", **fields}).json()

    def ids(self) -> dict[str, str]:
        """The ids of its tokens by name."""
        return {item["name"]: item["id"] for item in self.ask("GET", "/tokens").json()["items"]}


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def wait_until_refused(client: httpx.Client, *tokens: str) -> None:
    """Return when *tokens* are refused; their revocation has a second to take effect."""
    for one in tokens:
        wait_until(lambda one=one: client.get("/users/me", headers=bearer(one)).status_code == 401)


@contextmanager
def serving_tokens(database_url: str, redis_url: str, **settings: str) -> Iterator[Tokens]:
    """Run the function token in this process; a password costs a thousandth of the time it costs in a real one."""
    from functions.token.app import make_handler

    environment = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **UNLIMITED, **GENEROUS, **settings}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "MEMORY_KIB", 64)
        patch.setattr(passwords, "TIME_COST", 1)
        with serving_handler(make_handler(read_settings(Settings, environment))) as client:
            yield Tokens(client)


@contextmanager
def serving_token_process(database_url: str, redis_url: str, **settings: str) -> Iterator[Api]:
    """Run the function token as its image does, where the process is the point."""
    with serving_process(database_url, redis_url, None, **{"K_SERVICE": "token", **GENEROUS, **settings}) as api:
        yield api


def read_limits(answer: httpx.Response) -> tuple[int, int, int]:
    """The limit, the requests left, and the seconds until the window ends."""
    policy = re.fullmatch(r'"default";q=(\d+);w=60', answer.headers["ratelimit-policy"])
    left = re.fullmatch(r'"default";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert policy, answer.headers
    assert left, answer.headers
    return int(policy[1]), int(left[1]), int(left[2])
