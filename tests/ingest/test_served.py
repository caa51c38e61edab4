"""Companies are fetched too, and the function holds as its image would start it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import httpx

from shared.events.types import CompaniesFetched
from tests.fake_vendors import KEY, OTHER_KEY, Vendors
from tests.ingest.ingest_harness import FRIDAY_EVENING, ROOT, IngestHarness, fetched
from tests.waiting import wait_until


class TestCompanies:
    """Profiles."""

    def test_without_a_key_the_catalogue_stays(self, open_harness: Callable[..., IngestHarness]) -> None:
        """204, nothing is asked."""
        assert open_harness().tick(job="companies").status_code == 204

    def test_profiles_are_fetched_when_they_are_old_or_only_from_the_catalogue(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """All 50 fit into a minute; a week later they are due again."""
        harness = open_real_harness(finnhub_api_key=KEY)
        answer = harness.tick(job="companies")
        event = CompaniesFetched.from_json(answer.content)
        stored = harness.post(answer.content, dict(answer.headers), store=True)
        again = harness.tick(job="companies")
        harness.clock.forward(days=7, minutes=1)
        week_later = harness.tick({"tickers": ["KO"]}, job="companies")

        assert (event.source, len(event.companies), stored.status_code) == ("finnhub", 50, 204)
        assert (again.status_code, week_later.status_code) == (204, 200)
        assert {one["key_in"] for one in upstream.requests()} == {"header"}

    def test_a_failing_vendor_makes_the_broker_try_again(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """503 as with bars."""
        upstream.misbehave("bad_gateway", vendor="finnhub", times=10)

        assert open_real_harness(finnhub_api_key=KEY).tick(job="companies").status_code == 503


class TestServed:
    """The function as it is deployed: one process, by the one command."""

    def test_a_process_of_its_own_answers_ticks(
        self, database_url: str, redis_url: str, upstream: Vendors, port: int
    ) -> None:
        """`python -m shared.runtime.server` serves it; its log is JSON lines without keys, and it ends on SIGTERM."""
        environment = {
            **os.environ,
            "FUNCTION_TARGET": "ingest",
            "FUNCTION_SOURCE": "functions/ingest/main.py",
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TWELVEDATA_API_KEYS": KEY,
            "TWELVEDATA_BASE_URL": upstream.url,
            "FINNHUB_API_KEY": OTHER_KEY,
            "CLOCK": f"{FRIDAY_EVENING.isoformat()} {datetime.now(UTC).isoformat()} 0",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.runtime.server"],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        headers = {"ce-id": "1", "ce-source": "/t", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}

        def answer() -> httpx.Response | None:
            assert process.poll() is None
            try:
                return httpx.post(f"http://127.0.0.1:{port}/", headers=headers, timeout=30)
            except httpx.ConnectError:
                return None

        answered = wait_until(answer)
        process.terminate()
        log, _ = process.communicate(timeout=10)

        assert answered is not None
        assert answered.status_code == 200, log
        assert len(fetched(answered).series) == 8, log
        assert "credits=8" in log
        assert all(json.loads(line)["level"] for line in log.splitlines())
        assert KEY not in log
        assert OTHER_KEY not in log


def test_settings_are_checked_at_start(database_url: str, redis_url: str) -> None:
    """A function that cannot work ends at once and names the variable, not its value."""
    environment = {
        "PATH": os.environ["PATH"],
        "K_SERVICE": "ingest",
        "DATABASE_URL": database_url,
        "REDIS_URL": "s3cret",
        "FINNHUB_API_KEY": "s3cret",
    }
    done = subprocess.run(
        [sys.executable, "-m", "shared.runtime.server"],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "REDIS_URL" in done.stderr
    assert "s3cret" not in done.stderr
