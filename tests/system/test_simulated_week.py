"""A simulated week: the schedule of the manifests on a clock that the test moves, with the faults of a real week."""

import random
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from croniter import croniter

from knative.install.overlay import OVERLAYS
from knative.local.kustomize import build
from tests.fake_vendors import KEY, Hands, Vendors, exchange, utc, vendors
from tests.ingest.conftest import hands as hands
from tests.ingest.conftest import open_harness as open_harness
from tests.ingest.ingest_harness import GRACE, IngestHarness
from tests.system.accidents import SUSPENDED, TICKERS, Accident, EventfulMarket, Installation, rhythms

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

    def __init__(self, installation: Installation, market: EventfulMarket, hands: Hands, seed: int) -> None:
        self.installation, self.market, self.hands = installation, market, hands
        self.chance = random.Random(seed)
        self.late: list[httpx.Response] = []
        self.counts = dict.fromkeys(("ticks", "refused", "claims", "exact"), 0)

    def tick(self, tick: ScheduledTick) -> None:
        """Tick; the event comes once, twice, or only after the next one, and again while store refuses it."""
        self.counts["ticks"] += 1
        reply = self.installation.functions.tick(tick.data, id=f"tick-{tick.at.isoformat()}")
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
            answer = self.installation.functions.post(reply.content, dict(reply.headers), store=True)
            assert answer.status_code in (200, 204, 503), answer.text
            if answer.status_code == 503:
                self.counts["refused"] += 1
                self.late.append(reply)

    def check_claims(self) -> None:
        """Compare /status and /latest with the table and the exchange's calendar."""
        now, api = self.hands.at, self.installation.api
        due = self.market.market.last_finished_bar("1h", now, GRACE)
        newest = dict(self.installation.functions.sql("SELECT ticker, max(start) FROM bars GROUP BY ticker"))
        status, latest = api.json("/status"), api.json("/latest")
        behind = sum(newest.get(ticker) is None or newest[ticker] < due for ticker in TICKERS) if due else 0
        # Fewer while a provider says that it has no such bar, never more.
        assert status["behind"] <= behind, now
        self.counts["exact"] += status["behind"] >= behind - (not self.market.trades(SUSPENDED, now))
        assert status["data_age_seconds"] is None or status["data_age_seconds"] >= 0
        assert not status["stale"]
        for item in latest["items"]:
            assert datetime.fromisoformat(item["datetime"]) == newest[item["ticker"]], now
            assert datetime.fromisoformat(item["end"]) <= now
        self.counts["claims"] += 1

    def live(self, ticks: list[ScheduledTick], upstream: Vendors, plan: list[Accident]) -> None:
        """Live through *ticks* with faults by chance, and with what *plan* has on the way."""
        awake = answers = ticks[0].at
        for tick in ticks:
            self.hands.at = tick.at
            while plan and plan[0][0] <= tick.at:
                plan.pop(0)[1]()
                self.check_claims()
            if tick.at < awake:
                continue
            if answers <= tick.at:
                upstream.forget()
            match self.chance.random():
                case draw if draw < 0.01:
                    awake = tick.at + timedelta(hours=5)  # the machine sleeps
                    continue
                case draw if draw < 0.08:
                    continue  # the tick is lost
                case draw if draw < 0.16:
                    answers = tick.at + timedelta(hours=1)
                    upstream.misbehave(self.chance.choice(OUTAGES), times=self.chance.randint(1, 4))
                case draw if draw < 0.18:
                    self.hands.ahead = timedelta(hours=2)  # the clock is wrong, and is put right
                    self.hands.at = tick.at + self.hands.ahead
                    self.tick(tick)
                    self.hands.at, self.hands.ahead = tick.at, timedelta(0)
                case draw if draw < 0.19:
                    self.hands.ahead = timedelta(hours=-2)
                    self.hands.at = tick.at + self.hands.ahead
                    self.tick(tick)
                    self.hands.at, self.hands.ahead = tick.at, timedelta(0)
            self.tick(tick)
            if self.chance.random() < 0.2:
                self.check_claims()


@pytest.mark.parametrize(
    ("first", "end", "eventful"),
    [
        ("2026-11-23 05:00", "2026-11-30 05:00", True),  # Thanksgiving, and a half day
        ("2026-10-29 04:00", "2026-11-04 05:00", False),  # the end of daylight saving time
        ("2026-03-05 05:00", "2026-03-11 04:00", False),  # and its beginning
    ],
)
def test_a_week_of_accidents_ends_with_every_bar_once(
    monkeypatch: pytest.MonkeyPatch,
    open_harness: Callable[..., IngestHarness],
    hands: Hands,
    redis_url: str,
    tmp_path: Path,
    first: str,
    end: str,
    *,
    eventful: bool,
) -> None:
    """A sleep, lost, late and repeated events, outages, a wrong clock; in one week also an early close, a suspension,
    an upgrade, a restore and a full disk: no false claim, no bar missing."""
    hands.at = utc(first)
    # On the test's clock a tick and the reads after it lie within a tenth of a second.
    monkeypatch.setattr("shared.cache.market_version.CHECK_SECONDS", 0)
    months = rhythms([one for one in exchange().sessions if utc(first) <= one.opens < utc(end)]) if eventful else []
    market = EventfulMarket(months)
    with vendors(market, keys=[KEY], now=lambda: hands.at - hands.ahead) as upstream, ExitStack() as stack:
        urls = {"twelvedata_base_url": upstream.url, "finnhub_base_url": f"{upstream.url}/api/v1"}
        settings = {"twelvedata_api_keys": KEY, "history_sessions": "5", **urls}
        installation = Installation(lambda: open_harness(**settings), redis_url, tmp_path, stack)
        installation.functions.track(*TICKERS)
        week = Week(installation, market, hands, seed=1)
        week.live(scheduled_ticks(utc(first), utc(end)), upstream, installation.plan(months))
        upstream.forget()
        for _ in range(40):
            hands.forward(minutes=50)
            week.tick(ScheduledTick(hands.at, b"{}"))
        week.check_claims()
        assert installation.api.json("/status")["behind"] == 0

    expected = market.market.starts("1h", utc(first), utc(end))
    stored = installation.functions.sql(
        "SELECT ticker, start FROM bars WHERE start >= %s AND start < %s", utc(first), utc(end)
    )
    assert sorted(stored) == sorted(
        (ticker, start) for ticker in TICKERS for start in expected if market.trades(ticker, start)
    )
    # Events that were made by a clock two hours ahead are kept as dead letters.
    rejected = "SELECT reason FROM dead_letters WHERE reason NOT LIKE %s"
    assert installation.functions.sql(rejected, "%lies in the future%") == []
    assert (week.counts["refused"] > 0) is eventful
    assert week.counts["claims"] > 20
    assert week.counts["exact"] > 0.8 * week.counts["claims"]
