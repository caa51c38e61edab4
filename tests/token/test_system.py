"""Accounts through the one public host, as `up` serves it: what a stranger does in the first five minutes."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from tests.accounts import PASSWORD, bearer, read_limits
from tests.running import System, running
from tests.waiting import until_a_minute_has

ACCOUNT = {"email": "stranger@example.com", "password": PASSWORD}
LOGIN = {"username": ACCOUNT["email"], "password": PASSWORD}


@pytest.fixture(scope="module")
def system(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: str, module_redis_url: str, amqp_url: str
) -> Iterator[System]:
    """The system with the limits that it has by itself, and simulated bars of three months."""
    from tests.conftest import new_database

    folder = tmp_path_factory.mktemp("system")
    with redis.Redis.from_url(module_redis_url) as client:  # what other tests have counted for this address
        for name in client.scan_iter("*:limit:*"):
            client.delete(name)
    with new_database(postgres_server) as url:
        given = {"DATABASE_URL": url, "REDIS_URL": module_redis_url, "AMQP_URL": amqp_url, "PROVIDERS": "simulated"}
        limits = {"RATE_LIMIT_ANONYMOUS": "200", "RATE_LIMIT_TOKEN": "2000", "ANONYMOUS_HISTORY_DAYS": "30"}
        with running(folder, {**given, **limits, "TICKERS": "AAPL,MSFT"}, "--manual") as system:
            assert system.tick().code == 200
            yield system


def test_a_stranger_registers_and_reads_the_whole_history(system: System) -> None:
    """Register, log in, read: by the paths of the first system, under one host."""
    url = f"{system.url}/api"
    registered = httpx.post(f"{url}/users/register", data=ACCOUNT, timeout=30)
    again = httpx.post(f"{url}/users/register", data=ACCOUNT, timeout=30)
    given = httpx.post(f"{url}/token", data=LOGIN, timeout=30).json()
    headers = bearer(given["access_token"])
    latest = httpx.get(f"{url}/latest", headers=headers, timeout=30)
    whole = httpx.get(f"{url}/ohlc/AAPL?limit=5000", headers=headers, timeout=30).json()["items"]
    open_to_all = httpx.get(f"{url}/ohlc/AAPL?limit=5000", timeout=30).json()["items"]

    assert [registered.status_code, again.status_code, latest.status_code] == [201, 409, 200]
    assert given["token_type"] == "bearer"
    assert latest.json()["count"] == 2
    assert len(whole) > len(open_to_all) > 100
    assert whole[-len(open_to_all) :] == open_to_all
    assert read_limits(latest)[0] == 2000


def test_tokens_are_looked_after_under_the_same_host(system: System) -> None:
    """/tokens beside /token, and addresses of what was made that lead where they should behind the prefix."""
    url = f"{system.url}/api"
    httpx.post(f"{url}/users/register", data=ACCOUNT, timeout=30)
    headers = bearer(httpx.post(f"{url}/token", data=LOGIN, timeout=30).json()["access_token"])
    made = httpx.post(f"{url}/tokens", headers=headers, json={"name": "laptop"}, timeout=30)
    where = made.url.join(made.headers["location"])
    rotated = httpx.post(f"{where}/rotate", headers=headers, timeout=30)
    ended = [
        httpx.delete(one, headers=headers, timeout=30).status_code
        for one in (where, rotated.url.join(rotated.headers["location"]))
    ]
    time.sleep(1)

    assert (made.status_code, rotated.status_code, ended) == (201, 201, [204, 204])
    for token in (made.json()["token"], rotated.json()["token"]):
        assert httpx.get(f"{url}/latest", headers=bearer(token), timeout=30).status_code == 401


def test_naming_another_address_does_not_help(system: System) -> None:
    """The front door appends the peer address to X-Forwarded-For; what a client sent before it is ignored."""
    until_a_minute_has(25)
    with httpx.Client(base_url=f"{system.url}/api") as client:
        statuses = [
            client.get("/latest", headers={"X-Forwarded-For": f"198.51.100.{number % 250}"}).status_code
            for number in range(260)
        ]

    assert 185 <= statuses.count(200) <= 210
    assert statuses[-1] == 429


def test_the_key_of_the_tokens_outlives_a_restart(tmp_path: Path) -> None:
    """A run makes a key of its own, for its owner's eyes only, and keeps it; one that is given wins."""
    from knative.local.generated_secrets import generate_secrets

    first, second = generate_secrets(tmp_path, {}), generate_secrets(tmp_path, {"API_TOKEN_SECRET": ""})

    assert first == second
    assert len(first["API_TOKEN_SECRET"]) >= 32
    assert [oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()] == ["0o600"]
    assert generate_secrets(tmp_path, {"API_TOKEN_SECRET": "given"}) == {}
