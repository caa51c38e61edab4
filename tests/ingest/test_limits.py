"""Ingest spends no more than its budgets and outlives its providers' faults."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from tests.fake_vendors import KEY, OTHER_KEY, Vendors, exchange, utc, vendors
from tests.fakes.market_data.market import Market, Row
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness, fetched
from tests.waiting import wait_until


class TestBudgets:
    """Never more than the budget, never a sleep, complete in time."""

    def test_fifty_tickers_take_seven_ticks_of_eight_credits(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """One tick a minute, each as many as the minute has credits, and not one request beyond."""
        harness, served = open_real_harness(), []
        while event := harness.work():
            served.append(len(event.series))
            harness.clock.forward(minutes=1)

        assert served == [8, 8, 8, 8, 8, 8, 2]
        assert upstream.violations() == []
        assert harness.sql("SELECT count(DISTINCT ticker) FROM bars") == [50]

    def test_two_keys_are_twice_as_fast(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Budgets add up."""
        harness, served = open_real_harness(twelvedata_api_keys=f"{KEY},{OTHER_KEY}"), []
        while event := harness.work():
            served.append(len(event.series))
            harness.clock.forward(minutes=1)

        assert served == [16, 16, 16, 2]
        assert upstream.violations() == []

    def test_more_ticks_within_a_minute_get_nothing(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """They are answered 204 at once; whoever ticks faster is not served faster."""
        harness = open_real_harness()
        answers = [harness.work() for _ in range(5)]

        assert [answer and len(answer.series) for answer in answers] == [8, None, None, None, None]
        assert len(upstream.requests()) == 1

    def test_twenty_copies_at_once_share_the_budget(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Whatever they do at the same time, one minute serves one of them, and the vendor sees nothing beyond."""
        answers = open_real_harness(database_connections="20").together(20)

        # On a busy machine some may wait for Postgres in vain: a 5xx, which the broker repeats; the winner, too.
        assert [answer.status_code for answer in answers].count(200) <= 1
        assert upstream.violations() == []
        assert sum(one["credits"] for one in upstream.requests()) <= 8

    def test_the_daily_budget_is_enforced_until_midnight_utc(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """After the day's credits every tick is a 204 until midnight UTC, then it goes on."""
        harness, served = open_real_harness(twelvedata_credits_per_day="20"), []
        for _ in range(6):
            event = harness.work()
            served.append(len(event.series) if event else 0)
            harness.clock.forward(minutes=1)
        harness.clock.at = utc("2026-11-21 00:00")
        event = harness.work()

        assert served == [8, 8, 4, 0, 0, 0]
        assert event is not None
        assert len(event.series) == 8

    def test_on_a_clock_that_runs_the_budget_holds(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With a minute in five seconds and ticks at any moment, no request goes beyond what the vendor counts."""
        harness = open_real_harness(twelvedata_api_keys=f"{KEY},{OTHER_KEY}")
        harness.track(*harness.sql("SELECT ticker FROM tickers ORDER BY ticker LIMIT 40"))
        began = datetime.now(UTC)
        monkeypatch.setattr("shared.runtime.clock.now", lambda: FRIDAY_EVENING + (datetime.now(UTC) - began) * 12)

        def whole() -> bool:
            harness.work()
            return harness.sql("SELECT count(DISTINCT ticker) FROM bars") == [40]

        wait_until(whole, 60)

        assert upstream.violations() == []


class TestFailing:
    """Providers fail; ticks go on."""

    def test_when_every_provider_fails_the_broker_tries_again(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """503 with the reason in the log and not in the answer, then all is well."""
        harness = open_real_harness()
        harness.track("KO")
        upstream.misbehave("bad_gateway")
        failed = harness.tick()
        capsys_out = capsys.readouterr().out
        harness.clock.forward(minutes=1)

        assert (failed.status_code, failed.headers["content-type"]) == (503, "application/problem+json")
        assert "502" in capsys_out
        assert "502" not in failed.text
        assert harness.work() is not None

    def test_the_next_provider_serves_when_one_fails(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, tmp_path: Path
    ) -> None:
        """In the order of PROVIDERS, as a whole: an event has one source."""
        harness = open_real_harness(providers="twelvedata,replay", replay_files=str(self.replay(tmp_path)))
        harness.track("KO")
        upstream.misbehave("reset")
        first = harness.work()
        harness.clock.at = utc("2026-11-23 15:31")
        second = harness.work()

        assert first is not None
        assert second is not None
        assert (first.source, len(first.series[0].bars)) == ("replay", 1)
        assert second.source == "twelvedata"

    def test_the_next_provider_serves_when_one_is_out_of_credits(
        self, open_real_harness: Callable[..., IngestHarness], tmp_path: Path
    ) -> None:
        """A budget that is used up is a reason to fall over, too."""
        harness = open_real_harness(providers="twelvedata,replay", replay_files=str(self.replay(tmp_path)))
        harness.track("KO", "V", "MA", "PG", "BA", "UPS", "DIS", "HD", "MRK")
        events = [harness.work(), harness.work()]

        assert [event and (event.source, len(event.series)) for event in events] == [("twelvedata", 8), ("replay", 1)]

    def test_without_redis_the_budget_is_safe(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors, port: int, tmp_path: Path
    ) -> None:
        """A provider with a budget is not asked, and the broker tries again; one without a budget serves."""
        nowhere, replay = f"redis://127.0.0.1:{port}/0", str(self.replay(tmp_path))
        refused = open_real_harness(redis_url=nowhere).tick()
        served = open_real_harness(redis_url=nowhere, providers="twelvedata,replay", replay_files=replay).tick()

        assert (refused.status_code, fetched(served).source) == (503, "replay")
        assert upstream.requests() == []

    def test_part_of_a_batch_is_better_than_none(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """A symbol that failed is requested again after a pause of ten minutes."""
        harness = open_real_harness()
        harness.track("KO", "V")
        upstream.misbehave("symbol_error", symbols=["KO"], code=500, message="Internal error")
        first = harness.work()
        harness.clock.forward(minutes=11)
        second = harness.work()

        assert [[one.ticker for one in event.series] for event in (first, second) if event] == [["V"], ["KO"]]

    def test_a_jump_is_confirmed_by_a_second_source(
        self, open_real_harness: Callable[..., IngestHarness], upstream: Vendors
    ) -> None:
        """Finnhub does not confirm a close that is 10,000 times the one before."""
        harness = open_real_harness(finnhub_api_key=KEY)
        harness.track("KO", "V")
        upstream.misbehave("price_x10000", symbols=["KO"])
        wrong = fetched(harness.tick())
        harness.clock.forward(minutes=1)
        quotes = [one for one in upstream.requests() if one["path"] == "/api/v1/quote"]

        assert [one["symbols"] for one in quotes] == [["KO"]]
        assert {one.confirmed_by for one in wrong.series} == {None}

    def test_a_true_jump_is_accepted_at_once(self, open_harness: Callable[..., IngestHarness]) -> None:
        """The close agrees with the quote: the series says who confirmed it, and store keeps the bar."""
        prices = {"2026-11-19 15:30": "60", "2026-11-20 19:30": "61", "2026-11-20 20:30": "99"}
        flat = {utc(start): Decimal(price) for start, price in prices.items()}
        rows = [Row(start, price, price, price, price, Decimal(7)) for start, price in flat.items()]
        with vendors(Market(exchange(), {("KO", "1h"): rows})) as upstream:
            harness = open_harness(
                twelvedata_api_keys=KEY,
                twelvedata_base_url=upstream.url,
                finnhub_api_key=KEY,
                finnhub_base_url=f"{upstream.url}/api/v1",
            )
            harness.track("KO")
            event = harness.work()

        assert event is not None
        assert [one.confirmed_by for one in event.series] == ["finnhub"]
        assert harness.sql("SELECT close FROM bars ORDER BY start DESC LIMIT 1") == [99]

    def replay(self, folder: Path) -> Path:
        """A file with one bar of one ticker."""
        path = folder / "mine.csv"
        path.write_text(
            "ticker,datetime,interval,open,high,low,close,volume\nKO,2026-11-20T20:30:00Z,1h,60,61,59,60,1\n"
        )
        return path
