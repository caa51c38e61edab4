"""Stolen databases, weak keys and floods of logins."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.auth.token_format import is_well_formed, keyed_hash, new_token
from tests.accounts import PASSWORD, Person, Tokens, bearer, serving_token_process
from tests.reading import ROOT, UNLIMITED
from tests.token.rows import rows


def test_a_stolen_database_is_useless(tokens: Tokens, person: Person, database: str) -> None:
    """A dump has no token, no password, and no hash of them that can be computed without the key."""
    made = person.make()["token"]
    dump = "\n".join(
        str(row[0])
        for table in rows(database, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
        for row in rows(database, f"SELECT t::text FROM {table[0]} AS t")
    )

    assert keyed_hash(UNLIMITED["API_TOKEN_SECRET"], made.encode()) in dump  # the search finds what is there
    for secret in (made, made[4:], person.token, PASSWORD):
        assert secret not in dump
        for digest in (hashlib.sha256, hashlib.sha1, hashlib.md5, hashlib.blake2b):
            assert digest(secret.encode()).hexdigest() not in dump
    assert UNLIMITED["API_TOKEN_SECRET"] not in dump
    (kept,) = rows(database, "SELECT encode(hash, 'hex') FROM tokens ORDER BY created_at DESC LIMIT 1")[0]
    assert tokens.client.get("/tokens", headers=bearer(kept)).status_code == 401


@pytest.mark.parametrize("function", ["api", "token"])
@pytest.mark.parametrize("secret", ["", "short", "x" * 31])
def test_a_function_needs_a_strong_key(function: str, secret: str) -> None:
    """The process ends and names the variable, but not its value."""
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


def test_a_token_has_a_checksum() -> None:
    """The prefix, 32 random letters and digits, and their checksum, which any wrong letter breaks."""
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
    """Forty logins at once are each a 200 or a 503 with Retry-After, lock no account, and fit into the pod's memory."""
    with serving_token_process(database_url, redis_url) as api:
        tokens = Tokens(api.client)
        tokens.register("crowd@example.com")
        tokens.client.timeout = 120
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: tokens.log_in("crowd@example.com"), range(40)))
        status = Path(f"/proc/{api.pid}/status")
        after = tokens.log_in("crowd@example.com").status_code
        peak = next(
            (int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM")), 0
        ) if status.exists() else 0  # fmt: skip

    assert after == 200
    assert {answer.status_code for answer in answers} <= {200, 503}
    assert sum(answer.status_code == 200 for answer in answers) >= 20
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 503)
    assert peak < 240 * 1024
