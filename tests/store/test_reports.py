"""Store remembers which questions are settled, tells readers of news, and keeps profiles."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import redis

from functions.store.migrate import migrate
from shared.cache.market_version import NAME
from tests.reading import redis_key
from tests.store.fetched_events import example
from tests.store_harness import COMPANIES, Store, bar, fetched, hour, opened


def windows(store: Store) -> list[tuple[Any, ...]]:
    """Ticker, settled windows and time of the last answer."""
    rows = store.query("SELECT ticker, settled, asked_at FROM asked_windows ORDER BY ticker")
    return [(ticker, [(one.lower, one.upper) for one in settled], at) for ticker, settled, at in rows]


def test_a_window_is_settled_once_the_provider_had_time(store: Store) -> None:
    """A bar that had ended 45 minutes before the answer; what is younger may still come."""
    store.keep(fetched({"AAPL": [], "NONE": []}, start=hour(0), end=hour(3), at=hour(2)))

    assert windows(store) == [("AAPL", [(hour(0), hour(1) - timedelta(minutes=45))], hour(2))]


def test_settled_windows_are_united_and_never_shrink(store: Store) -> None:
    """Whatever the order of the answers."""
    for index, (start, end) in enumerate(((hour(4), hour(6)), (hour(0), hour(2)), (hour(1), hour(3)))):
        store.keep(fetched({"AAPL": []}, start=start, end=end, at=hour(3 - index, day=2)))

    assert windows(store) == [("AAPL", [(hour(0), hour(3)), (hour(4), hour(6))], hour(3, day=2))]


@pytest.mark.parametrize(
    "event",
    [
        fetched({"AAPL": []}, source="simulated"),
        fetched({"AAPL": []}, start=hour(3), end=hour(0)),
        fetched({"AAPL": []}, start=hour(0), end=hour(0, day=4), at=hour(0) + timedelta(minutes=45)),
    ],
    ids=["simulated", "the wrong way round", "too young"],
)
def test_simulated_reversed_and_recent_windows_are_not_settled(store: Store, event: dict[str, Any]) -> None:
    """It is still noted that somebody answered."""
    store.keep(event)

    assert [(ticker, settled) for ticker, settled, _ in windows(store)] == [("AAPL", [])]


def test_how_long_a_provider_has_is_a_setting(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """SETTLE_MINUTES."""
    with opened(monkeypatch, database_url, redis_url, SETTLE_MINUTES="0") as store:
        store.keep(fetched({"AAPL": []}, start=hour(0), end=hour(3), at=hour(2)))

        assert windows(store)[0][1] == [(hour(0), hour(1))]


def test_the_hour_is_complete_with_the_last_active_ticker(store: Store) -> None:
    """Then insights wake; an inactive ticker is not waited for, and the hour is that of the event's newest bar."""
    migrate(store.database_url, tickers=("AAPL", "MSFT"))
    both = (hour(0), hour(1))

    values = [
        store.deliver(fetched({ticker: [bar(start) for start in starts]}, interval=interval)).headers["ce-hourcomplete"]
        for ticker, starts, interval in (
            ("AAPL", both, "1h"),
            ("MSFT", both[:1], "1h"),
            ("MSFT", both, "5min"),
            ("V", both, "1h"),
            ("MSFT", both, "1h"),
            ("AAPL", both, "1h"),
        )
    ]

    assert values == ["false", "true", "false", "false", "true", "true"]


def test_the_epoch_grows_with_every_change_and_is_published(store: Store, redis_url: str) -> None:
    """Readers may keep an answer as long as it stands still."""
    epochs = [store.epoch()]
    for event in (
        fetched({"AAPL": [bar(hour(0))]}),
        fetched({"AAPL": [bar(hour(0), "101")]}, at=hour(1, day=4)),
        fetched({"AAPL": [bar(hour(1), "0")]}, at=hour(1, day=4)),
        fetched({"AAPL": []}, at=hour(2, day=4)),
    ):
        store.keep(event)
        epochs.append(store.epoch())
        with redis.Redis.from_url(redis_url) as cache:
            assert int(cache.get(redis_key(store.database_url, NAME)) or 0) == epochs[-1]  # pyright: ignore[reportArgumentType]
    store.keep(fetched({"AAPL": []}, at=hour(2, day=4)))

    assert epochs == sorted(set(epochs))
    assert store.epoch() == epochs[-1]


def test_without_redis_everything_is_kept(
    monkeypatch: pytest.MonkeyPatch, database_url: str, free_port: Callable[[], int]
) -> None:
    """A cache that is down costs readers seconds, not data."""
    with opened(monkeypatch, database_url, f"redis://127.0.0.1:{free_port()}/0") as store:
        assert store.keep(fetched({"AAPL": [bar(hour(0))]}))["inserted"] == 1
        assert store.closes() == ["100"]


def test_a_provider_replaces_the_catalogue(store: Store) -> None:
    """Name and all, also for those who list tickers."""
    answer = store.post(example(COMPANIES), COMPANIES)

    assert answer.status_code == 204
    assert store.query(
        """SELECT tickers.name, industry, market_cap_millions::text, shares_millions::text, source
             FROM companies JOIN tickers USING (ticker) WHERE source <> 'catalogue' ORDER BY ticker"""
    ) == [
        ("Apple Inc", "Technology", "3939828.207397", "14697.93", "finnhub"),
        ("Berkshire Hathaway Inc", None, "1037890", None, "finnhub"),
    ]


def company(name: str, at: datetime, ticker: str = "AAPL") -> dict[str, Any]:
    """The data of an event with one profile."""
    return {"source": "finnhub", "fetched_at": at.isoformat(), "companies": [{"ticker": ticker, "name": name}]}


def test_profiles_are_the_same_in_any_order(store: Store) -> None:
    """The newest answer stands; a repetition changes nothing, not even the epoch."""
    new, old = company("New", hour(1)), company("Old", hour(0))
    store.post(new, COMPANIES)
    before = store.tables()
    store.post(old, COMPANIES)
    store.post(new, COMPANIES)

    assert (store.tables(), store.query("SELECT name FROM tickers WHERE ticker = 'AAPL'")) == (before, [("New",)])


def test_a_profile_of_a_stranger_is_put_aside_and_the_others_kept(store: Store) -> None:
    """A slip in a provider's answer loses nothing."""
    event = company("Apple", hour(0))
    event["companies"].append({"ticker": "NONE", "name": "Nobody"})

    answer = store.post(event, COMPANIES)

    assert answer.status_code == 204
    assert store.query("SELECT name FROM companies WHERE source = 'finnhub'") == [("Apple",)]
    assert store.query("SELECT reason FROM dead_letters") == [("not tracked: NONE; the others were stored",)]
