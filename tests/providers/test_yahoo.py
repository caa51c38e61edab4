"""The provider yahoo against the fake vendor: off unless named, one request a ticker, its quirks taken out."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from functions.ingest.providers import ProviderError
from functions.ingest.settings import Providers, Settings
from tests.fake_vendors import Hands, Vendors, utc
from tests.providers.fetching import CLOSES, asks, fetch

MakeSettings = Callable[..., Settings]


def test_it_is_off_unless_named() -> None:
    """No default has it, and it needs no key."""
    assert "yahoo" not in Providers().order
    Providers(providers=("yahoo",)).check()


def test_hours_are_the_vendors_without_binary_noise(make_settings: MakeSettings, upstream: Vendors) -> None:
    """333.92269897 is 333.9227; a class of shares is written with a hyphen; the live price is no bar."""
    result = fetch(make_settings(), asks("AAPL", "BRK.A"), "yahoo")
    expected = fetch(make_settings(), asks("AAPL", "BRK.A"))

    assert [len(bars) for bars in result.bars.values()] == [7, 7]
    for ask, bars in result.bars.items():
        for ours, theirs in zip(bars, expected.bars[ask], strict=True):
            assert ours.start == theirs.start
            assert ours.volume == theirs.volume
            assert ours.close is not None
            assert theirs.close is not None
            assert abs(ours.close - theirs.close) <= theirs.close * Decimal("1e-7") + Decimal("0.00005")
            assert len(str(ours.close).partition(".")[2]) <= 4
    assert [one["symbols"] for one in upstream.requests() if one["path"].startswith("/v8")] == [["AAPL"], ["BRK.A"]]


def test_the_live_price_is_no_bar(make_settings: MakeSettings, hands: Hands) -> None:
    """Within the session the answer ends with the price of this moment."""
    hands.at = utc("2026-11-20 16:10")

    starts = [bar.start for bar in fetch(make_settings(), asks("KO"), "yahoo").bars[asks("KO")[0]]]

    assert starts == [utc("2026-11-20 14:30"), utc("2026-11-20 15:30")]


def test_quirks_cost_no_other_bar(make_settings: MakeSettings, upstream: Vendors) -> None:
    """An hour of nulls is absent, one after the close is for store to refuse, wrong labels refuse the ticker."""
    found = []
    for kind in ("nulls", "post_market", "wrong_interval"):
        upstream.misbehave(kind, vendor="yahoo", symbols=["KO"])
        result = fetch(make_settings(), asks("KO", end=CLOSES), "yahoo")
        found.append((len(result.bars[asks("KO")[0]]), [one.reason for one in result.mislabelled.values()]))

    assert found == [(6, []), (8, []), (7, ["interval-wrong"])]


def test_a_throttled_provider_pauses(make_settings: MakeSettings, upstream: Vendors, hands: Hands) -> None:
    """After a 429 the tickers behind it are left for others, and nothing is requested for five minutes."""
    upstream.misbehave("throttled", vendor="yahoo", symbols=["KO"])
    partly = fetch(make_settings(), asks("AAPL", "KO", "V"), "yahoo")
    with pytest.raises(ProviderError, match="pauses"):
        fetch(make_settings(), asks("V"), "yahoo")
    hands.forward(minutes=5, seconds=1)

    assert [ask.ticker for ask in partly.bars] == ["AAPL"]
    assert len(fetch(make_settings(), asks("V"), "yahoo").bars) == 1
    assert len(upstream.requests()) == 3


def test_an_unknown_symbol_fails_alone(make_settings: MakeSettings) -> None:
    """404 names it; the others are served."""
    result = fetch(make_settings(), asks("NOPE", "KO"), "yahoo")

    assert ({one.ticker: why for one, why in result.failures.items()}, len(result.bars)) == ({"NOPE": "HTTP 404"}, 1)
