"""Answers of Twelve Data are read to the last digit, and errors among them mean what they say."""

import logging
import time
from collections.abc import Callable

import httpx
import pytest

from functions.ingest.providers import FetchResult, ProviderError, simulated
from functions.ingest.settings import Settings
from tests.fake_vendors import KEY, Hands, Vendors, exchange, utc
from tests.providers.fetching import OPENS, asks, fetch


def counted(answer: FetchResult) -> dict[str, int]:
    """Return the number of bars of each ticker that was served."""
    return {ask.ticker: len(bars) for ask, bars in answer.bars.items()}


class TestTwelveData:
    """The real client, over HTTP."""

    def test_bars_come_to_the_last_digit(self, make_settings: Callable[..., Settings]) -> None:
        """One symbol (flat) and several (keyed) give the same bars, with UTC starts, oldest first."""
        batch, alone = fetch(make_settings(), asks("AAPL", "KO")), fetch(make_settings(), asks("AAPL"))

        ask = asks("AAPL")[0]
        session = exchange().last_opened(OPENS)
        assert session is not None
        assert batch.bars[ask] == alone.bars[ask] == simulated.session_bars("AAPL", "1h", session)
        assert counted(batch) == {"AAPL": 7, "KO": 7}

    def test_the_key_travels_in_the_header_alone(
        self, make_settings: Callable[..., Settings], upstream: Vendors, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No URL and no log line carries a key, not even when httpx tells everything and the vendor echoes it."""
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="httpx")
        upstream.misbehave("symbol_error", symbols=["AAPL"], code=500, message=f"key {KEY} is odd")
        fetch(make_settings(), asks("AAPL", "KO"))
        upstream.misbehave("unauthorized")
        with pytest.raises(ProviderError) as failure:
            fetch(make_settings(), asks("AAPL", "KO"))

        assert {one["key_in"] for one in upstream.requests()} == {"header"}
        assert "time_series" in caplog.text
        assert KEY not in caplog.text + str(failure.value)

    def test_windows_that_differ_are_asked_for_apart(
        self, make_settings: Callable[..., Settings], upstream: Vendors
    ) -> None:
        """A request has one window; each ask gets its own, and a credit is a symbol all the same."""
        wanted = [*asks("AAPL", "KO"), *asks("V", start=utc("2026-11-20 16:30"))]

        answer = fetch(make_settings(), wanted)

        assert counted(answer) == {"AAPL": 7, "KO": 7, "V": 5}
        assert sorted(one["symbols"] for one in upstream.requests()) == [["AAPL", "KO"], ["V"]]

    def test_a_bar_that_starts_at_the_end_is_not_asked_for(self, make_settings: Callable[..., Settings]) -> None:
        """Our windows are half open, the vendor's are not."""
        answer = fetch(make_settings(), asks("AAPL", end=utc("2026-11-20 16:30")))

        assert [bar.start.hour for bar in answer.bars[asks("AAPL", end=utc("2026-11-20 16:30"))[0]]] == [14, 15]

    def test_a_ticker_is_spelt_as_the_provider_does(
        self, make_settings: Callable[..., Settings], upstream: Vendors
    ) -> None:
        """The answer is matched to our own spelling again."""
        answer = fetch(make_settings(twelvedata_symbols="BRK.A=BRK.A:NYSE, XX=AAPL"), asks("BRK.A", "XX"))

        assert counted(answer) == {"BRK.A": 7, "XX": 7}
        assert upstream.requests()[0]["symbols"] == ["BRK.A:NYSE", "AAPL"]

    @pytest.mark.parametrize("kind", ["no_data", "no_data_200"])
    @pytest.mark.parametrize("tickers", [["AAPL"], ["AAPL", "KO"]], ids=["flat", "keyed"])
    def test_no_data_is_an_empty_answer(
        self, make_settings: Callable[..., Settings], upstream: Vendors, kind: str, tickers: list[str]
    ) -> None:
        """An empty window is no failure: it counts as answered."""
        upstream.misbehave(kind)

        assert counted(fetch(make_settings(), asks(*tickers))) == dict.fromkeys(tickers, 0)

    @pytest.mark.parametrize("tickers", [["NOPE"], ["NOPE", "AAPL"]], ids=["flat", "keyed"])
    def test_an_unknown_symbol_fails_by_itself(
        self, make_settings: Callable[..., Settings], tickers: list[str]
    ) -> None:
        """The reason is the vendor's, and the others are served."""
        answer = fetch(make_settings(), asks(*tickers))

        assert counted(answer) == {ticker: 7 for ticker in tickers if ticker != "NOPE"}
        assert [(ask.ticker, reason[:12]) for ask, reason in answer.failures.items()] == [("NOPE", "404 **symbol")]

    def test_a_symbol_that_fails_is_left_for_the_next_tick(
        self, make_settings: Callable[..., Settings], upstream: Vendors
    ) -> None:
        """An error that may pass, or a symbol left out of the answer, is neither empty nor a failure of the others."""
        upstream.misbehave("symbol_error", symbols=["KO"], code=500, message="Internal error")
        failed = fetch(make_settings(), asks("AAPL", "KO"))
        upstream.misbehave("left_out", symbols=["AAPL"])
        left_out = fetch(make_settings(), asks("AAPL", "KO"))

        assert (counted(failed), counted(left_out)) == ({"AAPL": 7}, {"KO": 7})

    @pytest.mark.parametrize(
        "kind",
        ["timeout", "reset", "truncated", "empty_body", "html_200", "bad_gateway", "error_500", "not_found"],
    )
    def test_no_usable_answer_is_a_failure(
        self, make_settings: Callable[..., Settings], upstream: Vendors, hands: Hands, kind: str
    ) -> None:
        """Without a usable response the provider has failed, in time; after a minute's pause it serves again."""
        upstream.misbehave(kind, seconds=5)
        began = time.monotonic()
        with pytest.raises(ProviderError):
            fetch(make_settings(provider_timeout_seconds="0.5"), asks("AAPL", "KO"))

        assert time.monotonic() - began < 4.8
        hands.forward(minutes=1)
        assert counted(fetch(make_settings(), asks("AAPL", "KO"))) == {"AAPL": 7, "KO": 7}

    def test_a_server_that_is_not_there_is_a_failure(self, make_settings: Callable[..., Settings], port: int) -> None:
        """A refused connection is no crash."""
        with pytest.raises(ProviderError, match="ConnectError"):
            fetch(make_settings(twelvedata_base_url=f"http://127.0.0.1:{port}"), asks("AAPL"))

    def test_a_slow_answer_is_waited_for(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """Within the time limit slow is good enough."""
        upstream.misbehave("slow", seconds=0.2)

        assert counted(fetch(make_settings(), asks("AAPL"))) == {"AAPL": 7}

    @pytest.mark.parametrize("kind", ["descending", "duplicate_bar", "weekend_bar", "off_grid_bar"])
    def test_odd_series_come_through_oldest_first(
        self, make_settings: Callable[..., Settings], upstream: Vendors, kind: str
    ) -> None:
        """The client orders bars and judges none; of two with the same start the one that was said last comes last."""
        upstream.misbehave(kind)
        bars = fetch(make_settings(), asks("AAPL")).bars[asks("AAPL")[0]]

        starts = [bar.start for bar in bars]
        assert starts == sorted(starts)
        assert len(bars) == (7 if kind == "descending" else 8)
        if kind == "duplicate_bar":
            assert (bars[-1].close or 0) > (bars[-2].close or 0)

    @pytest.mark.parametrize(("kind", "seen"), [("null_values", None), ("nan_values", "NaN")])
    def test_missing_figures_are_carried_on(
        self, make_settings: Callable[..., Settings], upstream: Vendors, kind: str, seen: str | None
    ) -> None:
        """Store refuses them with a record; dropped here they would vanish unseen."""
        upstream.misbehave(kind)
        bar = fetch(make_settings(), asks("AAPL")).bars[asks("AAPL")[0]][-1]

        assert {str(value) if value is not None else None for value in (bar.open, bar.close, bar.volume)} == {seen}

    def test_a_missing_volume_is_none(self, make_settings: Callable[..., Settings], upstream: Vendors) -> None:
        """The vendor leaves the field out where it has none."""
        upstream.misbehave("missing_volume")

        assert {bar.volume for bar in fetch(make_settings(), asks("AAPL")).bars[asks("AAPL")[0]]} == {None}

    @pytest.mark.parametrize(
        "body",
        [
            '{"meta": {"symbol": "AAPL"}, "status": "ok", "values": [{"datetime": 5}, 7, {"datetime": "x"}]}',
            '{"meta": {"symbol": "AAPL"}, "status": "ok", "values": []}',
        ],
    )
    def test_values_without_a_readable_time_are_dropped(
        self, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings], body: str
    ) -> None:
        """A bar of no known time is no bar; the rest of the answer stands."""
        _answer_with(monkeypatch, httpx.Response(200, text=body))

        assert counted(fetch(make_settings(), asks("AAPL"))) == {"AAPL": 0}

    @pytest.mark.parametrize(
        "body",
        [
            "[]",
            "null",
            '"ok"',
            '{"status": "ok"}',
            '{"AAPL": []}',
            '{"status": "error"}',
            '{"code": "x"}',
            "\ufeff{}",
            "{",
        ],
    )
    def test_json_that_is_no_answer_is_a_failure(
        self, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings], body: str
    ) -> None:
        """Whatever shape comes, nothing but a failure comes of it, of the request or of its ticker."""
        _answer_with(monkeypatch, httpx.Response(200, text=body))

        try:
            answer = fetch(make_settings(), asks("AAPL"))
        except ProviderError:
            return
        assert (answer.bars, [ask.ticker for ask in answer.failures]) == ({}, ["AAPL"])

    def test_json_numbers_keep_their_digits(
        self, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings]
    ) -> None:
        """A figure that comes as a number and not as text does not pass through a binary fraction."""
        value = (
            '{"datetime": "2026-11-20 14:30:00", "open": 0.1000000000000000055, "high": true, "low": "x", "volume": 7}'
        )
        _answer_with(monkeypatch, httpx.Response(200, text=f'{{"meta": {{}}, "values": [{value}]}}'))

        bar = fetch(make_settings(), asks("AAPL")).bars[asks("AAPL")[0]][0]

        assert (str(bar.open), str(bar.high), str(bar.low), bar.close, bar.volume) == (
            "0.1000000000000000055",
            "NaN",
            "NaN",
            None,
            7,
        )


def _answer_with(monkeypatch: pytest.MonkeyPatch, response: httpx.Response) -> None:
    """Let every request be answered so, for shapes that no vendor is known to send."""

    async def get(*_: object, **__: object) -> httpx.Response:
        return response

    monkeypatch.setattr(httpx.AsyncClient, "get", get)
