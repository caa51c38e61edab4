"""The three private servers in the hands of a test: write to each, read it again, find its processes."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pika
import pika.exceptions
import psutil
import psycopg
import pytest
import redis

from knative.local.services import Server, Services, start_services
from knative.local.services.server import MARKER

ROOT = Path(__file__).parents[2]
NOTHING_GIVEN = {key: value for key, value in os.environ.items() if not key.endswith("_URL")}

# A run of its own: starts the services of the folder in argv, says so, and waits for ever.
RUN = """
import os, sys, signal
from pathlib import Path
from knative.local.services import start_services
services = start_services(Path(sys.argv[1]), os.environ)
print(services.postgres_url, services.redis_url, services.amqp_url or services.notes, flush=True)
signal.pause()
"""


def write_postgres(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (word text)")
        connection.execute("DELETE FROM kept")
        connection.execute("INSERT INTO kept (word) VALUES (%s)", [word])


def read_postgres(url: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT word FROM kept").fetchone()
        return row and row[0]


def write_redis(url: str, word: str) -> None:
    with redis.Redis.from_url(url) as client:
        client.set("kept", word)


def read_redis(url: str) -> object:
    with redis.Redis.from_url(url, decode_responses=True) as client:
        return client.get("kept")


def write_rabbitmq(url: str, word: str) -> None:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        channel.queue_declare("kept", durable=True)
        channel.basic_publish("", "kept", word.encode(), pika.BasicProperties(delivery_mode=2))


def read_rabbitmq(url: str) -> object:
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        _, _, body = connection.channel().basic_get("kept", auto_ack=True)
        return body and body.decode()


CLIENTS: Mapping[str, tuple[Callable[[str, str], None], Callable[[str], object]]] = {
    "postgres": (write_postgres, read_postgres),
    "redis": (write_redis, read_redis),
    "rabbitmq": (write_rabbitmq, read_rabbitmq),
}
each_service = pytest.mark.parametrize("name", CLIENTS)


def declare_in_an_earlier_run(folder: Path) -> None:
    """Run the services once, with a queue: RabbitMQ 3 forgets one declared less than two seconds before a crash."""
    with start_services(folder, NOTHING_GIVEN) as services:
        assert services.amqp_url, services.notes
        with pika.BlockingConnection(pika.URLParameters(services.amqp_url)) as connection:
            connection.channel().queue_declare("kept", durable=True)


def server_of(services: Services, name: str) -> Server:
    return getattr(services, name)


def processes_of(folder: Path) -> list[psutil.Process]:
    """Return the processes that carry the folder's mark or work in it."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER, "").startswith(f"{folder}/") or process.cwd().startswith(f"{folder}/"):
                found.append(process)
        except psutil.Error:
            continue
    return found
