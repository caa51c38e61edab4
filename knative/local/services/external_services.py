"""Servers that the environment names: used as they are, never started or stopped; only seen to be there."""

import socket
from urllib.parse import urlsplit

import pika
import pika.exceptions
import psycopg

from knative.local.services.server import CannotStartError


def check_postgres(url: str) -> None:
    """Raise CannotStartError when DATABASE_URL lets no client in."""
    try:
        psycopg.connect(url, connect_timeout=10).close()
    except psycopg.Error as error:
        raise CannotStartError(f"DATABASE_URL: {error}") from error


def check_redis(url: str) -> None:
    """Raise CannotStartError when nobody listens where REDIS_URL points."""
    where = urlsplit(url)
    if where.scheme == "unix":
        return
    try:
        socket.create_connection((where.hostname or "localhost", where.port or 6379), timeout=10).close()
    except OSError as error:
        raise CannotStartError(f"REDIS_URL: {where.hostname}:{where.port or 6379}: {error}") from error


def check_amqp(url: str) -> None:
    """Raise CannotStartError when AMQP_URL lets no client in."""
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except (pika.exceptions.AMQPError, OSError) as error:
        raise CannotStartError(f"AMQP_URL: {urlsplit(url).hostname}: {error!r}") from error
