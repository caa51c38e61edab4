"""One fresh installation for all tests of the documents, with a reader's login and token."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.accounts import PASSWORD, bearer
from tests.documents.blocks import HOST, PUBLIC_HOST
from tests.running import System
from tests.systems import systems

EVENING = "2026-11-20T22:00:00+00:00"


@dataclass(frozen=True)
class Deployment:
    """The installation that the documents are about."""

    system: System
    login: str
    token: str

    def local(self, text: str) -> str:
        """Return *text* of a document with the address of this installation."""
        return text.replace(HOST, self.system.url).replace(PUBLIC_HOST, self.system.url)

    def get(self, url: str) -> httpx.Response:
        """Return the response to a GET of an address of a document."""
        answer = httpx.get(self.local(url), headers=bearer(self.token), timeout=30, follow_redirects=True)
        assert answer.status_code == 200, f"{url}: {answer.text}"
        return answer

    def json(self, url: str) -> Any:
        """Return the JSON at an address of a document."""
        return self.get(url).json()

    def environment(self) -> dict[str, str]:
        """Return the environment of a program of a document."""
        return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "TOKEN": self.token, "LOGIN": self.login}


@pytest.fixture(scope="package")
def deployment(
    postgres_server: str, migrated_database: str, amqp_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Deployment]:
    """The whole system as `make run` starts it, on a Friday evening, with thirty sessions of the simulated market."""
    with systems(postgres_server, migrated_database, amqp_url, tmp_path_factory) as start:
        history = {"HISTORY_SESSIONS": "30", "ANONYMOUS_HISTORY_DAYS": "30"}
        system = start("--manual", **history, CLOCK=f"{EVENING} {EVENING} 0")
        while system.tick().led_to:
            pass
        system.tick("insights")
        yield Deployment(system, *_log_in(system.url))


def _log_in(url: str) -> tuple[str, str]:
    """Return a login and a token of a new account."""
    account = {"email": "documents@example.com", "password": PASSWORD}
    httpx.post(f"{url}/api/users/register", data=account, timeout=30).raise_for_status()
    form = {"username": account["email"], "password": PASSWORD}
    login = httpx.post(f"{url}/api/token", data=form, timeout=30).raise_for_status().json()["access_token"]
    scopes = {"name": "documents", "scopes": ["read", "account", "alerts"]}
    answer = httpx.post(f"{url}/api/tokens", json=scopes, headers=bearer(login), timeout=30).raise_for_status()
    return login, answer.json()["token"]
