"""The provider alpaca against the fake vendor: half hours of all tickers in one request become hours."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from functions.ingest.gaps import FetchRequest
from functions.ingest.providers import NoCredits, ProviderError
from functions.ingest.settings import Settings
from tests.fake_vendors import Hands, Vendors, exchange, utc
from tests.fakes.market_data.faults import CONNECTION
from tests.fakes.market_data.market import Market
from tests.providers.fetching import CLOSES, OPENS, asks, fetch

MakeSettings = Callable[..., Settings]
TICKERS = sorted(Market(exchange()).symbols)


def test_all_tickers_come_in_one_request(make_settings: MakeSettings, upstream: Vendors) -> None:
    """A day of 50 tickers; each hour is the vendor's own to the last digit, extended hours are left out."""
    wanted = asks(*TICKERS)

    alpaca, twelvedata = fetch(make_settings(), wanted, "alpaca"), fetch(make_settings(), wanted[:8])

    assert len([one for one in upstream.requests() if one["path"] == "/v2/stocks/bars"]) == 1
    assert {ask.ticker: len(bars) for ask, bars in alpaca.bars.items()} == dict.fromkeys(TICKERS, 7)
    assert {ask: alpaca.bars[ask] for ask in wanted[:8]} == twelvedata.bars
    assert (alpaca.source, alpaca.refused, alpaca.failures) == ("alpaca-sip", {}, {})


def test_a_year_comes_in_pages(make_settings: MakeSettings, upstream: Vendors) -> None:
    """10,000 bars a page over all symbols, extended hours among them: no hour is lost between two pages."""
    start = exchange().sessions[0].opens
    wanted = asks("AAPL", "BRK.A", "KO", "XOM", start=start, end=CLOSES)

    result = fetch(make_settings(), wanted, "alpaca")

    expected = len(exchange().starts("1h", start, CLOSES))
    assert {len(bars) for bars in result.bars.values()} == {expected}
    assert len(upstream.requests()) == result.credits == 3


def test_the_free_plan_is_not_asked_for_what_it_has_not(
    make_settings: MakeSettings, upstream: Vendors, hands: Hands
) -> None:
    """All exchanges are a quarter of an hour late: an hour is complete 16 minutes after its end; IEX has it at once."""
    hands.at = utc("2026-11-20 15:40")
    early = fetch(make_settings(), asks("KO"), "alpaca")
    iex = fetch(make_settings(alpaca_feed="iex"), asks("KO"), "alpaca")
    hands.forward(minutes=6)
    later = fetch(make_settings(), asks("KO"), "alpaca")

    assert [len(one.bars[asks("KO")[0]]) for one in (early, iex, later)] == [0, 1, 1]
    assert (iex.source, later.source) == ("alpaca-iex", "alpaca-sip")
    volumes = [one.bars[asks("KO")[0]][0].volume or 0 for one in (iex, later)]
    assert volumes[0] < volumes[1] / 20
    assert {one["status"] for one in upstream.requests()} == {200}


def test_a_symbol_without_bars_has_none(make_settings: MakeSettings) -> None:
    """It is absent from the answer; the others are served."""
    result = fetch(make_settings(), asks("KO", "NOPE"), "alpaca")

    assert [len(bars) for bars in result.bars.values()] == [7, 0]


def test_an_hour_of_one_half_is_refused(make_settings: MakeSettings, upstream: Vendors) -> None:
    """It is no bar, and its text goes to the ledger; nulls are sent on for store to refuse."""
    whole = asks("KO", end=CLOSES - timedelta(minutes=30))
    upstream.misbehave("missing_half", vendor="alpaca", symbols=["KO"])
    lacking = fetch(make_settings(), whole, "alpaca")
    upstream.misbehave("null_values", vendor="alpaca", symbols=["KO"])
    nulls = fetch(make_settings(), whole, "alpaca")

    assert len(lacking.bars[whole[0]]) == 5
    assert [(one.start, one.reason) for one in lacking.refused[whole[0]]] == [
        (CLOSES - timedelta(minutes=90), "hour-incomplete")
    ]
    assert nulls.bars[whole[0]][-1].close is None


@pytest.mark.parametrize(
    "kind",
    ["unauthorized", "recent_sip", "no_object", *sorted(CONNECTION - {"slow"})],
)
def test_what_gives_nothing_is_a_failure_without_secrets(
    make_settings: MakeSettings, upstream: Vendors, kind: str
) -> None:
    """The message names the provider and the fault, never the key."""
    upstream.misbehave(kind, vendor="alpaca", seconds=2)

    with pytest.raises(ProviderError, match="alpaca: ") as failure:
        fetch(make_settings(provider_timeout_seconds="0.5"), asks("KO"), "alpaca")

    assert "k3y" not in str(failure.value)


def test_retry_after_is_obeyed(make_settings: MakeSettings, upstream: Vendors, hands: Hands) -> None:
    """Nothing is requested until the pause is over."""
    upstream.misbehave("retry_after", vendor="alpaca", seconds=90)
    for seconds in (0, 60):
        hands.forward(seconds=seconds)
        with pytest.raises(ProviderError):
            fetch(make_settings(), asks("KO"), "alpaca")
    hands.forward(seconds=31)

    assert len(fetch(make_settings(), asks("KO"), "alpaca").bars) == 1
    assert len(upstream.requests()) == 2


def test_the_budget_holds(make_settings: MakeSettings, upstream: Vendors) -> None:
    """A minute's requests and no more."""
    settings = make_settings(alpaca_calls_per_minute="2")
    for _ in range(2):
        fetch(settings, asks("KO"), "alpaca")
    with pytest.raises(NoCredits):
        fetch(settings, asks("KO"), "alpaca")

    assert len(upstream.requests()) == 2


def test_tickers_of_other_windows_are_asked_apart_where_one_page_cannot_hold_them(
    make_settings: MakeSettings, upstream: Vendors
) -> None:
    """A long history of one does not make 50 long: the newest day of the others is one request."""
    long = FetchRequest("KO", exchange().sessions[0].opens, CLOSES)
    wanted = [long, *asks(*(ticker for ticker in TICKERS if ticker != "KO"), start=OPENS)]

    result = fetch(make_settings(), wanted, "alpaca")

    assert len(result.bars) == 50
    assert [len(one["symbols"]) for one in upstream.requests()] == [1, 49]
