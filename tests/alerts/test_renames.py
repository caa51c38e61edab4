"""A renamed ticker: its firings move with its bars."""

import pytest

from functions.store.migrate import migrate
from tests.alerts_harness import Market, Owner, Receiver, set_clock
from tests.reading import Bar, at

FIRST, SECOND = "2026-11-20 14:30", "2026-11-20 15:30"
NOW = "2026-11-20T16:32:00+00:00"


@pytest.fixture
def owner(market: Market, receiver: Receiver) -> Owner:
    """An account with a webhook."""
    owner = market.alerts.owner("owner")
    owner.webhook(receiver)
    return owner


def test_a_renamed_ticker_takes_nothing_back(market: Market, owner: Owner, database_url: str) -> None:
    """The firing goes with its bar to the new name: no correction, and a rule of once has fired, for both."""
    owner.alert(amount=100)
    owner.alert("*", amount=100)
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST), "101"), Bar("PEP", at(FIRST), "102"), Bar("KO", at(SECOND), "103"))
    before = owner.kinds()
    migrate(database_url, renames={"AAPL": "APPLE", "KO": "PEP"})
    for ticker in ("APPLE", "PEP"):
        market.publish(Bar(ticker, at(FIRST)), Bar(ticker, at(SECOND)))
    market.alerts.tick()

    assert owner.kinds() == before
    assert "AAPL" not in {one["ticker"] for one in owner.firings()}
