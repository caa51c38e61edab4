"""The verb `import` shows what it understood, asks, and hands everything to store: bars and refused lines."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from knative.local.cli import main
from knative.stocksalot import import_verb
from knative.stocksalot.extension import STOCKSALOT
from shared.runtime import clock
from tests.csv_files.exports import NEW_YORK, Style, bars_of, found, read, row, write, write_lines
from tests.store_harness import Store, opened

Import = Callable[..., int]


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Store]:
    """The function on a fresh database."""
    with opened(monkeypatch, database_url, redis_url) as one:
        yield one


class Client:
    """A runner whose store is in this process."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def act(self, action: str, arguments: list[str]) -> list[str]:
        """The sessions of the database."""
        assert (action, arguments) == ("sessions", [])
        return import_verb.list_sessions({"DATABASE_URL": self._store.database_url}, "", arguments)

    async def get(self, path: str) -> dict[str, Any]:
        """The clock of the system, and the tracked tickers."""
        if path == "/api/status":
            return {"answered_at": clock.now().isoformat()}
        return {"items": [{"ticker": row[0]} for row in self._store.query("SELECT ticker FROM tickers WHERE active")]}

    async def deliver(self, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        """Return the reply of store."""
        reply = await self._store.client.post("/", headers=headers, content=body)
        assert reply.is_success, reply.text
        return reply

    async def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, store: Store) -> Import:
    """A function that runs the verb with arguments of the command line."""
    monkeypatch.setattr(import_verb, "find", lambda folder: Client(store))
    monkeypatch.setattr("knative.local.cli.asyncio.run", store.run)

    def imported(*arguments: str | Path) -> int:
        return main(STOCKSALOT, ["import", *map(str, arguments)])

    return imported


def stored(store: Store, ticker: str) -> dict[Any, tuple[Any, ...]]:
    """The bars in the database by their start."""
    rows = store.query(
        "SELECT start, open, high, low, close, volume FROM bars WHERE ticker = %s AND source = 'import'", ticker
    )
    return {start: tuple(figures) for start, *figures in rows}


def test_an_import_stores_what_it_showed(
    run: Import, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report names zone, interval and range; the bars are stored to the last digit, and again change nothing."""
    style = Style("Date,Open,High,Low,Close,Volume", delimiter=";", decimal=",", zone=NEW_YORK, naive=True)
    path = write(tmp_path / "KO.csv", style, "30min", ["KO"])

    codes = run(path, "--yes"), run(path, "--yes")

    shown = capsys.readouterr().out
    assert codes == (0, 0)
    assert "time zone: America/New_York (inferred" in shown
    assert "bars of 0:30:00, named by their start" in shown
    assert stored(store, "KO") == found(read(path))["KO"]
    count = len(found(read(path))["KO"])
    assert f"stored: {count} inserted, 0 revised, 0 unchanged, 0 rejected" in shown
    assert f"stored: 0 inserted, 0 revised, {count} unchanged, 0 rejected" in shown


def test_nothing_is_stored_without_a_yes(
    run: Import, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal to ask at, --yes is needed."""
    code = run(write(tmp_path / "bars.csv", Style(), "1h"))

    assert code == 1
    assert "--yes" in capsys.readouterr().err
    assert store.query("SELECT count(*) FROM bars") == [(0,)]


def test_refused_lines_reach_the_ledger_as_they_came(
    run: Import, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reason and text are kept; the report names file, line and column; an import settles no window."""
    lines = [row("KO", "1h", bar, Style()) for bar in bars_of("KO", "1h")]
    lines[3:3] = ["KO,2026-10-26 17:30:00+00:00,1,2,x,1,5", "KO,soon,1,1,1,1,5"]
    path = write_lines(tmp_path / "bars.csv", Style(), lines)

    run(path, "--yes")

    shown = capsys.readouterr().out
    assert "line 5, column low: 'x' is not a price. (price-not-a-number)" in shown
    assert store.query("SELECT reason, bar ->> 'text' FROM rejected_bars ORDER BY id") == [
        ("price-not-a-number", lines[3]),
        ("time-unreadable", lines[4]),
    ]
    assert len(stored(store, "KO")) == len(bars_of("KO", "1h"))
    assert store.query("SELECT * FROM asked_windows") == []


def test_a_file_that_cannot_be_read_says_why_and_the_others_are_stored(
    run: Import, store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The exit code tells that not all was stored."""
    bad = tmp_path / "notes.csv"
    bad.write_text("a,b\n1,2\n")

    code = run(bad, write(tmp_path / "bars.csv", Style(), "1h", ["KO"]), "--yes")

    assert code == 1
    assert "notes.csv: no header" in capsys.readouterr().out
    assert len(stored(store, "KO")) == len(bars_of("KO", "1h"))


def test_refused_lines_of_any_text_fit_into_events(
    run: Import, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control characters take six bytes of JSON each, and a cell, a ticker or a figure has any length."""
    sizes: list[int] = []
    deliver = Client.deliver

    async def weighed(self: Client, path: str, headers: Mapping[str, str], body: bytes) -> httpx.Response:
        sizes.append(len(body))
        return await deliver(self, path, headers, body)

    monkeypatch.setattr(Client, "deliver", weighed)
    lines = [row("KO", "1h", bar, Style()) for bar in bars_of("KO", "1h")] * 2
    odd = [f"KO,soon {number},1,1,1,1," + "\1" * 3000 for number in range(400)]
    long = [
        "KO,2026-10-26 17:30:00+00:00,1,2,1,1," + "x" * 2**16,
        "KO,2026-10-26 17:30:00+00:00,1,2,1,1." + "1" * 2**16 + ",5",
        "K" * 2**16 + ",soon,1,1,1,1,5",
    ]

    code = run(write_lines(tmp_path / "bars.csv", Style(), [*lines, *odd, "KO,soon,1,1,1,1,\0", *long]), "--yes")

    assert code == 0
    assert max(sizes) < 2**20
    assert store.query("SELECT count(*) FROM rejected_bars WHERE reason = 'time-unreadable'") == [(402,)]
