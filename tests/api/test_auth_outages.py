"""Tokens while Redis or Postgres is away: good ones stay good, revoked ones stop all the same."""

import time

from knative.local.services.postgres import Postgres
from knative.local.services.redis import Redis
from tests.accounts import bearer, serving_tokens
from tests.api.asking import HISTORY, status, until_refused
from tests.reading import change, serving


def test_without_redis_tokens_are_looked_up_in_postgres(database: str, own_redis: Redis) -> None:
    """Without Redis tokens are valid, a revocation takes effect within a second, and no request is refused."""
    with serving_tokens(database, own_redis.url) as tokens, serving(database, own_redis.url, **HISTORY) as api:
        person = tokens.person("noredis")
        made = person.make()
        assert status(api, made["token"]) == 200
        own_redis.stop()
        time.sleep(1)
        after = [status(api, made["token"]) for _ in range(5)]
        new = person.make()
        person.ask("DELETE", f"/tokens/{made['id']}", 204)

        assert after == [200] * 5
        assert status(api, new["token"]) == 200
        assert until_refused([api], made["token"]) < 4


def test_a_revocation_that_missed_redis_takes_effect_within_seven_seconds(database: str, own_redis: Redis) -> None:
    """A token revoked by a function that cannot reach Redis stops within seven seconds where Redis still knows it."""
    with serving_tokens(database, own_redis.url) as tokens, serving(database, own_redis.url, **HISTORY) as api:
        made = tokens.person("cutoff").make()
        assert status(api, made["token"]) == 200
        change(database, f"UPDATE tokens SET revoked_at = now() WHERE token_id = '{made['id']}'")

        assert until_refused([api], made["token"]) < 12


def test_without_postgres_known_tokens_stay_good(own_redis: Redis, own_postgres: Postgres) -> None:
    """Postgres is away: a token that was used within the hour goes on, in a copy that has not met it too.

    An unknown token gets 503, not 401. Without Redis too, a copy accepts the tokens that it has seen.
    """
    urls = own_postgres.url, own_redis.url
    with serving_tokens(*urls) as tokens, serving(*urls, **HISTORY) as api:
        person = tokens.person("lasting")
        unused = person.make()["token"]
        assert status(api, person.token) == 200
        time.sleep(0.3)
        own_postgres.stop()
        time.sleep(6)
        known, unknown = status(api, person.token), api.client.get("/latest", headers=bearer(unused))
        anonymous = api.client.get("/latest").status_code
        with serving(*urls, **HISTORY) as fresh:
            elsewhere = status(fresh, person.token)
        own_redis.stop()
        time.sleep(2)
        alone, stranger = status(api, person.token), status(api, unused)

    assert (known, anonymous, elsewhere) == (200, 200, 200)
    assert (unknown.status_code, unknown.headers["retry-after"]) == (503, "5")
    assert unknown.json()["type"].endswith("/token-unverifiable")
    assert (alone, stranger) == (200, 503)
