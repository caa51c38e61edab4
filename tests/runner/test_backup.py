"""A backup holds an installation, and a restore brings it back on another one or not at all."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from knative.local.backup import back_up, restore
from knative.local.generated_secrets import generate_secrets
from knative.local.run_folder import CannotRunError
from knative.local.services.ports import free_port
from tests.conftest import new_database
from tests.runner.servers import NOTHING_GIVEN

CHECKSUM = "SELECT md5(string_agg(word || number, ',' ORDER BY number)), count(*) FROM words"


@pytest.fixture
def source(postgres_server: str) -> Iterator[str]:
    """A database with forty thousand rows."""
    with new_database(postgres_server) as url:
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE words (number int PRIMARY KEY, word text NOT NULL)")
            connection.execute("INSERT INTO words SELECT n, md5(n::text) FROM generate_series(1, 40000) AS n")
        yield url


@pytest.fixture
def target(postgres_server: str) -> Iterator[str]:
    """An empty database of another installation."""
    with new_database(postgres_server) as url:
        yield url


def checksum(url: str) -> object:
    with psycopg.connect(url) as connection:
        return connection.execute(CHECKSUM).fetchone()


def test_an_installation_comes_back_on_another(source: str, target: str, tmp_path: Path) -> None:
    """Rows and token secret are equal afterwards, the secret is in no file that others can read, and what the other
    installation held is replaced only when that is asked for."""
    file, folders = tmp_path / "backup", (tmp_path / "one", tmp_path / "two")

    summary = back_up(file, folders[0], {"DATABASE_URL": source})
    text = restore(file, folders[1], {"DATABASE_URL": target}, replace=False)
    with psycopg.connect(target) as connection:
        connection.execute("CREATE TABLE more AS SELECT 1 AS number; DELETE FROM words")
    with pytest.raises(CannotRunError, match="holds data: add --replace"):
        restore(file, folders[1], {"DATABASE_URL": target}, replace=False)
    restore(file, folders[1], {"DATABASE_URL": target}, replace=True)

    assert "1 tables and the token secret" in summary
    assert "what was revoked, changed or deleted since then is valid again" in text
    assert checksum(target) == checksum(source)
    assert len({(folder / "api-token-secret").read_text() for folder in folders}) == 1
    assert [path.stat().st_mode & 0o777 for path in (file, folders[1] / "api-token-secret")] == [0o600] * 2


def test_a_private_database_is_restored_while_nothing_runs(source: str, tmp_path: Path) -> None:
    """Without DATABASE_URL the private Postgres of the folder is started for the restore and for a backup of it."""
    file = tmp_path / "backup"
    back_up(file, tmp_path / "one", {"DATABASE_URL": source})
    restore(file, tmp_path / "two", NOTHING_GIVEN, replace=False)

    assert "1 tables" in back_up(tmp_path / "again", tmp_path / "two", NOTHING_GIVEN)


def test_another_token_secret_is_named(source: str, target: str, tmp_path: Path) -> None:
    """Where the user's own settings name another secret, the restore says that tokens are not valid."""
    back_up(tmp_path / "backup", tmp_path, {"DATABASE_URL": source, "API_TOKEN_SECRET": "first"})

    text = restore(tmp_path / "backup", tmp_path, {"DATABASE_URL": target, "API_TOKEN_SECRET": "next"}, replace=False)

    assert "tokens are not: API_TOKEN_SECRET is another than at the backup" in text


def test_a_damaged_backup_changes_nothing(source: str, tmp_path: Path) -> None:
    """A file that is cut or changed is refused before the database is touched."""
    file = tmp_path / "backup"
    back_up(file, tmp_path, {"DATABASE_URL": source})
    before, content = checksum(source), file.read_bytes()

    for damaged in (content[: len(content) // 2], content.replace(b"PGDMP", b"PGDMX"), b""):
        file.write_bytes(damaged)
        with pytest.raises(CannotRunError, match="is not a backup that can be read"):
            restore(file, tmp_path, {"DATABASE_URL": source}, replace=True)

    assert checksum(source) == before


def test_a_server_that_cannot_be_reached_is_one_sentence(source: str, tmp_path: Path) -> None:
    """Backup and restore say what their programs say of it, and write nothing."""
    back_up(tmp_path / "backup", tmp_path, {"DATABASE_URL": source})
    nowhere = {"DATABASE_URL": f"postgresql://127.0.0.1:{free_port()}/postgres"}

    with pytest.raises(CannotRunError, match=r"pg_dump failed: .*Connection refused"):
        back_up(tmp_path / "none", tmp_path, nowhere)
    with pytest.raises(CannotRunError, match=r"Connection refused"):
        restore(tmp_path / "backup", tmp_path, nowhere, replace=False)
    assert not (tmp_path / "none").exists()


def test_the_key_of_the_tokens_outlives_a_restart(tmp_path: Path) -> None:
    """A run makes a key of its own, for its owner's eyes only, and keeps it; one that is given wins."""
    first, second = generate_secrets(tmp_path, {}), generate_secrets(tmp_path, {"API_TOKEN_SECRET": ""})

    assert first == second
    assert len(first["API_TOKEN_SECRET"]) >= 32
    assert [oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()] == ["0o600"]
    assert "API_TOKEN_SECRET" not in generate_secrets(tmp_path, {"API_TOKEN_SECRET": "given"})
    given = ("API_TOKEN_SECRET", "ALERTS_VAPID_PRIVATE_KEY", "ALERTS_VAPID_CONTACT")
    assert generate_secrets(tmp_path, dict.fromkeys(given, "given")) == {}
