"""After a restore the security log says what came back to life, and one command ends everything."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from functions.token.after_restore import main
from shared.runtime import log
from tests.accounts import PASSWORD, serving_tokens

CHANGED = "another password of the tests"


@pytest.fixture
def security_log(tmp_path: Path) -> Iterator[str]:
    """The file that the security events of the test go to, as the function writes them."""
    handler, logger = logging.FileHandler(tmp_path / "log"), logging.getLogger("security")
    handler.setFormatter(log._JsonLines())
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield str(tmp_path / "log")
    logger.removeHandler(handler)
    handler.close()


def test_the_log_lists_what_the_restore_undid(
    database_url: str, redis_url: str, security_log: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A revoked token, a changed password and a deleted account, each only while it is undone."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    with serving_tokens(database_url, redis_url) as tokens:
        anna, ben = tokens.person("anna"), tokens.person("ben")
        made = anna.make()
        with psycopg.connect(database_url, autocommit=True) as connection:
            backup = {
                table: connection.execute(f"SELECT to_jsonb(t) FROM {table} AS t".encode()).fetchall()
                for table in ("users", "tokens")
            }
            anna.ask("DELETE", f"/tokens/{made['id']}", 204)
            anna.ask("POST", "/users/me/password", 200, data={"password": PASSWORD, "new_password": CHANGED})
            ben.ask("DELETE", "/users/me", 204, data={"password": PASSWORD})
            before = main([security_log])
            connection.execute("DELETE FROM users")
            for table, rows in backup.items():
                for (row,) in rows:
                    connection.execute(
                        f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)".encode(),
                        [json.dumps(row)],
                    )
        after = main([security_log]).splitlines()
        ended = main(["--end-all"])

    assert [line.split(" was ")[0].split(" of ")[0] for line in before.splitlines()] == ["the password"]
    assert [("was revoked" in line, "was changed" in line, "was deleted" in line) for line in after] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert ended == "ended 3 logins and tokens"
    assert main(["--end-all"]) == "ended 0 logins and tokens"


def test_foreign_log_lines_are_ignored(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in the file: no traceback."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    file = tmp_path / "log"
    file.write_text('\n{}\n[]\nnull\nx\n{"time": "x", "logger": "security"}\n{"time": 7}\n' + '{"a":' * 10_000)

    assert main([str(file)]) == "0 events, and all of them still hold"
