"""The function files inside the test's process."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from functions.files.app import FilesApp
from functions.files.settings import Settings
from shared.runtime import clock
from shared.runtime.settings import read_settings
from tests.in_process import serving_handler
from tests.reading import UNLIMITED

EVENING = "2026-11-27T22:00:00+00:00"
NOVEMBER = "/files/bars-2026-11.parquet"
MANIFEST = "/files/manifest.json"


@contextmanager
def serving_files(database_url: str, redis_url: str, **settings: str) -> Iterator[httpx.Client]:
    """Run files on the evening after Thanksgiving, its clock standing still."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        **UNLIMITED,
        "CLOCK": f"{EVENING} {EVENING} 0",
        **settings,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "_REPLAY", clock.parse(environment["CLOCK"]))
        with serving_handler(FilesApp(read_settings(Settings, environment)).respond) as client:
            yield client
