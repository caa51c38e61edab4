"""A renamed ticker: what alerts have told of it goes with its bars."""

from collections.abc import Iterator

import pytest

from functions.store.migrate import migrate
from tests.alerts_harness import Market, Owner, Receiver, serving_alerts, set_clock
from tests.reading import Bar, at

FIRST, SECOND = "2026-11-20 14:30", "2026-11-20 15:30"
NOW = "2026-11-20T16:32:00+00:00"
BEFORE = "2026-11-20T14:00:00+00:00"


@pytest.fixture
def market(database_url: str, redis_url: str) -> Iterator[Market]:
    """A database of the test's own, in which rules were stated before the session."""
    with serving_alerts(database_url, redis_url, BEFORE) as alerts:
        yield Market(alerts)


@pytest.fixture
def owner(market: Market, receiver: Receiver) -> Owner:
    """An account with a webhook."""
    owner = market.alerts.owner("owner")
    owner.webhook(receiver)
    return owner


def kinds(owner: Owner) -> list[str]:
    """Return the firings of the account, oldest first."""
    return [one["kind"] for one in reversed(owner.firings())]


def test_a_renamed_ticker_takes_nothing_back(
    market: Market, owner: Owner, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The firing goes with its bar to the new name: no correction, and a rule of once has fired, for both."""
    owner.alert(amount=100)
    owner.alert("*", amount=100)
    set_clock(monkeypatch, NOW)
    market.store(Bar("AAPL", at(FIRST), "101"), Bar("PEP", at(FIRST), "102"), Bar("KO", at(SECOND), "103"))
    before = kinds(owner)
    migrate(database_url, renames={"AAPL": "APPLE", "KO": "PEP"})
    for ticker in ("APPLE", "PEP"):
        market.tell(Bar(ticker, at(FIRST)), Bar(ticker, at(SECOND)))
    market.alerts.tick()

    assert kinds(owner) == before
    assert "AAPL" not in {one["ticker"] for one in owner.firings()}
