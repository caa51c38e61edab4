"""A real PgBouncer with its defaults, but for the mode and the size of its pools."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from knative.local.services.ports import free_port
from tests.waiting import wait_until

PLACES = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin:/opt/homebrew/bin"


@contextmanager
def pooled(database_url: str, folder: Path, mode: str, size: int = 20) -> Iterator[str]:
    """Yield the address of the database behind a PgBouncer that pools by *mode* (session or transaction)."""
    program = shutil.which("pgbouncer", path=PLACES)
    if program is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    url, port = urlsplit(database_url), free_port()
    password = f" password={url.password}" if url.password else ""
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={url.hostname} port={url.port} user={url.username}{password}\n[pgbouncer]\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\ndefault_pool_size = {size}\n"
    )
    as_user = ["-u", "nobody"] if Path("/proc/self").stat().st_uid == 0 else []
    configuration.chmod(0o644)
    for one in [folder, *folder.parents[:3]]:
        if one != Path("/tmp"):
            one.chmod(one.stat().st_mode | 0o011)
    process = subprocess.Popen([program, *as_user, str(configuration)], stderr=subprocess.DEVNULL)
    address = f"postgresql://{url.username}@127.0.0.1:{port}{url.path}"

    def responds() -> bool:
        try:
            psycopg.connect(address).close()
        except psycopg.OperationalError:
            return False
        return True

    try:
        wait_until(responds)
        yield address
    finally:
        process.terminate()
        process.wait(10)
