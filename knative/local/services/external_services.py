"""External servers, which the environment names: checked at the start, never started or stopped."""

import socket
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

import pika
import pika.exceptions
import psycopg
from pika.adapters.utils.connection_workflow import AMQPConnectorException

from knative.local.services.server import CannotStartError

_SECONDS = 10


def check_postgres(url: str) -> None:
    """Raise CannotStartError when DATABASE_URL lets no client in."""
    try:
        psycopg.connect(url, connect_timeout=_SECONDS).close()
    except psycopg.Error as error:
        raise CannotStartError(f"DATABASE_URL: {str(error).strip().splitlines()[0]}") from error


def check_redis(url: str) -> None:
    """CannotStartError when REDIS_URL does not respond."""
    address = _parse("REDIS_URL", url, ("redis", "rediss", "unix"))
    if address.scheme == "unix":
        return
    try:
        socket.create_connection((address.hostname or "localhost", address.port or 6379), timeout=_SECONDS).close()
    except OSError as error:
        where = f"{address.hostname}:{address.port or 6379}"
        raise CannotStartError(f"REDIS_URL: {where}: {error.strerror or error}") from error


def check_amqp(url: str) -> None:
    """Raise CannotStartError when AMQP_URL lets no client in."""
    address = _parse("AMQP_URL", url, ("amqp", "amqps"))
    try:
        pika.BlockingConnection(pika.URLParameters(url)).close()
    except (pika.exceptions.AMQPError, AMQPConnectorException, OSError, ValueError) as error:
        reason = str(error) or "no connection: it is not there, or refuses user, password or virtual host"
        raise CannotStartError(f"AMQP_URL: {address.hostname}: {reason}") from error


def _parse(name: str, url: str, schemes: Sequence[str]) -> SplitResult:
    try:
        address = urlsplit(url)
        if address.scheme in schemes and (address.port is None or address.port):
            return address
    except ValueError:
        pass
    raise CannotStartError(f"{name} must be like {schemes[0]}://user:password@host:port/")
