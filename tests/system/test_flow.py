"""The main job, end to end, on real parts: a tick becomes checked bars in Postgres, served as JSON."""

import csv
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest

from knative.local.__main__ import main
from knative.local.services.ports import free_port
from tests.running import ROOT, System, running
from tests.systems import StartSystem
from tests.waiting import wait_until

TICKERS = 50
BARS = "tech.stocksalot.bars.fetched.v1"
PRICES = ("open", "high", "low", "close")


class Bar(NamedTuple):
    """A bar as file and API both tell of it; prices as decimals of their digits."""

    ticker: str
    start: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@pytest.fixture
def given(database_url: str, redis_url: str, system_amqp_url: str) -> Mapping[str, str]:
    """The environment of a system on the servers of this test run."""
    return {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "AMQP_URL": system_amqp_url}


def standing(moment: str, speed: float = 0) -> str:
    """A clock that shows *moment* (UTC) now and runs *speed* times as fast."""
    return f"{moment}+00:00 {datetime.now(UTC).isoformat()} {speed}"


def read_bar(row: Mapping[str, Any]) -> Bar:
    """The bar of a row of the file, or of an item of the API."""
    prices = [Decimal(row[name]) for name in PRICES]
    return Bar(row["ticker"], row["datetime"], prices[0], prices[1], prices[2], prices[3], int(row["volume"]))


def served(system: System, tickers: list[str], **query: str) -> list[Bar]:
    """All hourly bars of *tickers* that the API has, page by page as a client reads them, digits untouched."""
    found: list[Bar] = []
    url: str | None = f"{system.url}/api/ohlc"
    parameters: dict[str, str] | None = {"tickers": ",".join(tickers), "limit": "100", **query}
    while url:
        answer = httpx.get(url, params=parameters, timeout=30)
        assert answer.status_code == 200, answer.text
        found += map(read_bar, json.loads(answer.text, parse_float=Decimal)["items"])
        following, parameters = answer.links.get("next"), None
        url = str(answer.url.join(following["url"])) if following else None
    return found


@contextmanager
def upstream(folder: Path, clock: str, *options: str) -> Iterator[str]:
    """The fake upstream over real HTTP; yields its address."""
    port = free_port()
    with (folder / "upstream.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.fakes.market_data", "--port", str(port), *options],
            cwd=ROOT,
            env={**os.environ, "CLOCK": clock},
            stdout=log,
            stderr=log,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: answers(url))
        yield url
    finally:
        process.terminate()
        process.wait(10)


def answers(url: str) -> bool:
    """Whether somebody listens at *url*."""
    try:
        httpx.get(f"{url}/requests", timeout=5)
    except httpx.TransportError:
        return False
    return True


def asking(url: str) -> Mapping[str, str]:
    """The environment that sends the real Twelve Data client to the fake upstream at *url*."""
    return {"TWELVEDATA_BASE_URL": url, "TWELVEDATA_API_KEYS": "test-key", "PROVIDERS": "twelvedata"}


def test_real_bars_arrive_whole(given: Mapping[str, str], tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    """Two months of 50 tickers go through upstream, client, RabbitMQ, store and Postgres with every function scaled to
    zero between events, and the API has exactly the bars of the file: none missing, none twice, to the last digit."""
    file = real_data("stooq_top50_1h.csv.gz")
    with gzip.open(file, "rt") as lines:
        expected = [read_bar(row) for row in csv.DictReader(lines)]
    clock = standing("2026-04-01T00:00:00")
    plan = ("--credits-per-minute", "1000", "--credits-per-day", "10000")
    with upstream(tmp_path, clock, "--bars", str(file), *plan) as url:
        environment = {**given, **asking(url), "CLOCK": clock, "TWELVEDATA_CREDITS_PER_MINUTE": "1000"}
        with running(tmp_path / "system", environment, "--manual", "--idle", "0.2") as system:
            ticks = 0
            while system.tick().led_to == BARS:
                ticks += 1
                system.wait_for_zero()
            found = served(system, sorted({bar.ticker for bar in expected}), start="2026-01-01")

    assert ticks >= 3
    assert len(found) == len(set(found))
    assert sorted(found) == sorted(expected)


def test_eight_credits_a_minute_are_never_exceeded(given: Mapping[str, str], tmp_path: Path) -> None:
    """With a fast clock and the free plan, 50 tickers are complete after seven minutes' ticks: no request beyond the
    budget, and no tick waits for one."""
    clock = standing("2026-11-20T18:31:05", speed=30)
    with upstream(tmp_path, clock) as url:
        environment = {**given, **asking(url), "CLOCK": clock, "HISTORY_SESSIONS": "2"}
        with running(tmp_path / "system", environment, "--manual", "--min-scale", "1") as system:
            wait_until(lambda: not system.tick().led_to and behind(system) == 0, 120)
            asked = httpx.get(f"{url}/requests").json()

    minutes = {request["at"][:16] for request in asked["requests"] if request["credits"]}
    assert asked["violations"] == []
    assert sum(request["credits"] for request in asked["requests"]) == TICKERS
    assert len(minutes) == -(-TICKERS // 8)


def behind(system: System) -> int:
    """Return the number of tickers that lack the newest finished bar."""
    return system.get("/status")["behind"]


def test_the_schedule_alone_keeps_up(given: Mapping[str, str], tmp_path: Path) -> None:
    """A Friday's last half hour at 120 times the speed: PingSources tick, and the day's bars are there."""
    clock = standing("2026-11-20T20:25:00", speed=120)
    environment = {**given, "CLOCK": clock, "HISTORY_SESSIONS": "2"}
    with running(tmp_path / "system", environment, "--min-scale", "1") as system:
        latest = wait_until(lambda: all_closed(system), 120)

    assert len(latest) == TICKERS


def all_closed(system: System) -> list[dict[str, Any]]:
    """The newest bars if all of them are the day's last, else nothing."""
    items = system.get("/latest")["items"]
    return items if {item["datetime"] for item in items} == {"2026-11-20T20:30:00Z"} else []


@pytest.fixture(scope="module")
def simulated(start_system: StartSystem) -> System:
    """A system with simulated prices, as it starts without any key on a Friday evening that does not pass."""
    system = start_system(CLOCK=standing("2026-11-20T22:00:00"), HISTORY_SESSIONS="10")
    wait_until(lambda: behind(system) == 0, 120)
    return system


def test_a_newcomer_sees_fifty_tickers(simulated: System) -> None:
    """Without any key: each ticker's own newest bar, and days derived by session."""
    latest = simulated.get("/latest")
    days = simulated.get("/ohlc/AAPL", interval="1d", limit=5)
    hours = simulated.get("/ohlc/AAPL", limit=7)

    assert (latest["count"], latest["source"], latest["stale"]) == (TICKERS, "simulated", False)
    assert {item["datetime"] for item in latest["items"]} == {"2026-11-20T20:30:00Z"}
    assert [item["date"] for item in days["items"]] == [f"2026-11-{day}" for day in (16, 17, 18, 19, 20)]
    assert days["items"][-1]["open"] == hours["items"][0]["open"]
    assert days["items"][-1]["close"] == hours["items"][-1]["close"]
    assert days["items"][-1]["volume"] == sum(hour["volume"] for hour in hours["items"])


def test_events_that_cannot_succeed_are_kept(simulated: System) -> None:
    """Wrong JSON, an unknown version and a tick with its dates the wrong way round end as dead letters with a reason;
    what is no event at all is refused by the broker; and the next tick works as ever."""
    ingress = simulated.status()["ingress"]
    for number, (kind, data) in enumerate([(BARS, b'{"interval":'), (BARS, b'{"interval": "1h"}')]):
        assert httpx.post(ingress, headers=event(f"bad-{number}", kind), content=data).status_code == 202
    assert httpx.post(ingress, content=b"hello").status_code == 400
    wait_until(lambda: dead_letters(simulated.database_url, 2))
    refused = simulated.tick(data={"start": "2026-11-20", "end": "2026-11-01"})
    letters = wait_until(lambda: dead_letters(simulated.database_url, 3))
    outcome = simulated.tick(data={"start": "2026-10-01", "end": "2026-10-02", "tickers": ["V"]})
    with psycopg.connect(simulated.database_url) as connection:
        connection.execute("DELETE FROM dead_letters")

    assert refused.led_to == "tech.stocksalot.tick.refused.v1"
    assert all(reason for _, reason in letters)
    assert any("end" in reason and "start" in reason for _, reason in letters)
    assert outcome.led_to == BARS


def test_operators_correct_bars_by_verbs(simulated: System, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file is imported, a split stated and taken back, and the file withdrawn: each verb says what it did, and the
    bars are those of before."""
    prices = {18: "70.1,70.5,69.9,70.2", 19: "70.3,70.5,69.9,70.2", 20: "35.1,35.5,34.9,35.2"}
    lines = [f"{day}-Nov-2026 {hour}:30,{prices[day]},1000" for day in prices for hour in range(10, 16)]
    file, folder = tmp_path / "KO.csv", simulated.folder
    file.write_text("\n".join(["Date,Open,High,Low,Close,Volume", *lines, "20-Nov-2026 9:30,70.1,70.5,69.9,none,1000"]))
    tick = ("tick", "bars", "--tickers", "KO", "--start", "2026-11-18")
    verbs: list[tuple[tuple[str, ...], str]] = [
        (
            ("import", str(file), "--zone", "America/New_York", "--yes"),
            "stored: 0 inserted, 18 revised, 0 unchanged, 1",
        ),
        (("rejections", "KO"), "20-Nov-2026 9:30,70.1,70.5,69.9,none,1000"),
        (("split", "KO", "2026-11-20", "2:1"), "12 bars before 2026-11-20 were converted"),
        (("split", "KO", "2026-11-20", "none"), "12 bars before it were converted back"),
        ((*tick, "--again"), "21 of 21 bars are stored"),
        (("tick", "compare"), "nothing is missing"),
        (
            ("withdraw", "import", "--reason", "wrong file", "--yes"),
            "18 bars of import were withdrawn; 18 of them were replaced",
        ),
        (("replay", "--list"), "no dead letters"),
    ]
    with ThreadPoolExecutor(1) as thread:
        answers = []
        before = served(simulated, ["KO"], start="2026-11-18")
        for verb, _ in verbs:
            capsys.readouterr()
            code = thread.submit(main, [*verb, "--folder", str(folder)]).result()
            answers.append((code, capsys.readouterr().out))
        after = served(simulated, ["KO"], start="2026-11-18")

    for (verb, text), (code, out) in zip(verbs, answers, strict=True):
        assert code == 0, (verb, out)
        assert text in out, (verb, out)
    assert (len(before), after) == (21, before)


def event(number: str, kind: str) -> dict[str, str]:
    """The headers of a CloudEvent of *kind*."""
    return {
        "ce-id": number,
        "ce-source": "/tests",
        "ce-type": kind,
        "ce-specversion": "1.0",
        "content-type": "application/json",
    }


def dead_letters(database_url: str, count: int) -> list[tuple[str, str]]:
    """The id and reason of each dead letter, once there are *count*."""
    with psycopg.connect(database_url) as connection:
        letters = connection.execute("SELECT event_id, reason FROM dead_letters").fetchall()
    return letters if len(letters) >= count else []


def test_functions_behind_the_door_are_out_of_reach(simulated: System) -> None:
    """No path and no host name of the public port leads to ingest or store."""
    before = requests(simulated)
    tries = [
        httpx.post(f"{simulated.url}{path}", headers={**event("1", BARS), "host": host})
        for path in ("/", "/store", "/stocksalot/store", "/api/../store", "/api/dead-letters")
        for host in ("localhost", "store.stocksalot.svc.cluster.local")
    ]

    assert all(answer.status_code >= 300 for answer in tries)
    assert requests(simulated) == before


def requests(system: System) -> dict[str, int]:
    """Return the number of requests to each function that is not public."""
    return {one["name"]: one["requests"] for one in system.status()["functions"] if one["name"] in ("ingest", "store")}
