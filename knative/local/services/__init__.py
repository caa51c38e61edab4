"""Services of a run: Postgres, Redis and RabbitMQ, external where the environment names them, else private."""

import fcntl
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from knative.local.services.external_services import check_amqp, check_postgres, check_redis
from knative.local.services.postgres import Postgres
from knative.local.services.rabbitmq import RabbitMQ
from knative.local.services.redis import Redis
from knative.local.services.server import CannotStartError, Server

__all__ = ["CannotStartError", "Server", "Services", "start_services"]

PACKAGES = Path(__file__).parents[3] / ".local" / "packages"
OTHERS = "{} belongs to another user: run as that user, or remove it"


@dataclass
class Services:
    """Addresses of the three services, and the private servers among them."""

    lock: IO[str]
    postgres_url: str = field(default="", repr=False)
    redis_url: str = field(default="", repr=False)
    amqp_url: str | None = field(default=None, repr=False)
    """None when RabbitMQ is not available; a note gives the reason."""
    notes: list[str] = field(default_factory=list)
    postgres: Postgres | None = None
    redis: Redis | None = None
    rabbitmq: RabbitMQ | None = None

    @property
    def servers(self) -> list[Server]:
        """The private servers."""
        return [server for server in (self.rabbitmq, self.redis, self.postgres) if server]

    def stop(self) -> None:
        """Stop the private servers."""
        servers = self.servers
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(server.stop) for server in servers]:
                done.result()
        self.lock.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the private servers."""
        self.stop()


def start_services(
    folder: Path, environment: Mapping[str, str], *, fast: bool = False, packages: Path = PACKAGES
) -> Services:
    """Return usable services: DATABASE_URL, REDIS_URL, AMQP_URL of *environment*, else private servers in *folder*.

    CannotStartError without Postgres or Redis, or when another run uses *folder*. Without RabbitMQ amqp_url is None.
    *fast* is for tests: a crash of the machine may then lose data.
    """
    services = Services(lock_folder(folder))
    work = (
        lambda: use_postgres(services, folder / "postgres", environment, fast=fast),
        lambda: use_redis(services, folder / "redis", environment, fast=fast),
        lambda: use_rabbitmq(services, folder / "rabbitmq", environment, fast=fast, packages=packages),
    )
    try:
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(one) for one in work]:
                done.result()
    except BaseException as error:
        services.stop()
        if isinstance(error, PermissionError):
            raise CannotStartError(OTHERS.format(error.filename)) from error
        raise
    return services


def use_postgres(services: Services, folder: Path, environment: Mapping[str, str], *, fast: bool) -> None:
    """Set the address of the external Postgres, or start a private one in *folder*."""
    services.postgres_url = environment.get("DATABASE_URL", "")
    if services.postgres_url:
        return check_postgres(services.postgres_url)
    services.postgres = Postgres(folder, environment, fast=fast)
    services.postgres.start()
    services.postgres_url = services.postgres.url


def use_redis(services: Services, folder: Path, environment: Mapping[str, str], *, fast: bool) -> None:
    """Set the address of the external Redis, or start a private one in *folder*."""
    services.redis_url = environment.get("REDIS_URL", "")
    if services.redis_url:
        return check_redis(services.redis_url)
    services.redis = Redis(folder, environment, fast=fast)
    services.redis.start()
    services.redis_url = services.redis.url


def use_rabbitmq(
    services: Services, folder: Path, environment: Mapping[str, str], *, fast: bool, packages: Path
) -> None:
    """Set the address of the external RabbitMQ, or start a private one in *folder*, or note why there is none."""
    services.amqp_url = environment.get("AMQP_URL")
    if services.amqp_url:
        return check_amqp(services.amqp_url)
    try:
        services.rabbitmq = RabbitMQ(folder, environment, fast=fast, packages=packages)
        services.rabbitmq.start()
    except CannotStartError as error:
        services.amqp_url, services.rabbitmq = None, None
        why = str(error).splitlines()[0].rstrip(":")
        services.notes.append(f"events are in memory, and lost when the run ends: {why}")
    else:
        services.amqp_url = services.rabbitmq.url


def lock_folder(folder: Path) -> IO[str]:
    """Lock *folder* until the returned file is closed; CannotStartError when another run has it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except PermissionError as error:
        raise CannotStartError(OTHERS.format(error.filename)) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        holder = lock.read().strip()
        lock.close()
        raise CannotStartError(f"{folder} is in use by process {holder}") from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock
