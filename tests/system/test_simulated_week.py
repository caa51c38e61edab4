"""A simulated week: the schedule of the manifests on a clock that the test moves, with the faults of a real week."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from croniter import croniter

from knative.install.overlay import OVERLAYS
from knative.local.kustomize import build
from tests.fake_vendors import KEY, Hands, exchange, utc, vendors
from tests.ingest.conftest import hands as hands
from tests.ingest.conftest import open_harness as open_harness
from tests.ingest.ingest_harness import GRACE, IngestHarness
from tests.reading import Api, serving

TICKERS = ("AAPL", "KO", "MSFT", "V")
OUTAGES = ("error_500", "bad_gateway", "minute_credits", "not_found", "left_out")


@dataclass(frozen=True, order=True)
class ScheduledTick:
    """A tick of a PingSource."""

    at: datetime
    data: bytes = field(compare=False)


def scheduled_ticks(first: datetime, end: datetime) -> list[ScheduledTick]:
    """Return the ticks of job bars in [first, end), as the PingSources of the manifests have them."""
    ticks: list[ScheduledTick] = []
    for body in (document.body for document in build(OVERLAYS / "local")):
        if body["kind"] != "PingSource" or body["spec"]["ceOverrides"]["extensions"]["job"] != "bars":
            continue
        spec = body["spec"]
        zone = ZoneInfo(spec["timezone"])
        times = croniter(spec["schedule"], first.astimezone(zone))
        while (at := times.get_next(datetime).astimezone(first.tzinfo)) < end:
            ticks.append(ScheduledTick(at, spec["data"].encode()))
    return sorted(ticks)


class Week:
    """The system in one process, and how much of what it claims was checked."""

    def __init__(self, harness: IngestHarness, api: Api, seed: int) -> None:
        self.harness, self.api = harness, api
        self.chance = random.Random(seed)
        self.late: list[httpx.Response] = []
        self.claims = self.exact = 0

    def tick(self, tick: ScheduledTick) -> None:
        """Tick; the event comes once, twice, or only after the next one."""
        reply = self.harness.tick(tick.data, id=f"tick-{tick.at.isoformat()}")
        assert reply.status_code in (200, 204, 500, 503), reply.text
        waiting, self.late = self.late, []
        if reply.status_code == 200:
            match self.chance.random():
                case draw if draw < 0.1:
                    self.late.append(reply)
                case draw:
                    self.deliver(reply, times=2 if draw < 0.2 else 1)
        for one in waiting:
            self.deliver(one)

    def deliver(self, reply: httpx.Response, times: int = 1) -> None:
        """Give an event of ingest to store."""
        for _ in range(times):
            assert self.harness.post(reply.content, dict(reply.headers), store=True).status_code == 200

    def check_claims(self) -> None:
        """Compare /status and /latest with the table and the exchange's calendar."""
        now = self.harness.clock.at
        due = exchange().last_finished_bar("1h", now, GRACE)
        newest = dict(self.harness.sql("SELECT ticker, max(start) FROM bars GROUP BY ticker"))
        status, latest = self.api.json("/status"), self.api.json("/latest")
        behind = sum(newest.get(ticker) is None or newest[ticker] < due for ticker in TICKERS) if due else 0
        # Fewer while a provider says that it has no such bar, never more.
        assert status["behind"] <= behind, now
        self.exact += status["behind"] == behind
        assert status["data_age_seconds"] is None or status["data_age_seconds"] >= 0
        assert not status["stale"]
        for item in latest["items"]:
            assert datetime.fromisoformat(item["datetime"]) == newest[item["ticker"]]
            assert datetime.fromisoformat(item["end"]) <= now
        self.claims += 1


@pytest.mark.parametrize(
    ("first", "end", "seed"),
    [
        ("2026-11-23 05:00", "2026-11-30 05:00", 1),  # Thanksgiving, and a half day
        ("2026-10-29 04:00", "2026-11-04 05:00", 2),  # the end of daylight saving time
        ("2026-03-05 05:00", "2026-03-11 04:00", 3),  # and its beginning
    ],
)
def test_a_week_of_accidents_ends_with_every_bar_once(
    monkeypatch: pytest.MonkeyPatch,
    open_harness: Callable[..., IngestHarness],
    hands: Hands,
    database_url: str,
    redis_url: str,
    first: str,
    end: str,
    seed: int,
) -> None:
    """A sleep, lost and late and repeated events, provider outages, a wrong clock: no false claim, no bar missing."""
    hands.at = utc(first)
    # On the test's clock a tick and the reads after it lie within a tenth of a second.
    monkeypatch.setattr("shared.cache.market_version.CHECK_SECONDS", 0)
    with (
        vendors(keys=[KEY], now=lambda: hands.at - hands.ahead) as upstream,
        serving(database_url, redis_url, None) as api,
    ):
        urls = {"twelvedata_base_url": upstream.url, "finnhub_base_url": f"{upstream.url}/api/v1"}
        harness = open_harness(twelvedata_api_keys=KEY, history_sessions="5", **urls)
        harness.track(*TICKERS)
        week = Week(harness, api, seed)
        awake = utc(first)
        for tick in scheduled_ticks(utc(first), utc(end)):
            if tick.at < awake:
                continue
            hands.at = tick.at
            match week.chance.random():
                case draw if draw < 0.01:
                    awake = tick.at + timedelta(hours=5)  # the machine sleeps
                    continue
                case draw if draw < 0.08:
                    continue  # the tick is lost
                case draw if draw < 0.16:
                    upstream.misbehave(week.chance.choice(OUTAGES), times=week.chance.randint(1, 4))
                case draw if draw < 0.18:
                    hands.ahead = timedelta(hours=2)  # the clock is wrong, and is put right
                    hands.at = tick.at + hands.ahead
                    week.tick(tick)
                    hands.at, hands.ahead = tick.at, timedelta(0)
            week.tick(tick)
            if week.chance.random() < 0.2:
                week.check_claims()
        upstream.forget()
        for _ in range(40):
            hands.forward(minutes=50)
            week.tick(ScheduledTick(hands.at, b"{}"))
        week.check_claims()
        assert api.json("/status")["behind"] == 0

    expected = exchange().starts("1h", utc(first), utc(end))
    stored = harness.sql("SELECT ticker, start FROM bars WHERE start >= %s AND start < %s", utc(first), utc(end))
    assert sorted(stored) == sorted((ticker, start) for ticker in TICKERS for start in expected)
    assert week.claims > 20
    assert week.exact > 0.8 * week.claims
