"""Alerts through the whole system: a thousand rules while everything is killed, counted at the receiver."""

import os
import signal
from datetime import datetime
from itertools import count
from pathlib import Path

import httpx
import psycopg
import pytest

from functions.alerts.delivery.webhook import make_secret
from knative.local.services.ports import free_port
from shared.auth.token_format import key_id
from tests.alerts_harness import Receiver, receiving
from tests.reading import hours, sessions
from tests.running import System, running
from tests.store_harness import bar, fetched
from tests.system.test_chaos import database_url, kill_server, publish
from tests.system.watching import FRIDAY_EVENING
from tests.waiting import wait_until

SECRET = "a secret of the tests of alerts, of no other use"
EVENING = datetime.fromisoformat(FRIDAY_EVENING.split()[0])
ACCOUNTS, RULES, HOURS = 20, 50, 3
KILLS = int(os.environ.get("ALERTS_KILLS", "15"))
"""Processes to kill. The goal of 200 takes some minutes: ALERTS_KILLS=200."""

SERVERS = ("redis", "postgres", "rabbitmq")
ROUNDS_A_SERVER = 10
"""Rounds of kills of the functions from one server's kill to the next."""

SALT = "salt"
STATE = """
    INSERT INTO users (email, password_hash)
    SELECT 'u' || number || '@example.com', '$argon2id$' FROM generate_series(1, %(accounts)s) AS number;
    INSERT INTO alert_channels (user_id, kind, name, target, salt, key_id, state, created_at)
    SELECT user_id, 'webhook', 'x', %(url)s || '/' || email, %(salt)s, %(key)s, 'active', now() FROM users;
    INSERT INTO alert_rules (user_id, ticker, kind, direction, amount, repeat, since, stated_at, created_at, changed_at)
    SELECT user_id, ticker, 'price', 'above', 1, 'always', '2026-11-01', '2026-11-01', now(), now()
      FROM users, (SELECT ticker FROM tickers WHERE active LIMIT %(rules)s) AS stock
"""


def state_rules(url: str, receiver: Receiver) -> None:
    """Make accounts with a webhook each, and a rule for every ticker, as of three weeks ago."""
    values = {"accounts": ACCOUNTS, "rules": RULES, "url": receiver.url, "salt": SALT, "key": key_id(SECRET)}
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(STATE.encode(), values)
    for number in range(1, ACCOUNTS + 1):
        receiver.secrets[f"/u{number}@example.com"] = make_secret(SECRET, SALT)


def kill_alerts(system: System) -> int:
    """Kill every replica of alerts and of store, and return how many there were."""
    try:
        functions = system.status()["functions"]
    except (httpx.HTTPError, AssertionError, TimeoutError, OSError):
        return 0
    pids = [pid for one in functions if one["name"] in ("alerts", "store") for pid in one["pids"]]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return len(pids)


@pytest.mark.timeout(900 + 10 * KILLS)
def test_whatever_is_killed_each_firing_arrives_under_one_id(tmp_path: Path) -> None:
    """kill -9 of the functions again and again, and of Redis, Postgres and RabbitMQ, with every event sent twice:
    each of the rules tells of each of the bars; nothing is lost, and nothing arrives under a second id."""
    environment = {
        "CLOCK": FRIDAY_EVENING,
        "PROVIDERS": "twelvedata",
        "TWELVEDATA_API_KEYS": "none",
        "TWELVEDATA_BASE_URL": "http://127.0.0.1:1",
        "API_TOKEN_SECRET": SECRET,
        "ALERTS_PRIVATE_TARGETS": "allowed",
    }
    folder, expected = tmp_path / "system", ACCOUNTS * RULES * HOURS
    options = ("--manual", "--min-scale", "1")
    with receiving() as receiver, running(folder, environment, *options, port=free_port()) as system:
        url = database_url(folder)
        state_rules(url, receiver)
        with psycopg.connect(url) as connection:
            tickers = [name for (name,) in connection.execute("SELECT ticker FROM tickers WHERE active")]
        ingress, killed, rounds = system.status()["ingress"], 0, count(1)
        for number, start in enumerate(hours(sessions(url, "2026-11-16", "2026-11-21"))[-HOURS:]):
            event = fetched({ticker: [bar(start, "100")] for ticker in tickers}, at=EVENING, start=start, end=EVENING)
            for _ in range(2):
                publish(ingress, event, number)
            while killed < KILLS * (number + 1) / HOURS:
                seen = len(receiver.requests)
                killed += kill_alerts(system)
                with_progress(receiver, seen)
                if (done := next(rounds)) % ROUNDS_A_SERVER == 0:
                    kill_server(folder, SERVERS[done // ROUNDS_A_SERVER % len(SERVERS)])
            kill_server(folder, SERVERS[number])

        def arrived() -> bool:
            if len(set(receiver.ids())) == expected:
                return True
            try:
                system.tick("alerts")
            except (httpx.HTTPError, AssertionError, TimeoutError, OSError):
                return False
            return len(set(receiver.ids())) == expected

        wait_until(arrived, 200 + KILLS)
        firings = {(one["body"]["data"]["firing"], one["id"]) for one in receiver.requests}
        pairs = {(one["body"]["data"]["alert"]["id"], one["body"]["data"]["bar"]["start"]) for one in receiver.requests}

    print(f"{killed} processes killed in {next(rounds) - 1} rounds, {len(receiver.requests)} messages")
    assert len(pairs) == len(firings) == len({firing for firing, _ in firings}) == expected
    assert killed >= KILLS


def with_progress(receiver: Receiver, seen: int) -> None:
    """Return when more messages have arrived, or after a moment."""
    try:
        wait_until(lambda: len(receiver.requests) > seen, 1)
    except AssertionError:
        return
