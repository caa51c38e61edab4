"""The migration refuses a database that the functions could not work with, and says how to correct it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.sql import SQL

from functions.store.database_check import DatabaseProperties, check_database, find_faults
from tests.cluster.groups import ROOT

GOOD = DatabaseProperties("UTF8", 18, False, False, "public", True)


@contextmanager
def database(server: str, options: str = "", then: str = "") -> Iterator[str]:
    """An empty database with these options, after *then* was executed in it."""
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(SQL("DROP DATABASE IF EXISTS unsuitable"))
        connection.execute(f"CREATE DATABASE unsuitable {options} TEMPLATE template0".encode())
        url = urlsplit(server)._replace(path="/unsuitable").geturl()
        if then:
            with psycopg.connect(url, autocommit=True) as inside:
                inside.execute(then.encode())
        try:
            yield url
        finally:
            connection.execute(SQL("DROP DATABASE unsuitable WITH (FORCE)"))


def test_a_suitable_database_passes(database_url: str) -> None:
    """The databases of all other tests have no fault."""
    check_database(database_url)


@pytest.mark.parametrize(
    ("options", "then", "sentence"),
    [
        ("ENCODING 'SQL_ASCII' LOCALE 'C'", "", "encoding is SQL_ASCII, so text would come back as bytes: create"),
        ("", "ALTER DATABASE unsuitable SET default_transaction_read_only = on", "Transactions are read-only"),
        ("", "DROP SCHEMA public", "No schema of the search_path exists: CREATE SCHEMA public"),
    ],
)
def test_an_unsuitable_database_is_left_as_it_is(postgres_server: str, options: str, then: str, sentence: str) -> None:
    """The Job fails with the sentence in its log, without a traceback, before it changes anything."""
    with database(postgres_server, options, then) as url:
        job = subprocess.run(
            [sys.executable, "-m", "functions.store.migrate"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "DATABASE_URL": url},
            capture_output=True,
            text=True,
            check=False,
        )
        with psycopg.connect(url) as connection:
            tables = connection.execute("SELECT FROM pg_tables WHERE tablename = 'migrations'").fetchall()

    assert (job.returncode, tables) == (1, [])
    assert sentence in job.stdout
    assert "Traceback" not in job.stdout + job.stderr


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        (GOOD._replace(version=12), "PostgreSQL 12 is too old: upgrade to 14 or newer"),
        (GOOD._replace(recovering=True, read_only=True), "The server is a read-only replica"),
        (GOOD._replace(can_create=False), "The role may not create tables: GRANT CREATE ON SCHEMA public"),
    ],
)
def test_each_fault_is_one_sentence(properties: DatabaseProperties, sentence: str) -> None:
    """One property out of order gives one fault that says how to correct it."""
    [fault] = find_faults(properties)

    assert sentence in fault
