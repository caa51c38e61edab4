"""Rules about the stocks of a list: each by itself, those that are in it at the time."""

import pytest

from functions.alerts.response_models import Alert
from tests.accounts import Person, Tokens
from tests.alerts.test_delivery import FIRST, NOW
from tests.alerts_harness import Market, Owner, set_clock
from tests.reading import Bar, at


@pytest.fixture
def person(market: Market) -> Person:
    """A login, which may change lists."""
    return Tokens(market.alerts.tokens).person("lister")


@pytest.fixture
def owner(market: Market, person: Person) -> Owner:
    """The same account as alerts sees it."""
    return Owner(market.alerts.client, person.make(scopes=["alerts"])["token"])


def new_list(person: Person, *tickers: str) -> str:
    """A list of the account and its id."""
    return person.ask("POST", "/lists", 201, json={"name": "Tech", "tickers": list(tickers)}).json()["id"]


def watch(owner: Owner, tech: str, **parts: object) -> dict[str, object]:
    """A rule about the list."""
    asked = {"list": tech, "kind": "price", "direction": "above", "amount": 100, **parts}
    return owner.ask("POST", "/alerts", 201, json=asked).json()


def test_each_stock_of_a_list_fires_by_itself(market: Market, person: Person, owner: Owner) -> None:
    """Each once, others not; the sentence names the list, by whose name or id the rule is stated."""
    tech = new_list(person, "AAPL", "MSFT")
    rule, named = watch(owner, tech), watch(owner, "tech", repeat="always")
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST)), Bar("MSFT", at(FIRST)), Bar("NVDA", at(FIRST)), times=2)

    assert Alert.model_validate(rule).sentence == (
        "Tell me when any stock of “Tech” is above $100.00 at the end of an hour, once for each stock."
    )
    assert (rule["ticker"], rule["list"], named["list"]) == (None, tech, tech)
    fired = [(one["alert"], one["ticker"]) for one in owner.firings()]
    assert sorted(fired) == sorted((one["id"], ticker) for one in (rule, named) for ticker in ("AAPL", "MSFT"))


def test_a_rule_follows_the_changes_of_its_list(market: Market, person: Person, owner: Owner) -> None:
    """A stock that is added is watched from then on, one that is removed is not, and nothing of it is taken back."""
    tech = new_list(person, "AAPL")
    watch(owner, tech, repeat="always")
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST)))
    person.ask("POST", f"/lists/{tech}/tickers", json={"tickers": ["MSFT"]})
    person.ask("DELETE", f"/lists/{tech}/tickers/AAPL", 204)
    market.revise("AAPL", FIRST, "90")
    market.store(Bar("AAPL", at("2026-11-20 15:30")), Bar("MSFT", at("2026-11-20 15:30")))

    assert owner.fired() == [
        ("fired", "AAPL", "2026-11-20T14:30:00Z"),
        ("fired", "MSFT", "2026-11-20T15:30:00Z"),
    ]


def test_a_correction_of_a_stock_of_a_list_is_sent(market: Market, person: Person, owner: Owner) -> None:
    """As of any other rule."""
    watch(owner, new_list(person, "AAPL"))
    set_clock(NOW)
    market.store(Bar("AAPL", at(FIRST)))
    market.revise("AAPL", FIRST, "90")

    assert owner.kinds() == ["fired", "corrected"] or sorted(owner.kinds()) == ["corrected", "fired"]


def test_missing_bars_of_a_list_fire(market: Market, person: Person, owner: Owner) -> None:
    """Those of its stocks alone."""
    tech = new_list(person, "AAPL", "MSFT")
    owner.ask("POST", "/alerts", 201, json={"list": tech, "kind": "missing", "repeat": "once"})
    set_clock("2026-11-20T16:32:00+00:00")
    market.store(Bar("AAPL", at(FIRST)))

    assert [(one["ticker"], one["bar"]["start"]) for one in owner.firings()] == [("MSFT", "2026-11-20T14:30:00Z")]


def test_a_rule_ends_with_its_list(person: Person, owner: Owner) -> None:
    """It never becomes a rule about every stock."""
    tech = new_list(person, "AAPL")
    watch(owner, tech)
    person.ask("DELETE", f"/lists/{tech}", 204)

    assert owner.ask("GET", "/alerts").json()["count"] == 0


def test_a_rule_changes_between_a_list_and_a_ticker(person: Person, owner: Owner) -> None:
    """One or the other, never both."""
    tech = new_list(person, "AAPL")
    path = f"/alerts/{watch(owner, tech)['id']}"
    to_ticker = owner.ask("PATCH", path, json={"ticker": "MSFT"}).json()
    to_list = owner.ask("PATCH", path, json={"list": tech}).json()

    assert (to_ticker["ticker"], to_ticker["list"]) == ("MSFT", None)
    assert (to_list["ticker"], to_list["list"]) == (None, tech)


def test_only_an_own_list_can_be_watched(market: Market, person: Person, owner: Owner) -> None:
    """Another account's is as unknown as one that is none; a ticker beside it and neither are refused."""
    tech = new_list(person, "AAPL")
    stranger = market.alerts.owner("stranger")
    asked = {"kind": "price", "direction": "above", "amount": 1}
    for given in ({"list": tech}, {"list": "Tech"}, {"list": "x\0"}, {"list": ""}):
        problem = stranger.refusal("POST", "/alerts", 400, json={**asked, **given})
        assert [one["parameter"] for one in problem["errors"]] == ["list"]

    both = owner.refusal("POST", "/alerts", 400, json={**asked, "list": tech, "ticker": "AAPL"})
    neither = owner.refusal("POST", "/alerts", 400, json=asked)
    assert [one["errors"][0]["parameter"] for one in (both, neither)] == ["list", "ticker"]
