"""A running system for the recipes, with a reader's token."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.accounts import PASSWORD
from tests.recipes.documents import HOST
from tests.running import System
from tests.systems import StartSystem

EVENING = "2026-11-20T22:00:00+00:00"


@dataclass(frozen=True)
class Deployment:
    """The deployment that a recipe reads."""

    system: System
    token: str

    def local(self, text: str) -> str:
        """Return *text* of a recipe with the address of this deployment."""
        return text.replace(HOST, self.system.url)

    def get(self, url: str) -> httpx.Response:
        """Return the response to a GET of an address of a recipe."""
        answer = httpx.get(self.local(url), headers={"Authorization": f"Bearer {self.token}"}, timeout=30)
        assert answer.status_code == 200, f"{url}: {answer.text}"
        return answer

    def json(self, url: str) -> Any:
        """Return the JSON at an address of a recipe."""
        return self.get(url).json()

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment of a program that a recipe runs."""
        return {"PATH": os.environ["PATH"], "HOME": str(Path.home()), "TOKEN": self.token, **more}


@pytest.fixture(scope="module")
def deployment(start_system: StartSystem) -> Deployment:
    """The whole system on a Friday evening, with thirty sessions of an invented market."""
    system = start_system(
        "--manual", HISTORY_SESSIONS="30", CLOCK=f"{EVENING} {EVENING} 0", ANONYMOUS_HISTORY_DAYS="30"
    )
    while system.tick().led_to:
        pass
    account = {"email": "recipes@example.com", "password": PASSWORD}
    httpx.post(f"{system.url}/api/users/register", data=account, timeout=30).raise_for_status()
    login = {"username": account["email"], "password": PASSWORD}
    answer = httpx.post(f"{system.url}/api/token", data=login, timeout=30).raise_for_status()
    return Deployment(system, answer.json()["access_token"])
