"""Finnhub's profiles and second opinions are read as they are meant."""

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from functions.ingest.providers import NoCredits, ProviderError, finnhub
from functions.ingest.settings import Settings
from shared.events.types import Bar
from tests.fake_vendors import Hands, Vendors, utc
from tests.providers.fetching import OPENS


class TestFinnhub:
    """The real client, over HTTP."""

    NAMES = {"AAPL": "Apple", "KO": "Coca-Cola"}  # noqa: RUF012

    def test_profiles_come_in_millions(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """Cap and shares keep the vendor's unit and digits; the token travels in a header."""
        profiles = asyncio.run(finnhub.fetch_profiles(make_settings(), self.NAMES))

        apple = next(one for one in profiles.companies if one.ticker == "AAPL")
        assert (apple.name, apple.industry, apple.website) == ("Apple Inc.", "Technology", "https://www.apple.com/")
        assert apple.shares_millions == 14700
        assert (apple.phone, str(apple.ipo)) == ("14085550100", "1980-12-12")
        assert {one["key_in"] for one in upstream.requests()} == {"header"}

    def test_what_is_missing_is_none(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """Empty and absent fields, a cap of zero and a number with .0 are what they mean."""
        upstream.misbehave("missing_fields", vendor="finnhub", symbols=["AAPL"])
        upstream.misbehave("float_phone", vendor="finnhub", symbols=["KO"])
        apple, coke = asyncio.run(finnhub.fetch_profiles(make_settings(), self.NAMES)).companies

        assert (apple.website, apple.ipo, apple.market_cap_millions, apple.phone) == (None, None, None, None)
        assert coke.phone == "14085550100"

    def test_an_unknown_company_is_left_out(
        self, make_settings: Callable[..., Settings], caplog: pytest.LogCaptureFixture
    ) -> None:
        """{} is how Finnhub says that it knows nothing."""
        profiles = asyncio.run(finnhub.fetch_profiles(make_settings(), self.NAMES | {"NOPE": "Nobody"}))

        assert [one.ticker for one in profiles.companies] == ["AAPL", "KO"]
        assert "has no profile of NOPE" in caplog.text

    @pytest.mark.parametrize(
        "kind",
        [
            "text_429",
            "json_429",
            "unauthorized",
            "timeout",
            "reset",
            "empty_body",
            "html_200",
            "bad_gateway",
            "error_500",
        ],
    )
    def test_no_answer_is_a_failure(self, make_settings: Callable[..., Settings], upstream: Vendors, kind: str) -> None:
        """Whatever comes instead of a profile; and the rest of the calls is not wasted on the same fault."""
        upstream.misbehave(kind, vendor="finnhub", seconds=2)

        with pytest.raises(ProviderError):
            asyncio.run(finnhub.fetch_profiles(make_settings(provider_timeout_seconds="0.3"), {"AAPL": "Apple"}))

    def test_calls_are_counted(self, make_settings: Callable[..., Settings], upstream: Vendors, hands: Hands) -> None:
        """No more than the limit in a minute, the rest in the next."""
        few = make_settings(finnhub_calls_per_minute="1")
        first = asyncio.run(finnhub.fetch_profiles(few, self.NAMES))
        with pytest.raises(NoCredits):
            asyncio.run(finnhub.fetch_profiles(few, self.NAMES))
        hands.forward(minutes=1)
        asyncio.run(finnhub.fetch_profiles(few, self.NAMES))

        assert [one.ticker for one in first.companies] == ["AAPL"]
        assert len(upstream.requests()) == 2

    @pytest.mark.parametrize(
        ("kind", "factor", "confirmed"),
        [(None, 1, True), (None, 1.08, True), (None, 1.5, False), ("zeros", 1, False), ("stale_quote", 1, False)],
    )
    def test_a_price_is_confirmed_by_a_quote_near_it(
        self,
        make_settings: Callable[..., Settings],
        upstream: Vendors,
        kind: str | None,
        factor: float,
        confirmed: bool,
    ) -> None:
        """Within ten percent, from the bar's time or later; zeros mean that the vendor does not know."""
        close = Decimal(str(upstream.get("/api/v1/quote", symbol="AAPL").json()["c"])) * Decimal(str(factor))
        bar = Bar(start=utc("2026-11-20 20:30"), open=close, high=close, low=close, close=close, volume=None)
        if kind:
            upstream.misbehave(kind, vendor="finnhub")

        assert asyncio.run(finnhub.confirm_closes(make_settings(), {"AAPL": bar})) == ({"AAPL"} if confirmed else set())

    def test_no_second_opinion_is_no_failure(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """A tick does not fail because the second source does."""
        upstream.misbehave("reset", vendor="finnhub")
        bar = Bar(start=OPENS, open=None, high=None, low=None, close=Decimal(1), volume=None)

        assert asyncio.run(finnhub.confirm_closes(make_settings(), {"AAPL": bar})) == set()
