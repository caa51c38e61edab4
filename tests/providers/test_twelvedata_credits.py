"""Twelve Data: credits of the minute and of the day, refused keys, and several keys."""

from collections.abc import Callable

import httpx
import pytest

from functions.ingest.providers import FetchResult, NoCredits, ProviderError, simulated
from functions.ingest.settings import Settings
from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, utc
from tests.providers.fetching import asks, fetch


class TestCredits:
    """The real client, over HTTP."""

    @pytest.mark.parametrize("kind", ["minute_credits", "minute_credits_200", "credits_left_zero"])
    def test_out_of_credits_for_the_minute(
        self, make_settings: Callable[..., Settings], upstream: Vendors, hands: Hands, kind: str
    ) -> None:
        """The provider counts more than we did: nothing is asked until the minute ends, then all is well."""
        upstream.misbehave(kind)
        if kind == "credits_left_zero":
            fetch(make_settings(), asks("AAPL"))
        else:
            with pytest.raises(NoCredits):
                fetch(make_settings(), asks("AAPL"))
        hands.forward(seconds=49)
        with pytest.raises(NoCredits):
            fetch(make_settings(), asks("AAPL"))
        hands.forward(seconds=11)
        fetch(make_settings(), asks("AAPL"))

        assert len(upstream.requests()) == 2

    @pytest.mark.parametrize("kind", ["day_credits", "day_credits_200"])
    def test_out_of_credits_for_the_day(
        self, make_settings: Callable[..., Settings], upstream: Vendors, hands: Hands, kind: str
    ) -> None:
        """Nothing is asked until midnight UTC."""
        upstream.misbehave(kind)
        for _ in range(3):
            with pytest.raises(NoCredits):
                fetch(make_settings(), asks("AAPL"))
            hands.forward(hours=3, minutes=50)
        hands.at = utc("2026-11-22 00:00")
        fetch(make_settings(), asks("AAPL"))

        assert len(upstream.requests()) == 2

    @pytest.mark.parametrize("kind", ["unauthorized", "unauthorized_200", "forbidden"])
    def test_a_refused_key_is_set_aside_for_an_hour(
        self,
        make_settings: Callable[..., Settings],
        upstream: Vendors,
        hands: Hands,
        kind: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """It is not tried again meanwhile, and that is a failure, not a matter of budget."""
        upstream.misbehave(kind)
        for _ in range(2):
            with pytest.raises(ProviderError, match="refused"):
                fetch(make_settings(), asks("AAPL"))
            hands.forward(minutes=29)
        hands.forward(minutes=3)

        assert counted(fetch(make_settings(), asks("AAPL"))) == {"AAPL": 7}
        assert len(upstream.requests()) == 2
        assert "is set aside for an hour" in caplog.text

    def test_other_keys_go_on_at_once(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """The tickers of a refused key are fetched with another in the same tick."""
        answer = fetch(make_settings(twelvedata_api_keys=f"wrong,{KEY}"), asks("AAPL", "KO", "V"))

        assert counted(answer) == {"AAPL": 7, "KO": 7, "V": 7}
        assert [one["status"] for one in upstream.requests()] == [401, 200]

    def test_keys_add_up(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """Two keys serve twice as many tickers; the same key twice does not."""
        twenty = asks(*sorted(simulated._KNOWN)[:20])

        both = fetch(make_settings(twelvedata_api_keys=f"{KEY},{OTHER_KEY}"), twenty)
        with pytest.raises(NoCredits):
            fetch(make_settings(twelvedata_api_keys=f"{KEY},{KEY}"), twenty)

        assert len(both.bars) == 16
        assert upstream.violations() == []

    def test_without_redis_nothing_is_asked(
        self, make_settings: Callable[..., Settings], upstream: Vendors, port: int
    ) -> None:
        """Without a count of its credits, a provider is not asked."""
        with pytest.raises(ProviderError, match="Redis"):
            fetch(make_settings(redis_url=f"redis://127.0.0.1:{port}/0"), asks("AAPL"))

        assert upstream.requests() == []

    def test_a_pause_that_the_provider_asks_for_is_kept(
        self, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings], hands: Hands
    ) -> None:
        """`Retry-After` suspends the key for so long: nothing is sent before."""
        _answer_with(monkeypatch, httpx.Response(503, headers={"Retry-After": "300"}))
        with pytest.raises(ProviderError, match="pause of 300 s"):
            fetch(make_settings(), asks("AAPL"))
        hands.forward(seconds=299)

        with pytest.raises(ProviderError, match="is to pause"):
            fetch(make_settings(), asks("AAPL"))


def counted(answer: FetchResult) -> dict[str, int]:
    """Return the number of bars of each ticker that was served."""
    return {ask.ticker: len(bars) for ask, bars in answer.bars.items()}


def _answer_with(monkeypatch: pytest.MonkeyPatch, response: httpx.Response) -> None:
    """Let every request be answered so, for shapes that no vendor is known to send."""

    async def get(*_: object, **__: object) -> httpx.Response:
        return response

    monkeypatch.setattr(httpx.AsyncClient, "get", get)
