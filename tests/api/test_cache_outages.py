"""Responses while Redis or Postgres is stopped, hangs or comes back: cached ones, marked stale."""

import os
import signal
import statistics
import time
from pathlib import Path

import redis

from knative.local.services.postgres import Postgres
from knative.local.services.redis import Redis
from tests.api.asking import REVISE, revision, wait_until_kept
from tests.reading import change, serving
from tests.waiting import wait_until


def test_without_redis_answers_go_on(stored: str, own_redis: Redis) -> None:
    """Redis stops and returns: nothing is refused, commits are seen within a second, and Redis is used again."""
    with serving(stored, own_redis.url) as api:
        api.get("/latest")
        own_redis.stop()

        change(stored, REVISE)
        wait_until(lambda: revision(api) == 1)
        change(stored, REVISE)
        wait_until(lambda: revision(api) == 2)
        took = [api.get(path).elapsed.total_seconds() for path in ("/movers", "/ohlc/AAPL", "/coverage", "/status")]
        assert statistics.median(took) < 0.45, "no request waits for a Redis that is known to be down"

        own_redis.start()
        with redis.Redis.from_url(own_redis.url) as client:
            wait_until(lambda: api.get("/latest") and client.keys("*:market:epoch"))


def test_a_start_without_redis_is_a_start(stored: str) -> None:
    """A copy that has never seen Redis answers from Postgres."""
    with serving(stored, "redis://127.0.0.1:1/0") as api:
        assert api.json("/latest")["count"] == 2


def test_a_redis_that_hangs_is_left_alone(stored: str, own_redis: Redis) -> None:
    """A Redis that accepts and never answers costs one request its time limit, not everyone for ever."""
    with serving(stored, own_redis.url) as api:
        api.get("/latest")
        os.kill(pid_of(own_redis), signal.SIGSTOP)
        try:
            time.sleep(1.0)  # until the epoch has to be asked for again
            first = api.get("/latest").elapsed.total_seconds()
            took = [api.get(f"/ohlc/AAPL?limit={n}").elapsed.total_seconds() for n in range(1, 6)]
        finally:
            os.kill(pid_of(own_redis), signal.SIGCONT)

    assert first < 3
    assert statistics.median(took) < 0.45


def pid_of(server: Redis | Postgres) -> int:
    """The process id of a private server."""
    process = server._process
    assert process is not None
    return process.pid


def test_without_postgres_kept_answers_are_marked_stale(own_postgres: Postgres, redis_url: str) -> None:
    """Without Postgres cached responses are marked stale, others are 503; both recover when it returns."""
    with serving(own_postgres.url, redis_url) as api:
        fresh = {path: api.get(path) for path in ("/latest", "/ohlc/AAPL", "/ohlc/MSFT?format=csv", "/tickers")}
        own_postgres.stop()

        wait_until(lambda: "x-stale" in api.get("/latest").headers)
        stale = {path: api.get(path) for path in fresh}
        for path in ("/latest", "/ohlc/AAPL", "/tickers"):
            assert stale[path].content == fresh[path].content.replace(b'"stale":false', b'"stale":true')
            assert stale[path].content != fresh[path].content
            assert stale[path].headers["etag"] != fresh[path].headers["etag"]
        assert stale["/ohlc/MSFT?format=csv"].content == fresh["/ohlc/MSFT?format=csv"].content
        for answer in stale.values():
            assert answer.headers["x-stale"] == "true"
            assert "max-age=5," in answer.headers["cache-control"]
        missing = api.get("/movers", 503)
        assert missing.json()["type"] == "https://stocksalot.tech/problems/database-unavailable"
        assert int(missing.headers["retry-after"]) >= 1
        assert statistics.median(api.get("/latest").elapsed.total_seconds() for _ in range(20)) < 0.5

        own_postgres.start()
        wait_until(lambda: api.client.get("/movers").status_code == 200)
        wait_until(lambda: "x-stale" not in api.get("/latest").headers)
        assert api.get("/latest").content == fresh["/latest"].content


def test_a_fresh_copy_gives_stale_answers_from_redis(own_postgres: Postgres, redis_url: str) -> None:
    """A copy that starts while Postgres is down gives what others left in Redis, marked stale, and 503 for the rest."""
    with serving(own_postgres.url, redis_url) as api:
        fresh = api.get("/latest").content
        wait_until_kept(redis_url)
    own_postgres.stop()
    with redis.Redis.from_url(redis_url) as client:
        client.delete(*client.keys("*:market:epoch"))

    with serving(own_postgres.url, redis_url) as api:
        answer = api.get("/latest")
        api.get("/movers", 503)

    assert answer.headers["x-stale"] == "true"
    assert answer.content == fresh.replace(b'"stale":false', b'"stale":true')


def test_without_redis_and_postgres_memory_serves_stale_responses(own_postgres: Postgres, own_redis: Redis) -> None:
    """Postgres and Redis both stop: what this process has given before it gives again, marked stale."""
    with serving(own_postgres.url, own_redis.url) as api:
        api.get("/latest")
        own_redis.stop()
        own_postgres.stop()

        wait_until(lambda: "x-stale" in api.client.get("/latest").headers)
        assert api.json("/latest")["stale"] is True
        api.get("/movers", 503)


def test_a_postgres_that_hangs_is_not_waited_for(own_postgres: Postgres, redis_url: str) -> None:
    """With a Postgres that hangs, cached responses are served, marked stale, until it responds again."""
    with serving(own_postgres.url, redis_url) as api:
        api.get("/latest")
        stopped = [pid_of(own_postgres), *children(pid_of(own_postgres))]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        try:
            wait_until(lambda: "x-stale" in api.get("/latest").headers)
            assert statistics.median(api.get("/latest").elapsed.total_seconds() for _ in range(5)) < 0.5
            assert api.client.get("/movers").status_code == 503
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: api.client.get("/movers").status_code == 200)
        wait_until(lambda: "x-stale" not in api.get("/latest").headers)


def children(pid: int) -> list[int]:
    """The process ids of a process's children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_restart_of_postgres_costs_no_answer(own_postgres: Postgres, redis_url: str) -> None:
    """After a restart of Postgres the next request opens new connections and succeeds."""
    with serving(own_postgres.url, redis_url) as api:
        api.get("/latest")
        own_postgres.stop()
        own_postgres.start()
        change(own_postgres.url, REVISE, redis_url)

        wait_until(lambda: revision(api) == 1)
        assert api.json("/movers")["stale"] is False
