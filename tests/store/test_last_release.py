"""A rolling update: functions of the last release on today's schema and events, and today's on the events of theirs."""

import io
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests import reading
from tests.accounts import PASSWORD
from tests.reading import FRIDAY_EVENING, serving, serving_process
from tests.store_harness import BARS, COMPANIES, Store, headers

ROOT = Path(__file__).parents[2]
LAST_RELEASE = "09a84fdaa0961632e16168e84029ec5e666dcbbf"
"""The last commit of 0.1.0."""
TICK = "dev.knative.sources.ping"


@pytest.fixture(scope="module")
def last_release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code of the last release, from the history; a clone without history skips."""
    folder = tmp_path_factory.mktemp("release")
    archive = ["git", "archive", LAST_RELEASE, "functions", "shared"]
    done = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this clone lacks the history: git fetch --unshallow ({done.stderr.decode().strip()})")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as files:
        files.extractall(folder, filter="data")
    return folder


@pytest.fixture
def old(
    last_release: Path, store: Store, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], httpx.Client]]:
    """Starts a function of the last release by its name, a process on today's schema."""
    with monkeypatch.context() as patch, ExitStack() as stack:
        patch.setattr(reading, "ROOT", last_release)

        def start(name: str) -> httpx.Client:
            settings = {"K_SERVICE": name, "PROVIDERS": "simulated", "HISTORY_SESSIONS": "1"}
            served = serving_process(store.database_url, redis_url, FRIDAY_EVENING, **settings)
            return stack.enter_context(served).client

        yield start


def test_each_release_serves_what_the_other_stores(
    old: Callable[[str], httpx.Client], store: Store, redis_url: str
) -> None:
    """Old events reach the new store and new ones the old store, each has its effect, and both releases read it."""
    fetched = old("ingest").post("/", content=b"{}", headers=headers(TICK, "tick", job="bars"))
    by_today = store.run(store.client.post("/", content=fetched.content, headers=dict(fetched.headers)))
    old_store, old_api = old("store"), old("api")
    by_old = {
        kind: old_store.post(
            "/", content=(ROOT / "tests" / "examples" / f"{kind}.json").read_bytes(), headers=headers(kind, kind)
        )
        for kind in (BARS, COMPANIES)
    }
    insights = old("insights").post("/events", content=b"{}", headers=headers(TICK, "tick", job="insights"))

    assert [fetched.status_code, by_today.status_code, by_old[BARS].status_code] == [200, 200, 200]
    assert (by_old[COMPANIES].status_code, insights.status_code // 100) == (204, 2)
    assert store.query("SELECT count(*) FROM dead_letters") == [(0,)]
    with serving(store.database_url, redis_url) as api:
        for path in ("/latest", "/ohlc/AAPL", "/tickers", "/tickers/AAPL", "/coverage", "/movers", "/status"):
            answers = [client.get(path) for client in (old_api, api.client)]
            assert [answer.status_code for answer in answers] == [200, 200], path
            assert answers[0].json().get("count") == answers[1].json().get("count"), path


def test_an_account_of_the_last_release_is_one_of_today(
    old: Callable[[str], httpx.Client], store: Store, redis_url: str
) -> None:
    """Registered and logged in by the old function on today's schema, the token opens today's."""
    form = {"email": "old@example.com", "password": PASSWORD}
    token = old("token")
    assert token.post("/users/register", data=form).status_code == 201
    login = token.post("/token", data={"username": form["email"], "password": PASSWORD})
    bearer = {"Authorization": f"Bearer {login.json()['access_token']}"}

    with serving(store.database_url, redis_url, now=None) as api:
        assert api.client.get("/status", headers=bearer).status_code == 200
        assert api.client.get("/status", headers={"Authorization": "Bearer sal_of_nobody"}).status_code == 401
