"""Ingest spends no more than its budgets and outlives its providers' faults."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fakes.market_data.world import Row, World
from tests.ingest.house import FRIDAY_EVENING, House, fetched
from tests.vendors import KEY, OTHER_KEY, Vendors, exchange, utc, vendors
from tests.waiting import wait_until


class TestBudgets:
    """Never more than the budget, never a sleep, complete in time."""

    def test_fifty_tickers_take_seven_ticks_of_eight_credits(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """One tick a minute, each as many as the minute has credits, and not one request beyond."""
        house, served = open_real_house(), []
        while event := house.work():
            served.append(len(event.series))
            house.clock.forward(minutes=1)

        assert served == [8, 8, 8, 8, 8, 8, 2]
        assert upstream.violations() == []
        assert house.sql("SELECT count(DISTINCT ticker) FROM bars") == [50]

    def test_two_keys_are_twice_as_fast(self, open_real_house: Callable[..., House], upstream: Vendors) -> None:
        """Budgets add up."""
        house, served = open_real_house(twelvedata_api_keys=f"{KEY},{OTHER_KEY}"), []
        while event := house.work():
            served.append(len(event.series))
            house.clock.forward(minutes=1)

        assert served == [16, 16, 16, 2]
        assert upstream.violations() == []

    def test_more_ticks_within_a_minute_get_nothing(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """They are answered 204 at once; whoever ticks faster is not served faster."""
        house = open_real_house()
        answers = [house.work() for _ in range(5)]

        assert [answer and len(answer.series) for answer in answers] == [8, None, None, None, None]
        assert len(upstream.requests()) == 1

    def test_twenty_copies_at_once_share_the_budget(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """Whatever they do at the same time, one minute serves one of them, and the vendor sees nothing beyond."""
        answers = open_real_house(database_connections="20").together(20)

        # On a busy machine some may wait for Postgres in vain: a 500, which the broker repeats.
        assert [answer.status_code for answer in answers].count(200) == 1
        assert upstream.violations() == []
        assert sum(one["credits"] for one in upstream.requests()) == 8

    def test_the_day_has_an_end_too(self, open_real_house: Callable[..., House], upstream: Vendors) -> None:
        """After the day's credits every tick is a 204 until midnight UTC, then it goes on."""
        house, served = open_real_house(twelvedata_credits_per_day="20"), []
        for _ in range(6):
            event = house.work()
            served.append(len(event.series) if event else 0)
            house.clock.forward(minutes=1)
        house.clock.at = utc("2026-11-21 00:00")
        event = house.work()

        assert served == [8, 8, 4, 0, 0, 0]
        assert event is not None
        assert len(event.series) == 8

    def test_on_a_clock_that_runs_the_budget_holds(
        self, open_real_house: Callable[..., House], upstream: Vendors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a minute in five seconds and ticks at any moment, no request goes beyond what the vendor counts."""
        house = open_real_house(twelvedata_api_keys=f"{KEY},{OTHER_KEY}")
        house.track(*house.sql("SELECT ticker FROM tickers ORDER BY ticker LIMIT 40"))
        began = datetime.now(UTC)
        monkeypatch.setattr("shared.runtime.clock.now", lambda: FRIDAY_EVENING + (datetime.now(UTC) - began) * 12)

        def whole() -> bool:
            house.work()
            return house.sql("SELECT count(DISTINCT ticker) FROM bars") == [40]

        wait_until(whole, 60)

        assert upstream.violations() == []


class TestFailing:
    """Providers fail; ticks go on."""

    def test_when_every_provider_fails_the_broker_tries_again(
        self, open_real_house: Callable[..., House], upstream: Vendors, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """503 with the reason in the log and not in the answer, then all is well."""
        house = open_real_house()
        house.track("KO")
        upstream.misbehave("bad_gateway")
        failed = house.tick()
        capsys_out = capsys.readouterr().out
        house.clock.forward(minutes=1)

        assert (failed.status_code, failed.headers["content-type"]) == (503, "application/problem+json")
        assert "502" in capsys_out
        assert "502" not in failed.text
        assert house.work() is not None

    def test_the_next_provider_serves_when_one_fails(
        self, open_real_house: Callable[..., House], upstream: Vendors, tmp_path: Path
    ) -> None:
        """In the order of PROVIDERS, as a whole: an event has one source."""
        house = open_real_house(providers="twelvedata,replay", replay_files=str(self.replay(tmp_path)))
        house.track("KO")
        upstream.misbehave("reset")
        first = house.work()
        house.clock.at = utc("2026-11-23 15:31")
        second = house.work()

        assert first is not None
        assert second is not None
        assert (first.source, len(first.series[0].bars)) == ("replay", 1)
        assert second.source == "twelvedata"

    def test_the_next_provider_serves_when_one_is_out_of_credits(
        self, open_real_house: Callable[..., House], tmp_path: Path
    ) -> None:
        """A budget that is used up is a reason to fall over, too."""
        house = open_real_house(providers="twelvedata,replay", replay_files=str(self.replay(tmp_path)))
        house.track("KO", "V", "MA", "PG", "BA", "UPS", "DIS", "HD", "MRK")
        events = [house.work(), house.work()]

        assert [event and (event.source, len(event.series)) for event in events] == [("twelvedata", 8), ("replay", 1)]

    def test_without_redis_the_budget_is_safe(
        self, open_real_house: Callable[..., House], upstream: Vendors, port: int, tmp_path: Path
    ) -> None:
        """A provider with a budget is not asked, and the broker tries again; one without a budget serves."""
        nowhere, replay = f"redis://127.0.0.1:{port}/0", str(self.replay(tmp_path))
        refused = open_real_house(redis_url=nowhere).tick()
        served = open_real_house(redis_url=nowhere, providers="twelvedata,replay", replay_files=replay).tick()

        assert (refused.status_code, fetched(served).source) == (503, "replay")
        assert upstream.requests() == []

    def test_part_of_a_batch_is_better_than_none(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """What failed for one symbol is asked again by the next tick, and by then it is first."""
        house = open_real_house()
        house.track("KO", "V")
        upstream.misbehave("symbol_error", symbols=["KO"], code=500, message="Internal error")
        first = house.work()
        house.clock.forward(minutes=1)
        second = house.work()

        assert [[one.ticker for one in event.series] for event in (first, second) if event] == [["V"], ["KO"]]

    def test_a_jump_is_confirmed_by_a_second_source(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """Where the newest close is 10,000 times the one before, Finnhub is asked, and does not agree."""
        house = open_real_house(finnhub_api_key=KEY)
        house.track("KO", "V")
        upstream.misbehave("price_x10000", symbols=["KO"])
        wrong = fetched(house.tick())
        house.clock.forward(minutes=1)
        quotes = [one for one in upstream.requests() if one["path"] == "/api/v1/quote"]

        assert [one["symbols"] for one in quotes] == [["KO"]]
        assert {one.confirmed_by for one in wrong.series} == {None}

    def test_a_true_jump_is_believed_at_once(self, open_house: Callable[..., House]) -> None:
        """The close agrees with the quote: the series says who confirmed it, and store keeps the bar."""
        prices = {"2026-11-19 15:30": "60", "2026-11-20 19:30": "61", "2026-11-20 20:30": "99"}
        flat = {utc(start): Decimal(price) for start, price in prices.items()}
        rows = [Row(start, price, price, price, price, Decimal(7)) for start, price in flat.items()]
        with vendors(World(exchange(), {("KO", "1h"): rows})) as upstream:
            house = open_house(
                twelvedata_api_keys=KEY,
                twelvedata_base_url=upstream.url,
                finnhub_api_key=KEY,
                finnhub_base_url=f"{upstream.url}/api/v1",
            )
            house.track("KO")
            event = house.work()

        assert event is not None
        assert [one.confirmed_by for one in event.series] == ["finnhub"]
        assert house.sql("SELECT close FROM bars ORDER BY start DESC LIMIT 1") == [99]

    def replay(self, folder: Path) -> Path:
        """A file with one bar of one ticker."""
        path = folder / "mine.csv"
        path.write_text(
            "ticker,datetime,interval,open,high,low,close,volume\nKO,2026-11-20T20:30:00Z,1h,60,61,59,60,1\n"
        )
        return path
