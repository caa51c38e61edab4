"""Logs contain no secret: every test scans the output that it caused (tests/conftest.py)."""

import httpx
import pytest

from shared.auth.token_format import new_token
from tests.accounts import PASSWORD, Tokens, bearer, serving_token_process
from tests.reading import Api, serving_process
from tests.secret_scan import find_secrets


@pytest.mark.parametrize(
    "line",
    [
        f"asked with {new_token()}",
        f"password={PASSWORD}",
        "connecting to postgresql://someone:pass@host/db",
        "GET https://api.example.com/time_series?symbol=AAPL&apikey=0123456789abcdef",
        "headers: {'Authorization': 'Bearer abcdefgh'}",
        "password_hash=$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA",
    ],
    ids=["token", "password", "address", "key", "bearer", "hash"],
)
def test_the_scan_finds_secrets(line: str) -> None:
    """The guard is awake, and does not repeat what it has found."""
    (found,) = find_secrets(f"before\n{line}\nafter")

    assert "***" in found
    assert PASSWORD not in found


@pytest.mark.parametrize("line", ["GET /tokens 401", "connecting to postgresql://host:5432/db", "Secret('***')"])
def test_the_scan_has_no_false_positives(line: str) -> None:
    """False alarms would make the scan useless."""
    assert find_secrets(line) == []


def test_faults_while_secrets_are_at_hand_do_not_tell_them(
    database_url: str, redis_url: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Even the traceback of a request that failed, with a password in it or a token, holds neither."""
    from tests.reading import change

    with serving_token_process(database_url, redis_url) as process, serving_process(database_url, redis_url) as api:
        tokens = Tokens(process.client)
        person = tokens.person("faulty")
        change(database_url, "ALTER TABLE tokens RENAME COLUMN scopes TO hidden")
        faults = [
            tokens.log_in("faulty"),
            person.client.post("/tokens", headers=person.headers, json={"name": "a"}),
            ask_unknown(api),
        ]
        written = capfd.readouterr()

    assert [fault.status_code for fault in faults] == [500, 500, 500]
    assert "Traceback" in written.out
    assert find_secrets(written.out + written.err) == []
    assert not any("Traceback" in fault.text or "hidden" in fault.text for fault in faults)


def ask_unknown(api: Api) -> httpx.Response:
    """The answer to a token that has to be looked up."""
    return api.client.get("/latest", headers=bearer(new_token()))
