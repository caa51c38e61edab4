"""An upgrade from the first release: its data under today's schema, its events in today's functions, and numbers."""

import json
import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from functions.api.release import RELEASE
from functions.store.migrate import MIGRATIONS, migrate
from shared.auth.token_format import keyed_hash, new_token
from shared.events import types as events
from tests.accounts import bearer
from tests.conftest import new_database
from tests.reading import UNLIMITED, serving
from tests.store_harness import Store

ROOT = Path(__file__).parents[2]
FIRST_RELEASE = ("0001", "0002", "0003", "0004")
EXAMPLES = sorted((ROOT / "tests" / "examples" / "0.1.0").glob("*.json"))
TYPES = {kind.TYPE: kind for kind in vars(events).values() if isinstance(kind, type) and hasattr(kind, "TYPE")}

DATA = """
    INSERT INTO tickers (ticker, name) VALUES ('AAPL', 'Apple'), ('OLD', 'Gone');
    INSERT INTO sessions VALUES ('2026-11-20', '2026-11-20T14:30Z', '2026-11-20T21:00Z');
    INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, revision, received_at)
    VALUES ('AAPL', '1h', '2026-11-20T19:30Z', 1, 2.50, 1, 2, 7, 'twelvedata', 1, '2026-11-20T20:35Z'),
           ('AAPL', '1h', '2026-11-20T20:30Z', 2, 3, 2, 3, 9, 'twelvedata', 0, '2026-11-20T21:05Z');
    INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source, received_at,
                               superseded_at)
    VALUES ('AAPL', '1h', '2026-11-20T19:30Z', 0, 1, 2, 1, 2, 7, 'twelvedata', '2026-11-20T20:31Z',
            '2026-11-20T20:35Z');
    INSERT INTO insight_hours (start, revision, "end", session, complete, missing, generator, verdicts, sources,
                               written_at)
    VALUES ('2026-11-20T20:30Z', 0, '2026-11-20T21:00Z', '2026-11-20', true, '{}', 'rules', '[]', '{twelvedata}',
            '2026-11-20T21:06Z');
    INSERT INTO insights (start, revision, place, template, insight, sentiment, tickers, generator)
    VALUES ('2026-11-20T20:30Z', 0, 0, 'Apple closed at {f0}.', 'Apple closed at 3.', 'neutral', '{AAPL}', 'rules');
    INSERT INTO dead_letters (source, event_id, type, attributes, data, reason, first_at, last_at)
    VALUES ('/x', '1', 'y', '{}', '', 'z', now(), now());
    INSERT INTO users (email, password_hash) VALUES ('a@example.com', '$argon2id$');
"""


@pytest.fixture
def upgraded(postgres_server: str, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A database with data of the first release, migrated to today's schema, and a token of then."""
    for file in sorted(MIGRATIONS.glob("*.sql")):
        if file.name[:4] in FIRST_RELEASE:
            shutil.copy(file, tmp_path)
    token = new_token()
    with new_database(postgres_server) as url:
        migrate_schema_only(url, tmp_path)
        with psycopg.connect(url) as connection:
            connection.execute(DATA)
            connection.execute(
                "INSERT INTO tokens (user_id, hash, name, scopes, expires_at)"
                " SELECT user_id, decode(%s, 'hex'), 'a', '{read}', now() + interval '1 day' FROM users",
                [keyed_hash(UNLIMITED["API_TOKEN_SECRET"], token.encode())],
            )
        migrate(url)
        yield url, token


def migrate_schema_only(url: str, folder: Path) -> None:
    """Apply the files of *folder* as the first release did, without today's reference data."""
    from functions.store.migrate import _apply_files
    from functions.store.migration_files import read_files

    with psycopg.connect(url, autocommit=True) as connection:
        _apply_files(connection, read_files(folder))


def test_everything_of_the_first_release_is_there_after_the_upgrade(upgraded: tuple[str, str], redis_url: str) -> None:
    """Bars, revisions, insights and dead letters are kept to the digit, and the API serves them."""
    url, _ = upgraded
    with psycopg.connect(url) as connection:
        counts = [
            connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()[0]  # pyright: ignore[reportOptionalSubscript]
            for table in ("bars", "bar_revisions", "insight_hours", "insights", "dead_letters", "users", "tokens")
        ]
    with serving(url, redis_url) as api:
        items = api.items("/ohlc/AAPL")
        movers = api.json("/movers")

    assert counts == [2, 1, 1, 1, 1, 1, 1]
    assert [(str(item["high"]), item["revision"]) for item in items] == [("2.50", 1), ("3", 0)]
    assert movers["count"] >= 0


def test_a_token_of_the_first_release_still_opens(upgraded: tuple[str, str], redis_url: str) -> None:
    """Nobody has to log in again after an upgrade."""
    url, token = upgraded
    with serving(url, redis_url, now=None, ANONYMOUS_HISTORY_DAYS="1") as api:
        path = "/ohlc/AAPL?start=2026-01-01"
        answers = [api.client.get(path, headers=one).status_code for one in ({}, bearer(token))]

    assert answers == [401, 200]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_todays_functions_take_the_events_of_the_first_release(store: Store, file: Path) -> None:
    """During a rolling update, and from the dead letters after it, events of the last release arrive."""
    kind = TYPES.get(file.stem.removeprefix("tech.stocksalot.")) or TYPES[file.stem]
    event = kind.from_json(file.read_bytes())
    stored = file.stem.split(".")[-3:-1] in (["bars", "fetched"], ["companies", "fetched"])

    assert event is not None
    if stored:
        answer = store.post(json.loads(file.read_text()), kind=file.stem)
        assert answer.status_code in (200, 204)
        assert store.query("SELECT reason FROM dead_letters WHERE reason NOT LIKE 'not tracked%%'") == []


def test_the_release_has_one_number() -> None:
    """pyproject.toml, /status and the newest numbered section of the changelog agree."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    numbers = re.findall(r"^## (\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert (RELEASE, numbers[0]) == (project, project)
