"""Who steals the database, or guesses, has nothing; who is many at once is bounded."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.auth.token_format import is_well_formed, keyed_hash, new_token
from tests.people import PASSWORD, Person, Tokens, bearer, serving_tokens
from tests.reading import ROOT, UNLIMITED
from tests.token.rooms import rows


def test_a_stolen_database_opens_nothing(tokens: Tokens, person: Person, database: str) -> None:
    """A dump holds no token, no password, and no hash that could be made of a token without the key."""
    made = person.make()["token"]
    dump = "\n".join(
        str(row[0])
        for table in rows(database, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        for row in rows(database, f"SELECT t::text FROM {table[0]} AS t")
    )

    assert keyed_hash(UNLIMITED["API_TOKEN_SECRET"], made.encode()) in dump  # so it is what one would look for
    for secret in (made, made[4:], person.token, PASSWORD):
        assert secret not in dump
        for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.blake2b):
            assert digest(secret.encode()).hexdigest() not in dump
    assert UNLIMITED["API_TOKEN_SECRET"] not in dump
    (kept,) = rows(database, "SELECT encode(hash, 'hex') FROM tokens ORDER BY created_at DESC LIMIT 1")[0]
    assert tokens.client.get("/tokens", headers=bearer(kept)).status_code == 401


def test_another_key_makes_all_tokens_invalid(database: str, redis_url: str, person: Person) -> None:
    """Who changes API_TOKEN_SECRET has ended every token."""
    with serving_tokens(database, redis_url, API_TOKEN_SECRET="another secret, as long as it has to be") as tokens:
        assert tokens.client.get("/tokens", headers=person.headers).status_code == 401


@pytest.mark.parametrize("function", ["api", "token"])
@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_no_function_starts_without_a_good_key(function: str, secret: str) -> None:
    """The process ends, says which variable to set and how, and not what it held."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "K_SERVICE": function,
        "DATABASE_URL": "postgresql://x@y/z",
        "REDIS_URL": "redis://y",
        "API_TOKEN_SECRET": secret,
    }
    done = subprocess.run(
        [sys.executable, "-m", "shared.runtime.server"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )

    assert done.returncode != 0
    assert "API_TOKEN_SECRET" in done.stderr
    assert len(secret) < 31 or secret not in done.stderr


def test_tokens_are_recognised_by_themselves() -> None:
    """The prefix, 32 random letters and digits, and their checksum: any slip of a letter is noticed."""
    token = new_token()

    assert len({new_token() for _ in range(1000)}) == 1000
    assert (token[:4], len(token), is_well_formed(token.encode())) == ("sal_", 42, True)
    for place in range(4, len(token)):
        other = "a" if token[place] != "a" else "b"
        assert not is_well_formed((token[:place] + other + token[place + 1 :]).encode()), place
    for wrong in (
        b"",
        b"sal_",
        token.encode()[:-1],
        token.encode() + b"a",
        token.lower().encode() + b"\n",
        b"\xff" * 42,
    ):
        assert not is_well_formed(wrong)


def test_many_logins_at_once_stay_within_the_pod(database_url: str, redis_url: str) -> None:
    """Forty at the same moment: each is served or told to come back, and memory stays below the pod's 256 MiB."""
    with serving_tokens(database_url, redis_url, LOGIN_ATTEMPTS="1000") as tokens:
        tokens.register("crowd@example.com")
        tokens.client.timeout = 120
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: tokens.log_in("crowd@example.com"), range(40)))
        status = Path(f"/proc/{tokens.api.process.pid}/status")
        peak = next(
            (int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")), 0
        ) if status.exists() else 0  # fmt: skip

    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 20
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    assert peak < 240 * 1024
