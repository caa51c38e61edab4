"""The whole system behind a PgBouncer that gives each transaction another server, of which there are three."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import psycopg
import pytest

from knative.local.backup import back_up
from knative.local.run_folder import CannotRunError
from tests.accounts import PASSWORD
from tests.conftest import new_database
from tests.pooler import pooled
from tests.running import System, running
from tests.store_harness import BARS, bar, fetched, headers
from tests.system.watching import FRIDAY_EVENING
from tests.waiting import wait_until

EVENING = datetime.fromisoformat(FRIDAY_EVENING.split()[0])
START = datetime.fromisoformat("2026-09-14T14:30+00:00")
FORM = {"email": "p@example.com", "password": PASSWORD}


@pytest.fixture
def direct(postgres_server: str) -> Iterator[str]:
    """An empty database, by the server's own address."""
    with new_database(postgres_server) as url:
        yield url


@pytest.fixture
def address(direct: str, tmp_path: Path) -> Iterator[str]:
    """The same behind the pooler."""
    with pooled(direct, tmp_path, "transaction", size=3) as url:
        yield url


@pytest.fixture
def system(address: str, redis_url: str, system_amqp_url: str, tmp_path: Path) -> Iterator[System]:
    """The system with three sessions of an invented market."""
    given = {"DATABASE_URL": address, "REDIS_URL": redis_url, "AMQP_URL": system_amqp_url, "CLOCK": FRIDAY_EVENING}
    settings = {**given, "PROVIDERS": "simulated", "HISTORY_SESSIONS": "3"}
    with running(tmp_path / "system", settings, "--manual") as system:
        yield system


def test_each_event_has_one_effect_and_readers_get_answers(system: System, direct: str, address: str) -> None:
    """Ticks and events that come twice at once store each bar once; readers, accounts and insights work meanwhile."""
    ingress = system.status()["ingress"]
    # As an old tick of the same provider would bring it: it may be stored before these ticks ask for more.
    end = START + timedelta(hours=1)
    data = fetched({"AAPL": [bar(START)]}, at=end + timedelta(minutes=1), source="simulated", start=START, end=end)

    with ThreadPoolExecutor(16) as pool:
        ticks = [pool.submit(system.tick) for _ in range(2)]
        sent = [pool.submit(httpx.post, ingress, headers=headers(BARS, "twice"), json=data) for _ in range(2)]
        reads = [pool.submit(httpx.get, f"{system.url}/api/latest", timeout=30) for _ in range(60)]
        account = pool.submit(httpx.post, f"{system.url}/api/users/register", data=FORM, timeout=30)
    while system.tick().led_to:
        pass
    system.tick("insights")
    wait_until(lambda: system.get("/insights")["count"], 30)

    assert [answer.result().status_code for answer in (*sent, *reads)] == [202] * 2 + [200] * 60
    assert (len(ticks), account.result().status_code) == (2, 201)
    assert system.get("/latest")["count"] == 50
    assert system.get("/status")["behind"] == 0
    with psycopg.connect(direct) as connection:
        repeated = "SELECT count(*) - count(DISTINCT (ticker, start)), count(*) FROM bars"
        twice, bars = connection.execute(repeated).fetchone() or (None, 0)
        hours = "SELECT count(*) - count(DISTINCT (start, revision)) FROM insight_hours"
        assert connection.execute(hours).fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM dead_letters").fetchone() == (0,)
    assert (twice, bars > 50 * 7) == (0, True)
    for name in ("api", "ingest", "insights", "store", "token"):
        assert '"level": "error"' not in system.logs(name), system.logs(name)[-3000:]
        assert "Traceback" not in system.logs(name)
    with pytest.raises(CannotRunError, match=r"leads through a pooler .* the server's own address"):
        back_up(system.folder / "backup", system.folder, {"DATABASE_URL": address})
