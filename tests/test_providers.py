"""Providers: the real clients against stand-in vendors over HTTP, budgets in Redis, the invented market, replay."""

import asyncio
import gzip
import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from redis.asyncio import Redis

from functions.ingest.budget import AllSetAside, Budget
from functions.ingest.due import Ask
from functions.ingest.providers import Answer, NoBudget, ProviderFailed, finnhub, open_provider, simulated
from functions.ingest.settings import Settings
from shared.events import Bar
from shared.settings import read_settings
from tests.vendors import KEY, OTHER_KEY, Hands, Vendors, exchange, set_clock, utc, vendors

SATURDAY = utc("2026-11-21 12:00")
OPENS = utc("2026-11-20 14:30")
CLOSES = utc("2026-11-20 21:00")


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock on a Saturday, at the start of a minute."""
    return set_clock(monkeypatch, SATURDAY)


@pytest.fixture(scope="module")
def served() -> Iterator[Vendors]:
    """Both vendors, with the simulated market and two good keys."""
    with vendors(keys=[KEY, OTHER_KEY]) as both:
        yield both


@pytest.fixture
def upstream(served: Vendors, hands: Hands) -> Vendors:
    """Both vendors, without a memory of other tests."""
    served.forget()
    return served


@pytest.fixture
def told(upstream: Vendors, redis_url: str) -> Callable[..., Settings]:
    """A function that gives ingest's settings for the stand-in vendors; keywords replace or add."""

    def tell(**more: str) -> Settings:
        environment = {
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
            "REDIS_URL": redis_url,
            "TWELVEDATA_API_KEYS": KEY,
            "TWELVEDATA_BASE_URL": upstream.url,
            "FINNHUB_API_KEY": KEY,
            "FINNHUB_BASE_URL": f"{upstream.url}/api/v1",
            "PROVIDER_TIMEOUT_SECONDS": "5",
        }
        return read_settings(Settings, environment | {name.upper(): value for name, value in more.items()})

    return tell


def asks(*tickers: str, start: datetime = OPENS, end: datetime = CLOSES) -> list[Ask]:
    """Asks for one day's bars."""
    return [Ask(ticker, start, end) for ticker in tickers]


def fetch(told: Settings, wanted: Sequence[Ask], name: str = "twelvedata") -> Answer:
    """What the provider answers."""
    return asyncio.run(_fetch(told, wanted, name))


async def _fetch(told: Settings, wanted: Sequence[Ask], name: str = "twelvedata") -> Answer:
    return await open_provider(name, told).fetch(wanted, "1h", exchange())


def counted(answer: Answer) -> dict[str, int]:
    """How many bars came for each ticker that was served."""
    return {ask.ticker: len(bars) for ask, bars in answer.bars.items()}


class TestTwelveData:
    """The real client, over HTTP."""

    def test_bars_come_to_the_last_digit(self, told: Callable[..., Settings]) -> None:
        """One symbol (flat) and several (keyed) give the same bars, with UTC starts, oldest first."""
        batch, alone = fetch(told(), asks("AAPL", "KO")), fetch(told(), asks("AAPL"))

        ask = asks("AAPL")[0]
        session = exchange().last_opened(OPENS)
        assert session is not None
        assert batch.bars[ask] == alone.bars[ask] == simulated.session_bars("AAPL", "1h", session)
        assert counted(batch) == {"AAPL": 7, "KO": 7}

    def test_the_key_travels_in_the_header_alone(
        self, told: Callable[..., Settings], upstream: Vendors, caplog: pytest.LogCaptureFixture
    ) -> None:
        """No URL and no log line carries a key, not even when httpx tells everything and the vendor echoes it."""
        caplog.set_level(logging.DEBUG)
        caplog.set_level(logging.DEBUG, logger="httpx")
        upstream.misbehave("symbol_error", symbols=["AAPL"], code=500, message=f"key {KEY} is odd")
        fetch(told(), asks("AAPL", "KO"))
        upstream.misbehave("unauthorized")
        with pytest.raises(ProviderFailed) as failure:
            fetch(told(), asks("AAPL", "KO"))

        assert {one["key_in"] for one in upstream.requests()} == {"header"}
        assert "time_series" in caplog.text
        assert KEY not in caplog.text + str(failure.value)

    def test_windows_that_differ_are_asked_for_apart(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """A request has one window; each ask gets its own, and a credit is a symbol all the same."""
        wanted = [*asks("AAPL", "KO"), *asks("V", start=utc("2026-11-20 16:30"))]

        answer = fetch(told(), wanted)

        assert counted(answer) == {"AAPL": 7, "KO": 7, "V": 5}
        assert [one["symbols"] for one in upstream.requests()] == [["AAPL", "KO"], ["V"]]

    def test_a_bar_that_starts_at_the_end_is_not_asked_for(self, told: Callable[..., Settings]) -> None:
        """Our windows are half open, the vendor's are not."""
        answer = fetch(told(), asks("AAPL", end=utc("2026-11-20 16:30")))

        assert [bar.start.hour for bar in answer.bars[asks("AAPL", end=utc("2026-11-20 16:30"))[0]]] == [14, 15]

    def test_a_ticker_is_spelt_as_the_provider_does(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """The answer is matched to our own spelling again."""
        answer = fetch(told(twelvedata_symbols="BRK.A=BRK.A:NYSE, XX=AAPL"), asks("BRK.A", "XX"))

        assert counted(answer) == {"BRK.A": 7, "XX": 7}
        assert upstream.requests()[0]["symbols"] == ["BRK.A:NYSE", "AAPL"]

    @pytest.mark.parametrize("kind", ["no_data", "no_data_200"])
    @pytest.mark.parametrize("tickers", [["AAPL"], ["AAPL", "KO"]], ids=["flat", "keyed"])
    def test_no_data_is_an_empty_answer(
        self, told: Callable[..., Settings], upstream: Vendors, kind: str, tickers: list[str]
    ) -> None:
        """An empty window is no failure: it counts as answered."""
        upstream.misbehave(kind)

        assert counted(fetch(told(), asks(*tickers))) == dict.fromkeys(tickers, 0)

    @pytest.mark.parametrize("tickers", [["NOPE"], ["NOPE", "AAPL"]], ids=["flat", "keyed"])
    def test_an_unknown_symbol_is_an_empty_answer(
        self, told: Callable[..., Settings], caplog: pytest.LogCaptureFixture, tickers: list[str]
    ) -> None:
        """It would stay unknown however often it is asked for; a warning says so."""
        answer = fetch(told(), asks(*tickers))

        assert counted(answer) == {ticker: 0 if ticker == "NOPE" else 7 for ticker in tickers}
        assert "NOPE counts as a ticker without bars" in caplog.text

    def test_a_symbol_that_fails_is_left_for_the_next_tick(
        self, told: Callable[..., Settings], upstream: Vendors
    ) -> None:
        """An error that may pass, or a symbol left out of the answer, is neither empty nor a failure of the others."""
        upstream.misbehave("symbol_error", symbols=["KO"], code=500, message="Internal error")
        failed = fetch(told(), asks("AAPL", "KO"))
        upstream.misbehave("left_out", symbols=["AAPL"])
        left_out = fetch(told(), asks("AAPL", "KO"))

        assert (counted(failed), counted(left_out)) == ({"AAPL": 7}, {"KO": 7})

    @pytest.mark.parametrize(
        "kind",
        ["timeout", "reset", "truncated", "empty_body", "html_200", "bad_gateway", "error_500", "not_found"],
    )
    def test_no_usable_answer_is_a_failure(self, told: Callable[..., Settings], upstream: Vendors, kind: str) -> None:
        """Whatever comes instead of an answer, the provider has failed, in time, and is well again afterwards."""
        upstream.misbehave(kind, seconds=3)
        began = time.monotonic()
        with pytest.raises(ProviderFailed):
            fetch(told(provider_timeout_seconds="0.5"), asks("AAPL", "KO"))

        assert time.monotonic() - began < 2
        assert counted(fetch(told(), asks("AAPL", "KO"))) == {"AAPL": 7, "KO": 7}

    def test_a_server_that_is_not_there_is_a_failure(self, told: Callable[..., Settings], port: int) -> None:
        """A refused connection is no crash."""
        with pytest.raises(ProviderFailed, match="ConnectError"):
            fetch(told(twelvedata_base_url=f"http://127.0.0.1:{port}"), asks("AAPL"))

    def test_a_slow_answer_is_waited_for(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """Within the time limit slow is good enough."""
        upstream.misbehave("slow", seconds=0.2)

        assert counted(fetch(told(), asks("AAPL"))) == {"AAPL": 7}

    @pytest.mark.parametrize("kind", ["minute_credits", "minute_credits_200", "credits_left_zero"])
    def test_out_of_credits_for_the_minute(
        self, told: Callable[..., Settings], upstream: Vendors, hands: Hands, kind: str
    ) -> None:
        """The provider counts more than we did: nothing is asked until the minute ends, then all is well."""
        upstream.misbehave(kind)
        if kind == "credits_left_zero":
            fetch(told(), asks("AAPL"))
        else:
            with pytest.raises(NoBudget):
                fetch(told(), asks("AAPL"))
        hands.forward(seconds=49)
        with pytest.raises(NoBudget):
            fetch(told(), asks("AAPL"))
        hands.forward(seconds=11)
        fetch(told(), asks("AAPL"))

        assert len(upstream.requests()) == 2

    @pytest.mark.parametrize("kind", ["day_credits", "day_credits_200"])
    def test_out_of_credits_for_the_day(
        self, told: Callable[..., Settings], upstream: Vendors, hands: Hands, kind: str
    ) -> None:
        """Nothing is asked until midnight UTC."""
        upstream.misbehave(kind)
        for _ in range(3):
            with pytest.raises(NoBudget):
                fetch(told(), asks("AAPL"))
            hands.forward(hours=3, minutes=50)
        hands.at = utc("2026-11-22 00:00")
        fetch(told(), asks("AAPL"))

        assert len(upstream.requests()) == 2

    @pytest.mark.parametrize("kind", ["unauthorized", "unauthorized_200", "forbidden"])
    def test_a_refused_key_is_set_aside_for_an_hour(
        self,
        told: Callable[..., Settings],
        upstream: Vendors,
        hands: Hands,
        kind: str,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        """It is not tried again meanwhile, and that is a failure, not a matter of budget."""
        upstream.misbehave(kind)
        for _ in range(2):
            with pytest.raises(ProviderFailed, match="refused"):
                fetch(told(), asks("AAPL"))
            hands.forward(minutes=29)
        hands.forward(minutes=3)

        assert counted(fetch(told(), asks("AAPL"))) == {"AAPL": 7}
        assert len(upstream.requests()) == 2
        assert "is set aside for an hour" in caplog.text

    def test_other_keys_go_on_at_once(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """What a refused key should have fetched, another fetches in the same tick."""
        answer = fetch(told(twelvedata_api_keys=f"wrong,{KEY}"), asks("AAPL", "KO", "V"))

        assert counted(answer) == {"AAPL": 7, "KO": 7, "V": 7}
        assert [one["status"] for one in upstream.requests()] == [401, 200]

    def test_keys_add_up(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """Two keys serve twice as many tickers; the same key twice does not."""
        twenty = asks(*sorted(simulated._KNOWN)[:20])

        both = fetch(told(twelvedata_api_keys=f"{KEY},{OTHER_KEY}"), twenty)
        with pytest.raises(NoBudget):
            fetch(told(twelvedata_api_keys=f"{KEY},{KEY}"), twenty)

        assert len(both.bars) == 16
        assert upstream.violations() == []

    def test_without_redis_nothing_is_asked(self, told: Callable[..., Settings], upstream: Vendors, port: int) -> None:
        """Who cannot count must not spend."""
        with pytest.raises(ProviderFailed, match="Redis"):
            fetch(told(redis_url=f"redis://127.0.0.1:{port}/0"), asks("AAPL"))

        assert upstream.requests() == []

    @pytest.mark.parametrize("kind", ["descending", "duplicate_bar", "weekend_bar", "off_grid_bar"])
    def test_odd_series_come_through_oldest_first(
        self, told: Callable[..., Settings], upstream: Vendors, kind: str
    ) -> None:
        """The client orders bars and judges none; of two with the same start the one that was said last comes last."""
        upstream.misbehave(kind)
        bars = fetch(told(), asks("AAPL")).bars[asks("AAPL")[0]]

        starts = [bar.start for bar in bars]
        assert starts == sorted(starts)
        assert len(bars) == (7 if kind == "descending" else 8)
        if kind == "duplicate_bar":
            assert (bars[-1].close or 0) > (bars[-2].close or 0)

    @pytest.mark.parametrize(("kind", "seen"), [("null_values", None), ("nan_values", "NaN")])
    def test_missing_figures_are_carried_on(
        self, told: Callable[..., Settings], upstream: Vendors, kind: str, seen: str | None
    ) -> None:
        """Store refuses them with a record; dropped here they would vanish unseen."""
        upstream.misbehave(kind)
        bar = fetch(told(), asks("AAPL")).bars[asks("AAPL")[0]][-1]

        assert {str(value) if value is not None else None for value in (bar.open, bar.close, bar.volume)} == {seen}

    def test_a_missing_volume_is_none(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """The vendor leaves the field out where it has none."""
        upstream.misbehave("missing_volume")

        assert {bar.volume for bar in fetch(told(), asks("AAPL")).bars[asks("AAPL")[0]]} == {None}

    @pytest.mark.parametrize(
        "body",
        [
            '{"meta": {"symbol": "AAPL"}, "status": "ok", "values": [{"datetime": 5}, 7, {"datetime": "x"}]}',
            '{"meta": {"symbol": "AAPL"}, "status": "ok", "values": []}',
        ],
    )
    def test_values_without_a_readable_time_are_dropped(
        self, monkeypatch: pytest.MonkeyPatch, told: Callable[..., Settings], body: str
    ) -> None:
        """A bar of no known time is no bar; the rest of the answer stands."""
        _answer_with(monkeypatch, httpx.Response(200, text=body))

        assert counted(fetch(told(), asks("AAPL"))) == {"AAPL": 0}

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
        self, monkeypatch: pytest.MonkeyPatch, told: Callable[..., Settings], body: str
    ) -> None:
        """Whatever shape comes, nothing but a failure comes of it."""
        _answer_with(monkeypatch, httpx.Response(200, text=body))

        with pytest.raises(ProviderFailed):
            fetch(told(), asks("AAPL"))

    def test_json_numbers_keep_their_digits(
        self, monkeypatch: pytest.MonkeyPatch, told: Callable[..., Settings]
    ) -> None:
        """A figure that comes as a number and not as text does not pass through a binary fraction."""
        value = (
            '{"datetime": "2026-11-20 14:30:00", "open": 0.1000000000000000055, "high": true, "low": "x", "volume": 7}'
        )
        _answer_with(monkeypatch, httpx.Response(200, text=f'{{"meta": {{}}, "values": [{value}]}}'))

        bar = fetch(told(), asks("AAPL")).bars[asks("AAPL")[0]][0]

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


class TestBudget:
    """Credits in Redis, shared by all copies."""

    def run(self, redis_url: str, work: Callable[[Redis], Awaitable[Any]]) -> Any:
        async def worked() -> Any:
            async with Redis.from_url(redis_url) as redis:
                return await work(redis)

        return asyncio.run(worked())

    def test_twenty_copies_together_take_no_more_than_there_is(self, redis_url: str, hands: Hands) -> None:
        """However many ask at once, a minute's grants add up to the limit, whichever keys they come from."""

        async def work(redis: Redis) -> list[int]:
            keys = [SecretStr(KEY), SecretStr(OTHER_KEY)]
            copies = [Budget(redis, "twelvedata", keys, 8, 800) for _ in range(20)]
            granted = await asyncio.gather(*(copy.take(3) for copy in copies))
            return [grant.credits for grants in granted for grant in grants]

        assert sum(self.run(redis_url, work)) == 16

    def test_no_more_is_charged_than_was_wanted(self, redis_url: str, hands: Hands) -> None:
        """The second key pays only for what the first has no credits for."""

        async def work(redis: Redis) -> list[list[int]]:
            budget = Budget(redis, "twelvedata", [SecretStr(KEY), SecretStr(OTHER_KEY)], 8, 800)
            return [[grant.credits for grant in await budget.take(wanted)] for wanted in (3, 7, 20)]

        assert self.run(redis_url, work) == [[3], [5, 2], [6]]

    def test_the_end_of_a_minute_is_charged_to_both(self, redis_url: str, hands: Hands) -> None:
        """A request that is under way when the minute ends may be counted in the next one: both have room for it."""

        async def work(redis: Redis) -> list[int]:
            budget, granted = Budget(redis, "twelvedata", [SecretStr(KEY)], 8, 800), []
            for at in ("12:00:55", "12:01:01", "12:01:52", "12:02:00"):
                hands.at = utc(f"2026-11-21 {at}")
                granted.append(sum(grant.credits for grant in await budget.take(5)))
            return granted

        assert self.run(redis_url, work) == [5, 3, 0, 5]

    def test_a_day_has_an_end(self, redis_url: str, hands: Hands) -> None:
        """After the day's credits nothing is granted until midnight UTC."""

        async def work(redis: Redis) -> list[int]:
            budget, granted = Budget(redis, "twelvedata", [SecretStr(KEY)], 8, 20), []
            for at in ("21 12:00", "21 12:01", "21 12:02", "21 12:03", "22 00:00"):
                hands.at = utc(f"2026-11-{at}")
                granted.append(sum(grant.credits for grant in await budget.take(50)))
            return granted

        assert self.run(redis_url, work) == [8, 8, 4, 0, 8]

    def test_no_key_is_written_to_redis(self, redis_url: str, hands: Hands) -> None:
        """Redis knows keys by a short hash."""

        async def work(redis: Redis) -> str:
            budget = Budget(redis, "twelvedata", [SecretStr(KEY)], 8, 800)
            for grant in await budget.take(1):
                await budget.use_up(grant, "day")
                await budget.set_aside(grant)
            with pytest.raises(AllSetAside):
                await budget.take(1)
            names = [key.decode() async for key in redis.scan_iter("credits:*")]
            return str([(name, await redis.get(name)) for name in names])

        written = self.run(redis_url, work)
        assert KEY not in written
        assert written.count("credits:twelvedata:") == 3

    def test_credits_never_come_back_within_the_window(self, redis_url: str, hands: Hands) -> None:
        """Noting what the vendor says never lowers a count: requests under way are in ours and not yet in theirs."""

        async def work(redis: Redis) -> list[Any]:
            budget = Budget(redis, "twelvedata", [SecretStr(KEY)], 8, 800)
            (grant,) = await budget.take(6)
            await budget.use_up(grant, "minute", left=7)
            return [grant.credits for grant in await budget.take(8)]

        assert self.run(redis_url, work) == [2]


class TestFinnhub:
    """The real client, over HTTP."""

    NAMES = {"AAPL": "Apple", "KO": "Coca-Cola"}  # noqa: RUF012

    def test_profiles_come_in_millions(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """Cap and shares keep the vendor's unit and digits; the token travels in a header."""
        profiles = asyncio.run(finnhub.fetch_profiles(told(), self.NAMES))

        apple = next(one for one in profiles.companies if one.ticker == "AAPL")
        assert (apple.name, apple.industry, apple.website) == ("Apple Inc.", "Technology", "https://www.apple.com/")
        assert apple.shares_millions == 14700
        assert (apple.phone, str(apple.ipo)) == ("14085550100", "1980-12-12")
        assert {one["key_in"] for one in upstream.requests()} == {"header"}

    def test_what_is_missing_is_none(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """Empty and absent fields, a cap of zero and a number with .0 are what they mean."""
        upstream.misbehave("missing_fields", vendor="finnhub", symbols=["AAPL"])
        upstream.misbehave("float_phone", vendor="finnhub", symbols=["KO"])
        apple, coke = asyncio.run(finnhub.fetch_profiles(told(), self.NAMES)).companies

        assert (apple.website, apple.ipo, apple.market_cap_millions, apple.phone) == (None, None, None, None)
        assert coke.phone == "14085550100"

    def test_an_unknown_company_is_left_out(
        self, told: Callable[..., Settings], caplog: pytest.LogCaptureFixture
    ) -> None:
        """{} is how Finnhub says that it knows nothing."""
        profiles = asyncio.run(finnhub.fetch_profiles(told(), self.NAMES | {"NOPE": "Nobody"}))

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
    def test_no_answer_is_a_failure(self, told: Callable[..., Settings], upstream: Vendors, kind: str) -> None:
        """Whatever comes instead of a profile; and the rest of the calls is not wasted on the same fault."""
        upstream.misbehave(kind, vendor="finnhub", seconds=2)

        with pytest.raises(ProviderFailed):
            asyncio.run(finnhub.fetch_profiles(told(provider_timeout_seconds="0.3"), {"AAPL": "Apple"}))

    def test_calls_are_counted(self, told: Callable[..., Settings], upstream: Vendors, hands: Hands) -> None:
        """No more than the limit in a minute, the rest in the next."""
        few = told(finnhub_calls_per_minute="1")
        first = asyncio.run(finnhub.fetch_profiles(few, self.NAMES))
        with pytest.raises(NoBudget):
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
        self, told: Callable[..., Settings], upstream: Vendors, kind: str | None, factor: float, confirmed: bool
    ) -> None:
        """Within ten percent, from the bar's time or later; zeros mean that the vendor does not know."""
        close = Decimal(str(upstream.get("/api/v1/quote", symbol="AAPL").json()["c"])) * Decimal(str(factor))
        bar = Bar(start=utc("2026-11-20 20:30"), open=close, high=close, low=close, close=close, volume=None)
        if kind:
            upstream.misbehave(kind, vendor="finnhub")

        assert asyncio.run(finnhub.confirm(told(), {"AAPL": bar})) == ({"AAPL"} if confirmed else set())

    def test_no_second_opinion_is_no_failure(self, told: Callable[..., Settings], upstream: Vendors) -> None:
        """A tick does not fail because the second source does."""
        upstream.misbehave("reset", vendor="finnhub")
        bar = Bar(start=OPENS, open=None, high=None, low=None, close=Decimal(1), volume=None)

        assert asyncio.run(finnhub.confirm(told(), {"AAPL": bar})) == set()


INSTANTS = st.integers(min_value=0, max_value=60 * 24 * 90).map(
    lambda minutes: utc("2026-08-01 00:00") + timedelta(minutes=minutes)
)
TICKERS = st.sampled_from([*sorted(simulated._KNOWN), "ZZZ", "Q"])


class TestSimulated:
    """The invented market."""

    @given(TICKERS, st.lists(INSTANTS, min_size=3, max_size=6))
    @settings(max_examples=40, deadline=None)
    def test_any_split_of_a_window_gives_the_same_bars(self, ticker: str, instants: list[datetime]) -> None:
        """A bar does not depend on what was asked for together with it, or before."""
        first, *inner, last = sorted(instants)
        sessions = exchange().sessions

        whole = simulated.bars(ticker, "1h", sessions, first, last)
        cuts = [first, *inner, last]
        parts = [bar for start, end in pairwise(cuts) for bar in simulated.bars(ticker, "1h", sessions, start, end)]

        assert whole == parts
        assert [bar.start for bar in whole] == exchange().starts("1h", first, last)

    @given(TICKERS, INSTANTS, st.sampled_from(["1h", "30min", "5min"]))
    @settings(max_examples=40, deadline=None)
    def test_every_bar_obeys_the_rules_of_prices(self, ticker: str, instant: datetime, interval: str) -> None:
        """Low and high hold open and close, prices are positive and in cents, and each bar opens where one closed."""
        session = exchange().last_opened(instant)
        assert session is not None
        bars = simulated.session_bars(ticker, interval, session)

        for bar in bars:
            assert bar.open is not None
            assert bar.high is not None
            assert bar.low is not None
            assert bar.close is not None
            assert bar.volume is not None
            assert 0 < bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
            assert bar.low.as_tuple().exponent == -2
            assert bar.volume >= 1
        assert [bar.open for bar in bars[1:]] == [bar.close for bar in bars[:-1]]

    def test_another_process_invents_the_same(self) -> None:
        """Nothing depends on the process, its hash seed or its history, and a new version invents no new prices."""
        code = (
            "from tests.vendors import exchange, utc; from functions.ingest.providers import simulated; "
            "print([str(bar.close) for bar in simulated.bars('AAPL', '1h', exchange().sessions, "
            "utc('2026-11-20 00:00'), utc('2026-11-21 00:00'))])"
        )
        environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(Path(__file__).parents[1])}
        told = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

        assert told.stdout.strip() == "['203.96', '203.06', '202.96', '203.10', '204.87', '204.94', '205.25']"

    def test_days_are_like_real_ones(self) -> None:
        """Over a year prices move 0.9 to 3 % a day, together by a third, stay near the usual, and gap overnight."""
        sessions = exchange().sessions[-252:]
        moves: dict[str, list[float]] = {}
        for ticker in ("AAPL", "KO", "TSLA", "BRK.A"):
            days = [simulated.session_bars(ticker, "1h", session) for session in sessions]
            closes = [float(day[-1].close or 0) for day in days]
            moves[ticker] = [after / before - 1 for before, after in pairwise(closes)]
            usual = simulated.character(ticker).price
            assert all(usual / 2 < close < usual * 2 for close in closes)
            assert any(day[0].open != before[-1].close for before, day in pairwise(days))
            ends, middle = (
                sum(float(day[0].volume or 0) for day in days),
                sum(float(day[3].volume or 0) for day in days),
            )
            assert ends > 1.5 * middle

        deviation = {ticker: (sum(move**2 for move in one) / len(one)) ** 0.5 for ticker, one in moves.items()}
        assert all(0.009 < value < 0.035 for value in deviation.values()), deviation
        together = sum(a * b for a, b in zip(moves["AAPL"], moves["KO"], strict=True)) / len(sessions)
        assert 0.1 < together / deviation["AAPL"] / deviation["KO"] < 0.7

    def test_a_bar_costs_the_same_however_many_are_asked_for(self, told: Callable[..., Settings]) -> None:
        """21,000 bars take well under a second here; ten would mean that something is walked from the start."""
        start = exchange().sessions[-61].opens
        wanted = [Ask(ticker, start, exchange().sessions[-1].opens) for ticker in simulated._KNOWN]
        began = time.process_time()
        answer = fetch(told(), wanted, "simulated")

        assert sum(map(len, answer.bars.values())) > 20_000
        assert time.process_time() - began < 10


class TestReplay:
    """CSV files of the user's own."""

    def file(
        self, folder: Path, *lines: str, header: str = "ticker,datetime,interval,open,high,low,close,volume"
    ) -> str:
        path = folder / "mine.csv.gz"
        with gzip.open(path, "wt") as file:
            file.write("\n".join((header, *lines)) + "\n")
        return str(path)

    def test_a_bar_is_told_once_it_is_over(self, told: Callable[..., Settings], hands: Hands, tmp_path: Path) -> None:
        """Of the window asked for, what has ended by the clock; with all digits, nothing for a missing volume."""
        path = self.file(
            tmp_path,
            "AAPL,2026-11-20T14:30:00Z,1h,1,2,0.5,1.123456789,",
            "AAPL,2026-11-20T15:30:00+00:00,1h,1,2,0.5,1,9",
            "AAPL,2026-11-20T15:30:00Z,5min,1,2,0.5,1,9",
            "KO,2026-11-20T15:30:00Z,1h,1,2,0.5,1,9",
        )
        replay, both = told(providers="replay", replay_files=path), []
        for at in ("2026-11-20 16:29", "2026-11-20 16:30"):
            hands.at = utc(at)
            both.append(fetch(replay, asks("AAPL"), "replay").bars[asks("AAPL")[0]])

        assert [len(bars) for bars in both] == [1, 2]
        assert (both[0][0].close, both[0][0].volume) == (Decimal("1.123456789"), None)

    @pytest.mark.parametrize(
        ("header", "line"),
        [
            ("ticker,datetime,open", "AAPL,2026-11-20T14:30:00Z,1"),
            ("ticker,datetime,interval,open,high,low,close,volume", "AAPL,last Friday,1h,1,2,0.5,1,9"),
        ],
        ids=["columns missing", "no time"],
    )
    def test_a_file_that_cannot_be_read_is_a_failure(
        self, told: Callable[..., Settings], tmp_path: Path, header: str, line: str
    ) -> None:
        """The message names the file and what is wrong with it."""
        path = self.file(tmp_path, line, header=header)

        with pytest.raises(ProviderFailed, match=r"mine\.csv\.gz: "):
            fetch(told(providers="replay", replay_files=path), asks("AAPL"), "replay")

    def test_a_file_that_is_not_there_is_a_failure(self, told: Callable[..., Settings]) -> None:
        """As above."""
        with pytest.raises(ProviderFailed, match=r"nowhere\.csv"):
            fetch(told(providers="replay", replay_files="nowhere.csv"), asks("AAPL"), "replay")


class TestSettings:
    """Which provider is used."""

    BARE = {"DATABASE_URL": "postgresql://x@y/z", "REDIS_URL": "redis://y"}  # noqa: RUF012

    @pytest.mark.parametrize(
        ("told", "order"),
        [
            ({}, ("simulated",)),
            ({"TWELVEDATA_API_KEYS": ""}, ("simulated",)),
            ({"TWELVEDATA_API_KEYS": "a, b"}, ("twelvedata",)),
            (
                {"TWELVEDATA_API_KEYS": "a", "PROVIDERS": "replay,twelvedata", "REPLAY_FILES": "x"},
                ("replay", "twelvedata"),
            ),
            ({"TWELVEDATA_API_KEYS": "a", "PROVIDERS": "simulated"}, ("simulated",)),
        ],
    )
    def test_the_invented_market_is_used_without_a_key_or_by_name(
        self, told: dict[str, str], order: tuple[str, ...]
    ) -> None:
        """With a key, invented prices never come in unasked."""
        assert read_settings(Settings, self.BARE | told).order == order

    @pytest.mark.parametrize(
        ("told", "words"),
        [
            ({"PROVIDERS": "twelvedata"}, "TWELVEDATA_API_KEYS"),
            ({"PROVIDERS": "replay"}, "REPLAY_FILES"),
            ({"PROVIDERS": "finnhub"}, "FINNHUB_API_KEY is set"),
            ({"TWELVEDATA_SYMBOLS": "BRK.A"}, "OURS=THEIRS"),
        ],
    )
    def test_what_cannot_work_is_said_at_start(self, told: dict[str, str], words: str) -> None:
        """The message names what is missing."""
        with pytest.raises(ValueError, match=words):
            read_settings(Settings, self.BARE | told)

    def test_a_wrong_setting_is_not_shown(self) -> None:
        """Settings hold secrets: an error names the variable alone."""
        with pytest.raises(ValueError, match="TWELVEDATA_API_KEYS") as failure:
            read_settings(Settings, self.BARE | {"PROVIDERS": "twelvedata", "FINNHUB_API_KEY": "s3cret"})

        assert "s3cret" not in json.dumps(str(failure.value))
