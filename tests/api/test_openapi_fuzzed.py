"""Schemathesis against the whole running system: no answer that the published document does not know.

It makes requests from the published document, good ones and bad ones, for a bounded time, and looks at each answer:
no 5xx, only documented statuses, media types, header lines and bodies, nothing that the document forbids, nothing
without the token that is needed, nothing that was deleted.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest

from functions.insights.response_models import InsightsResponse
from tests.accounts import PASSWORD
from tests.reading import UNLIMITED
from tests.running import System
from tests.systems import StartSystem
from tests.waiting import wait_until

EVENING = "2026-11-20T22:00:00+00:00"
SECONDS = 25
PATIENT = {"LOGIN_ATTEMPTS": "100000", "LOGIN_ATTEMPTS_PER_ADDRESS": "100000", "REGISTRATIONS_PER_ADDRESS": "100000"}


@pytest.fixture(scope="module")
def system(start_system: StartSystem) -> System:
    """The whole system on a Friday evening, with ten sessions of an invented market."""
    settings = {**UNLIMITED, **PATIENT, "HISTORY_SESSIONS": "10"}
    system = start_system("--manual", **settings, CLOCK=f"{EVENING} {EVENING} 0")
    while system.tick().led_to:
        pass
    system.tick("insights")
    wait_until(lambda: system.get("/insights")["count"])
    return system


def test_insights_keep_the_contract(system: System) -> None:
    """Insights of the newest hour are valid by the models and by the published JSON Schema."""
    answer = system.get("/insights")

    InsightsResponse.model_validate(answer)
    document = system.get("/openapi.json")
    schema = {"$ref": "#/components/schemas/InsightsResponse", "components": document["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer)


def fuzz(system: System, folder: Path, *options: str) -> str:
    """Return the output of Schemathesis after its time is over; it starts from the document that the system publishes.

    Half of the tickers it makes up exist: otherwise it would see little else than 404.
    """
    published = httpx.get(f"{system.url}/api/openapi.json", timeout=30).text
    document = folder / "openapi.json"
    document.write_text(json.dumps(json.loads(published, object_hook=known_tickers)))
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "run", str(document), "--url", f"{system.url}/api",
        "--exclude-checks", "positive_data_acceptance",  # a schema cannot say that an instant lies ahead
        "--max-time", str(SECONDS), "--continue-on-failure", "--workers", "1",
        "--request-timeout", "20", "--seed", "20261120", "--no-color",
        "--suppress-health-check", "all", *options,
    ]  # fmt: skip
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS + 90)
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]
    return done.stdout


def known_tickers(part: dict[str, Any]) -> dict[str, Any]:
    """*part* of the document, with the names of tickers where it is a parameter that takes some."""
    if part.get("name") in ("ticker", "tickers") and "in" in part:
        part["schema"] = {"anyOf": [{"enum": ["AAPL", "KO", "brk.a"]}, part["schema"]]}
    return part


def test_anonymous_responses_match_the_contract(system: System, tmp_path: Path) -> None:
    """Without a token, everything that the document names."""
    output = fuzz(system, tmp_path)

    assert count_requests(output)
    assert_alive(system)


def test_responses_with_a_token_match_the_contract(system: System, tmp_path: Path) -> None:
    """With a token, everything but the end of the account."""
    form = {"email": "fuzz@example.com", "password": PASSWORD}
    assert httpx.post(f"{system.url}/api/users/register", data=form, timeout=30).status_code == 201
    login = {"username": "fuzz@example.com", "password": PASSWORD}
    token = httpx.post(f"{system.url}/api/token", data=login, timeout=30).json()["access_token"]

    output = fuzz(
        system, tmp_path, "--header", f"Authorization: Bearer {token}", "--exclude-operation-id", "delete_users_me"
    )

    assert count_requests(output)
    assert_alive(system)


def count_requests(output: str) -> int:
    """Return the number of requests in the output of Schemathesis, all of whose responses passed."""
    found = re.search(r"(\d+) generated, (\d+) passed", output)
    assert found, output[-2000:]
    assert found[1] == found[2]
    return int(found[1])


def assert_alive(system: System) -> None:
    """Check that all functions still respond and that no log has an unexpected error."""
    assert system.get("/latest")["count"] == 50
    for name in ("api", "insights", "token"):
        assert '"level": "error"' not in system.logs(name), system.logs(name)[-3000:]
        assert "Traceback" not in system.logs(name)
