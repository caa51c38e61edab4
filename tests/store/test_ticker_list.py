"""TICKERS and RENAMED_TICKERS: changes of the catalogue, mistakes in words, renamed and removed tickers, a thousand."""

import time

import psycopg
import pytest

from functions.store.catalogue import read_catalogue
from functions.store.migrate import migrate
from functions.store.migration_files import MigrationError
from functions.store.ticker_list import find_doubts, find_list_faults, resolve_list
from tests.reading import Bar, at, put, serving

CATALOGUE = [str(company["ticker"]) for company in read_catalogue()]


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (["aapl"], "aapl must be in capitals and without spaces: write AAPL"),
        (["BRK B"], "BRK B must be in capitals and without spaces: write one like AAPL or BRK.B"),
        (["+shop"], "shop must be in capitals"),
        (["AAPL", "+SHOP"], "mixes a list with changes"),
        (["AAPL", "MSFT", "AAPL"], "names AAPL 2 times"),
        (["-APPL"], "-APPL is not in the catalogue: -AAPL?"),
        ([f"-{ticker}" for ticker in CATALOGUE], "removes every ticker"),
        ([f"T{number}" for number in range(1001)], "makes 1,001 tickers: 1,000 are supported"),
        (["+"], "must be in capitals"),
    ],
)
def test_mistakes_are_told_in_words(entries: list[str], words: str) -> None:
    """The sentence says what to write instead."""
    assert words in " ".join(find_list_faults(entries, CATALOGUE))


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], CATALOGUE),
        (["+SHOP"], [*CATALOGUE, "SHOP"]),
        (["-KO", "+SHOP"], [*(ticker for ticker in CATALOGUE if ticker != "KO"), "SHOP"]),
        (["+AAPL"], CATALOGUE),
        (["KO", "SHOP"], ["KO", "SHOP"]),
    ],
)
def test_a_list_or_changes_of_the_catalogue(entries: list[str], expected: list[str]) -> None:
    """+ adds to the catalogue, - removes from it, a plain list replaces it."""
    assert find_list_faults(entries, CATALOGUE) == []
    assert resolve_list(entries, CATALOGUE) == expected


def test_a_suspicious_list_is_accepted_with_a_warning() -> None:
    """A list that drops the catalogue, and a name like a known one, are pointed out and taken."""
    doubts = " ".join(find_doubts(["APPL", "MSFT"], CATALOGUE))

    assert "APPL is not in the catalogue; is AAPL meant?" in doubts
    assert "without 49 of the catalogue's 50" in doubts
    assert find_doubts(["+SHOP"], CATALOGUE) == []


def test_the_job_refuses_a_mistake_before_it_changes_anything(database_url: str) -> None:
    """The fifty stay active."""
    with pytest.raises(MigrationError, match="must be in capitals"):
        migrate(database_url, tickers=["msft"])

    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT count(*) FROM tickers WHERE active").fetchone() == (50,)


def test_a_removed_ticker_says_since_when(database_url: str, redis_url: str) -> None:
    """It is not asked for, not behind and not listed; its page says when it ended, until it is tracked again."""
    put(database_url, [Bar("KO", at("2026-11-20 20:30"))])
    migrate(database_url, tickers=["-KO"])
    with serving(database_url, redis_url, now=None) as api:
        removed, listed, status = api.json("/tickers/KO"), api.json("/tickers")["count"], api.json("/status")
        history = len(api.items("/ohlc/KO"))
    migrate(database_url)
    with serving(database_url, redis_url, now=None) as api:
        back = api.json("/tickers/KO")

    assert (removed["active"], len(removed["ended_on"]), listed, status["tickers"], history) == (False, 10, 49, 49, 1)
    assert (back["active"], back["ended_on"]) == (True, None)


def test_a_renamed_ticker_keeps_its_history(database_url: str, redis_url: str) -> None:
    """Bars and revisions move once; where the new name has its own bar, that one stands and the other is kept."""
    put(database_url, [Bar("KO", at("2026-11-20 19:30"), "70", revision=1), Bar("KO", at("2026-11-20 20:30"), "71")])
    put(database_url, [Bar("COKE", at("2026-11-20 20:30"), "72")])
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO bar_revisions SELECT ticker, interval, start, 0, open, high, low, close, volume, source,"
            " received_at, seen_at, received_at FROM bars WHERE revision = 1"
        )
    first = migrate(database_url, renames={"KO": "COKE"})
    second = migrate(database_url, renames={"KO": "COKE"})

    with serving(database_url, redis_url) as api:
        new = [item["open"] for item in api.items("/ohlc/COKE")]
        old = [item["open"] for item in api.items("/ohlc/KO")]
        ticker = api.json("/tickers/KO")
        tickers = [item["ticker"] for item in api.items("/tickers")]
    with psycopg.connect(database_url) as connection:
        revisions = connection.execute("SELECT ticker FROM bar_revisions").fetchall()
    assert (first, second) == (["catalogue"], [])
    assert (new, old, revisions) == ([70, 72], [71], [("COKE",)])
    assert (ticker["renamed_to"], ticker["active"]) == ("COKE", False)
    assert ("KO" in tickers, "COKE" in tickers, len(tickers)) == (False, True, 50)


def test_a_thousand_tickers_are_served_whole(database_url: str, redis_url: str) -> None:
    """The stated maximum: every list is whole, cursors lead through all bars, no answer is too slow."""
    names = [f"T{number:03}" for number in range(1000)]
    migrate(database_url, tickers=names)
    starts = [at(f"2026-11-{day} {hour}:30") for day in (19, 20) for hour in range(14, 21)]
    put(database_url, [Bar(name, start, str(10 + place)) for name in names for place, start in enumerate(starts)])
    seconds: dict[str, float] = {}

    with serving(database_url, redis_url) as api:
        for path in ("/tickers", "/latest", "/movers?limit=1000", "/ohlc", "/coverage", "/status"):
            began = time.monotonic()
            api.get(path)
            seconds[path] = time.monotonic() - began
        counts = [api.json(path)["count"] for path in ("/tickers", "/latest", "/movers?limit=1000")]
        found, page = 0, api.json("/ohlc?start=2026-11-01")
        while True:
            found += page["count"]
            if page["next_cursor"] is None:
                break
            assert len(page["next_cursor"]) < 6000
            page = api.json(f"/ohlc?start=2026-11-01&cursor={page['next_cursor']}")

    print({path: round(value, 2) for path, value in seconds.items()})
    assert (counts, found) == ([1000] * 3, 14_000)
    assert max(seconds.values()) < 8, "no request waits longer for the database"
