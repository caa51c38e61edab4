"""Rate limits of the api over all copies, and their headers."""

import asyncio
import time
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from knative.local.services.redis import Redis as RedisServer
from tests.accounts import bearer, read_limits, serving_tokens
from tests.reading import Api, serving, serving_process
from tests.waiting import wait_until

LIMIT = 300

pytestmark = pytest.mark.usefixtures("still_minute")


async def crowd(urls: list[str], clients: int, requests: int, headers: dict[str, str] | None = None) -> list[int]:
    """The statuses of so many requests from so many clients at once, spread over *urls*."""
    waiting = list(range(requests))

    async def ask(client: httpx.AsyncClient) -> list[int]:
        statuses = []
        while waiting:
            number = waiting.pop()
            statuses.append((await client.get(urls[number % len(urls)], headers=headers)).status_code)
        return statuses

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=clients), timeout=30) as client:
        return [status for some in await asyncio.gather(*(ask(client) for _ in range(clients))) for status in some]


@pytest.mark.parametrize(("who", "copies"), [("an address", 1), ("a token", 2)])
def test_a_limit_holds_within_five_percent(database_url: str, redis_url: str, who: str, copies: int) -> None:
    """Fifty clients at once, over one copy or two: as many are served as the limit says, give or take a twentieth."""
    limits = {"RATE_LIMIT_ANONYMOUS": f"{LIMIT}", "RATE_LIMIT_TOKEN": f"{LIMIT}"}
    with ExitStack() as stack:
        headers = {}
        if who == "a token":
            tokens = stack.enter_context(serving_tokens(database_url, redis_url))
            headers = bearer(tokens.person("many").token)
        apis = [stack.enter_context(serving_process(database_url, redis_url, **limits)) for _ in range(copies)]
        urls = [f"{api.client.base_url}/latest" for api in apis]
        before = sum(60 - read_limits(api.get("/latest"))[2] >= 0 for api in apis) if not headers else 0
        first = time.time() // 60
        statuses = asyncio.run(crowd(urls, 50, 3 * LIMIT, headers))
        minutes = 1 + time.time() // 60 - first

    assert set(statuses) == {200, 429}
    assert 0.95 * LIMIT <= statuses.count(200) + before <= 1.05 * LIMIT * minutes


def test_the_fields_say_what_is_left(database_url: str, redis_url: str) -> None:
    """The policy, what is left after this request, one less each time, and the seconds to the next minute; then 429.

    What Redis counts and does not confirm within half a second is counted once more, in favour of the limit.
    """
    with serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="60") as api:
        began = time.monotonic()
        answers = [api.get("/latest") for _ in range(40)]
        while (refused := api.client.get("/latest")).status_code == 200:
            answers.append(refused)
        took = time.monotonic() - began

    limits = [read_limits(answer) for answer in answers]
    assert {limit for limit, _, _ in limits} == {60}
    lefts = [left for _, left, _ in limits]
    assert lefts == sorted(set(lefts), reverse=True)
    if all(answer.elapsed.total_seconds() < 0.5 for answer in [*answers, refused]):
        assert lefts == list(range(lefts[0], -1, -1))
    assert lefts[0] in (58, 59)  # one request went before
    seconds = [left for _, _, left in limits]
    assert seconds == sorted(seconds, reverse=True)
    assert 58 - took <= seconds[-1] <= seconds[0] <= 60
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert refused.json()["violated-policies"] == ["default"]
    assert read_limits(refused)[:2] == (60, 0)
    assert 58 - took <= int(refused.headers["retry-after"]) <= 60


def test_every_kind_of_request_counts(database_url: str, redis_url: str) -> None:
    """Unchanged responses, HEAD, OPTIONS, errors and wrong methods count like any other."""
    with serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="1000") as api:
        tag = api.get("/latest").headers["etag"]
        left = read_limits(api.get("/latest"))[1]
        for method, path, headers, status in (
            ("GET", "/latest", {"If-None-Match": tag}, 304),
            ("HEAD", "/latest", {}, 200),
            ("GET", "/nothing", {}, 404),
            ("GET", "/movers?limit=x", {}, 400),
            ("POST", "/latest", {}, 405),
            ("OPTIONS", "/latest", {}, 204),
        ):
            answer = api.client.request(method, path, headers=headers)
            assert answer.status_code == status
            assert read_limits(answer)[1] == left - 1, path
            left -= 1


def test_accounts_and_addresses_have_separate_limits(database_url: str, redis_url: str) -> None:
    """An account with all its tokens is one, its address another, and another account a third."""
    limit = {"RATE_LIMIT_TOKEN": "3000"}
    with (
        serving_tokens(database_url, redis_url, **limit) as tokens,
        serving(database_url, redis_url, **limit) as api,
    ):
        one, other = tokens.person("one"), tokens.person("other")
        second = one.make(scopes=["read"])["token"]
        asked = [one.token, second, one.token, other.token]
        lefts = [read_limits(api.get("/latest", Authorization=f"Bearer {token}"))[:2] for token in asked]
        before, after = (read_limits(api.get("/latest"))[1] for _ in range(2))

    assert [limit for limit, _ in lefts] == [3000] * 4
    # A thirtieth each is leased by the function that made the tokens.
    assert [left for _, left in lefts[:3]] == sorted((left for _, left in lefts[:3]), reverse=True)
    assert 2900 < lefts[2][1] < lefts[0][1] == lefts[3][1] == 2999
    assert 9_800_000 < after < before  # that function leases of the address, too


def test_guessing_tokens_ends_soon(database_url: str, redis_url: str) -> None:
    """Look-ups of unknown tokens by one address are limited like its anonymous requests."""
    from shared.auth.token_format import new_token

    with serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="50") as api:
        statuses = [api.client.get("/latest", headers=bearer(new_token())).status_code for _ in range(60)]
        plain = api.client.get("/latest").status_code

    assert 45 <= statuses.count(401) <= 50
    assert (statuses[-1], plain) == (429, 200)


def test_a_token_is_served_where_the_address_has_used_its_limit_up(database_url: str, redis_url: str) -> None:
    """That is what it is for: many behind one address, some of them with a token."""
    with (
        serving_tokens(database_url, redis_url) as tokens,
        serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="20") as api,
    ):
        person = tokens.person("crowded")
        while api.client.get("/latest").status_code != 429:
            pass
        answers = [api.client.get("/latest", headers=person.headers).status_code for _ in range(5)]

        assert answers == [200] * 5
        assert api.client.get("/latest").status_code == 429


def test_nobody_gets_more_by_naming_another_address(database_url: str, redis_url: str) -> None:
    """Behind one proxy, only what that proxy appended to X-Forwarded-For is counted."""
    with serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="50") as api:
        spoofed = [
            api.client.get("/latest", headers={"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9"}).status_code
            for number in range(60)
        ]
        elsewhere = api.client.get("/latest", headers={"X-Forwarded-For": "203.0.113.10"}).status_code

    assert 48 <= spoofed.count(200) <= 51
    assert elsewhere == 200


def test_most_requests_ask_redis_nothing(database_url: str, redis_url: str) -> None:
    """A thousand requests with a token are a few questions: leases, the token looked up twice a second, the epoch."""
    import redis

    with (
        serving_tokens(database_url, redis_url) as tokens,
        serving(database_url, redis_url) as api,
        redis.Redis.from_url(redis_url) as client,
    ):
        headers = bearer(tokens.person("busy").token)
        for _ in range(10):
            api.client.get("/latest", headers=headers)
        time.sleep(0.5)
        before, began = calls(client), time.monotonic()
        for _ in range(1000):
            api.client.get("/latest", headers=headers)
        asked, seconds = calls(client) - before, time.monotonic() - began

    assert asked < 20 + 30 * seconds, (asked, seconds)


def calls(client: Any) -> int:
    """Return the number of commands that Redis has executed, without those that ask for it."""
    stats = client.info("commandstats")
    return sum(stat["calls"] for name, stat in stats.items() if name not in ("cmdstat_info", "cmdstat_client|setinfo"))


def test_without_redis_each_process_counts_for_itself(database_url: str, tmp_path: Any) -> None:
    """Nothing is refused because Redis is away, and a copy still serves no more than the limit."""
    with serving(database_url, "redis://127.0.0.1:1/0", RATE_LIMIT_ANONYMOUS="100") as api:
        statuses = [api.client.get("/latest").status_code for _ in range(120)]

    assert statuses[:95] == [200] * 95
    assert 98 <= statuses.count(200) <= 100
    assert statuses[-1] == 429


def test_a_redis_that_goes_and_comes_refuses_nobody(database_url: str, tmp_path: Any) -> None:
    """Below the limit every request is served while Redis stops and starts."""
    import os

    server = RedisServer(tmp_path / "redis", {**os.environ, "REDIS_URL": ""}, fast=True)
    server.start()
    try:
        with serving(database_url, server.url, RATE_LIMIT_ANONYMOUS="3000") as api:
            statuses = [api.client.get("/latest").status_code for _ in range(50)]
            server.stop()
            statuses += [api.client.get("/latest").status_code for _ in range(50)]
            server.start()
            statuses += [api.client.get("/latest").status_code for _ in range(50)]
    finally:
        server.stop()

    assert set(statuses) == {200}


def test_two_apis_are_no_more_than_one(api_pair: tuple[Api, Api]) -> None:
    """Two replicas share one count."""
    one, other = api_pair
    for _ in range(50):
        one.get("/latest")

    wait_until(lambda: read_limits(other.get("/latest"))[1] <= 300 - 50)


@pytest.fixture
def api_pair(database_url: str, redis_url: str) -> Any:
    """Two copies of api."""
    with (
        serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="300") as one,
        serving(database_url, redis_url, RATE_LIMIT_ANONYMOUS="300") as other,
    ):
        yield one, other
