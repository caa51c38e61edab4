"""Ingest: a tick finds what is missing, spends no more than the budget, and answers with one event."""

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from functions_framework.aio import create_asgi_app

from functions.ingest import due
from functions.ingest.bars import jumps, keep, within
from functions.ingest.due import Ask, Gap, Held, by_urgency, find_gaps, fit, forget_simulated, not_just_asked
from functions.ingest.ticks import Refused, Window, asked_window
from knative.local.upstream.world import Row, World
from shared.events import Bar, BarsFetched, CompaniesFetched, Series, Tick, TickRefused
from tests.vendors import KEY, OTHER_KEY, Hands, Vendors, exchange, set_clock, utc, vendors
from tests.waiting import wait_until

ROOT = Path(__file__).parents[1]
GRACE = timedelta(seconds=60)
FRIDAY_EVENING = utc("2026-11-20 21:05")
SESSIONS = exchange().sessions


def starts(first: str, end: str) -> list[datetime]:
    """The starts of all hourly bars in [first, end)."""
    return exchange().starts("1h", utc(first), utc(end))


def held(ticker: str, newest: str, source: str = "twelvedata") -> Held:
    """What is known of a ticker that was never asked for by now."""
    return Held(ticker, utc(newest), source, None)


def bar(start: datetime, close: str = "10", **more: Any) -> Bar:
    """A flat bar."""
    return Bar(**{"start": start, "open": close, "high": close, "low": close, "close": close, "volume": 1} | more)


class TestWhatIsMissing:
    """The pure part: from what is stored to what to ask for."""

    HISTORY = utc("2026-11-16 14:30")

    def test_a_ticker_lacks_what_comes_after_its_newest_bar(self) -> None:
        """From the bar after the newest stored one to the newest finished one."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        full, behind = held("KO", "2026-11-17 20:30"), held("V", "2026-11-17 18:30")

        gaps = find_gaps([full, behind], expected, self.HISTORY)

        assert [(gap.ticker, gap.first, gap.last) for gap in gaps] == [
            ("V", utc("2026-11-17 19:30"), utc("2026-11-17 20:30"))
        ]

    def test_a_ticker_without_bars_lacks_the_history(self) -> None:
        """From the day that history begins."""
        expected = starts("2026-11-10 00:00", "2026-11-18 00:00")

        (gap,) = find_gaps([Held("KO", None, None, None)], expected, self.HISTORY)

        assert (gap.first, gap.last) == (self.HISTORY, utc("2026-11-17 20:30"))

    def test_what_no_provider_has_is_not_missing(self) -> None:
        """Settled hours are skipped, whether all of the gap or only its beginning."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        settled = ((utc("2026-11-17 19:30"), utc("2026-11-17 20:30")),)
        behind = [
            held("KO", "2026-11-17 18:30")._replace(settled=settled),
            held("V", "2026-11-17 18:30")._replace(settled=(*settled, (utc("2026-11-17 20:30"), FRIDAY_EVENING))),
        ]

        gaps = find_gaps(behind, expected, self.HISTORY)

        assert [(gap.ticker, gap.first) for gap in gaps] == [("KO", utc("2026-11-17 20:30"))]

    def test_what_was_not_asked_for_yet_comes_first_then_the_stalest(self) -> None:
        """A ticker whose bar the provider did not have a minute ago does not hold up the others."""
        finished = utc("2026-11-17 21:01")
        gaps = [
            Gap("A", utc("2026-11-17 20:30"), finished, utc("2026-11-17 21:02"), "x"),
            Gap("B", utc("2026-11-17 20:30"), finished, utc("2026-11-17 20:02"), "x"),
            Gap("C", utc("2026-11-17 19:30"), finished, utc("2026-11-17 20:02"), "x"),
            Gap("D", utc("2026-11-17 20:30"), finished, None, None),
            Gap("E", utc("2026-11-16 20:30"), finished, utc("2026-11-17 21:02"), "x"),
        ]

        assert [gap.ticker for gap in by_urgency(gaps, finished)] == ["C", "B", "D", "E", "A"]

    def test_what_was_asked_for_moments_ago_waits_for_the_next_tick(self) -> None:
        """Else ticks that follow at once would ask for ever for a bar that nobody has yet."""
        finished, now = utc("2026-11-17 21:01"), utc("2026-11-17 21:03")
        asked = {"now": now, "a minute ago": utc("2026-11-17 21:02"), "before": utc("2026-11-17 21:00"), "never": None}
        gaps = [Gap(ticker, finished, finished, at, "x") for ticker, at in asked.items()]

        assert [gap.ticker for gap in not_just_asked(gaps, finished, now)] == ["a minute ago", "before", "never"]

    def test_ten_stored_bars_are_asked_for_again(self) -> None:
        """So that late corrections heal themselves; a ticker without bars has none to ask for again."""
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        last = expected[-1]
        gaps = [Gap("KO", last, last, None, "twelvedata"), Gap("V", last, last, None, None)]

        asks = fit(gaps, expected, exchange(), "1h")

        assert asks == [
            Ask("KO", expected[-11], utc("2026-11-17 21:00")),
            Ask("V", last, utc("2026-11-17 21:00")),
        ]

    def test_only_whole_tickers_go_into_an_event(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As many as fit, none in part: a credit buys a whole window."""
        monkeypatch.setattr(due, "EVENT_BARS", 30)
        expected = starts("2026-11-16 00:00", "2026-11-18 00:00")
        gaps = [Gap(ticker, expected[0], expected[-1], None, None) for ticker in ("A", "B", "C")]

        assert [ask.ticker for ask in fit(gaps, expected, exchange(), "1h")] == ["A", "B"]

    def test_a_window_that_is_too_long_is_asked_for_oldest_part_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The part ends where a bar ends, and holds more than what is stored already."""
        monkeypatch.setattr(due, "TICKER_BARS", 14)
        expected = starts("2026-11-09 00:00", "2026-11-20 00:00")
        gap = Gap("KO", expected[12], expected[-1], None, "twelvedata")

        (ask,) = fit([gap], expected, exchange(), "1h")

        assert (ask.start, ask.end) == (expected[2], utc("2026-11-11 16:30"))

    def test_invented_bars_are_missing_to_a_real_provider(self) -> None:
        """Where a real provider takes over, the invented history is asked for anew."""
        known = [held("KO", "2026-11-17 20:30", "simulated"), held("V", "2026-11-17 20:30")]

        assert [one.newest for one in forget_simulated(known)] == [None, utc("2026-11-17 20:30")]

    @pytest.mark.parametrize(
        ("now", "first", "last", "end"),
        [
            ("2026-11-02 16:00", "2026-10-30 19:30", "2026-11-02 14:30", "2026-11-02 15:30"),
            ("2026-11-27 18:02", "2026-11-25 20:30", "2026-11-27 17:30", "2026-11-27 18:00"),
            ("2026-11-22 12:00", "2026-11-20 20:30", "2026-11-20 20:30", "2026-11-20 21:00"),
            ("2026-03-09 14:32", "2026-03-06 20:30", "2026-03-09 13:30", "2026-03-09 14:30"),
        ],
        ids=["clocks went back", "half day after a holiday", "weekend", "clocks went forward"],
    )
    def test_windows_follow_the_exchanges_days(self, now: str, first: str, last: str, end: str) -> None:
        """Across clock changes, holidays and half days a window ends where the newest finished bar does."""
        newest = exchange().newest_finished("1h", utc(now), GRACE)
        assert newest is not None
        expected = exchange().starts("1h", utc(now) - timedelta(days=10), newest + timedelta(seconds=1))
        before = expected[expected.index(utc(first)) - 1]

        (gap,) = find_gaps([Held("KO", before, "x", None)], expected, utc(now))
        (ask,) = fit([gap], expected, exchange(), "1h")

        assert (gap.first, gap.last, ask.end) == (utc(first), utc(last), utc(end))


class TestWhatTicksName:
    """Overrides become windows."""

    NOW = FRIDAY_EVENING

    @pytest.mark.parametrize(
        ("tick", "window"),
        [
            ({}, None),
            ({"start": "2026-11-02"}, Window(utc("2026-11-02 05:00"), NOW, None)),
            (
                {"start": "2026-10-30", "end": "2026-10-30"},
                Window(utc("2026-10-30 04:00"), utc("2026-10-31 04:00"), None),
            ),
            (
                {"start": "2026-10-31", "end": "2026-11-01"},
                Window(utc("2026-10-31 04:00"), utc("2026-11-02 05:00"), None),
            ),
            ({"start": "2026-11-02T15:30:00Z", "end": "2030-01-01"}, Window(utc("2026-11-02 15:30"), NOW, None)),
            ({"end": "2026-11-02T10:30:00-05:00"}, Window(None, utc("2026-11-02 15:30"), 60)),
            ({"lookback_sessions": 10}, Window(None, NOW, 10)),
        ],
    )
    def test_a_date_is_a_day_in_new_york_and_an_instant_is_itself(
        self, tick: dict[str, Any], window: Window | None
    ) -> None:
        """The end's whole day belongs to the window, whichever offset New York has then; none lies in the future."""
        assert asked_window(Tick.model_validate(tick), self.NOW, 60) == window

    def test_a_start_in_the_future_is_refused(self) -> None:
        """It could never be done."""
        with pytest.raises(Refused, match="2026-11-21 lies in the future"):
            asked_window(Tick(start=date(2026, 11, 21)), self.NOW, 60)


class TestWhatIsKept:
    """Of what a provider answers, what can be a bar."""

    ASK = Ask("KO", utc("2026-11-20 14:30"), utc("2026-11-20 21:00"))

    @pytest.mark.parametrize(
        ("start", "kept"),
        [
            ("2026-11-20 14:30", True),
            ("2026-11-20 19:30", True),
            ("2026-11-20 13:30", False),
            ("2026-11-20 14:00", False),
            ("2026-11-20 14:37", False),
            ("2026-11-20 20:30", False),
            ("2026-11-20 21:30", False),
            ("2026-11-21 15:30", False),
            ("2026-11-19 15:30", False),
        ],
        ids=[
            "first",
            "last finished",
            "before the market opens",
            "on the clock's grid",
            "off the grid",
            "unfinished",
            "after the market closes",
            "on a Saturday",
            "not asked for",
        ],
    )
    def test_only_finished_bars_on_the_grid_of_a_session(self, start: str, kept: bool) -> None:
        """Everything else is dropped, whatever the provider says."""
        found = keep(self.ASK, [bar(utc(start))], exchange(), utc("2026-11-20 20:59"), GRACE)

        assert bool(found) == kept

    def test_a_bar_is_finished_after_its_grace(self) -> None:
        """Not a second earlier."""
        bars = [bar(utc("2026-11-20 20:30"))]

        assert keep(self.ASK, bars, exchange(), utc("2026-11-20 21:01") - timedelta(seconds=1), GRACE) == []
        assert keep(self.ASK, bars, exchange(), utc("2026-11-20 21:01"), GRACE) == bars

    def test_wrong_prices_are_passed_on(self) -> None:
        """Store refuses them with a record."""
        bars = [bar(utc("2026-11-20 14:30"), high="NaN", low=None, open="-1")]

        assert keep(self.ASK, bars, exchange(), FRIDAY_EVENING, GRACE) == bars

    @pytest.mark.parametrize(
        ("closes", "jumped"),
        [
            (["10", "14.99"], False),
            (["10", "15"], True),
            (["15", "10"], True),
            (["10", "15", "15"], False),
            (["15"], False),
            (["NaN", "10"], False),
            (["0", "10"], False),
        ],
    )
    def test_a_jump_of_the_newest_bar_is_seen(self, closes: list[str], jumped: bool) -> None:
        """By half or more against the bar before; of older bars the next one tells."""
        bars = [
            bar(start, close)
            for start, close in zip(starts("2026-11-20 00:00", "2026-11-21 00:00"), closes, strict=False)
        ]

        assert jumps(bars) == jumped

    def test_an_event_stays_under_its_size(self) -> None:
        """What is too much is cut at a bar, and the window says so, so that the next tick goes on from there."""
        hours = starts("2026-01-01 00:00", "2026-11-20 00:00")
        long = [bar(start, "1234567.123456789") for start in hours]
        series = [Series(ticker=ticker, start=hours[0], end=hours[-1], bars=tuple(long)) for ticker in "ABC"]

        cut = within(series, 500_000)

        assert sum(len(one.model_dump_json()) for one in cut) < 500_000
        assert [one.ticker for one in cut] == ["A", "B", "C"]
        assert cut[:2] == series[:2]
        assert cut[2].end == long[len(cut[2].bars)].start < series[2].end
        assert within(series, 5_000_000) == series


class House:
    """Ingest and store in this process, on a real Postgres and Redis, with a clock that the test moves."""

    def __init__(self, runner: asyncio.Runner, database_url: str, hands: Hands) -> None:
        self.clock = hands
        self.database_url = database_url
        self._runner = runner
        self._ingest = create_asgi_app("ingest", str(ROOT / "functions/ingest/main.py"), "http")
        self._store = create_asgi_app("store", str(ROOT / "functions/store/main.py"), "http")

    def tick(self, data: Any = b"", **attributes: str) -> httpx.Response:
        """What ingest answers to a tick; keywords are attributes of the event."""
        event = {"id": "tick-1", "source": "/test", "type": "dev.knative.sources.ping", "specversion": "1.0"}
        headers = {f"ce-{name}": value for name, value in (event | attributes).items()}
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.post(body, headers)

    def post(self, body: bytes, headers: dict[str, str], *, store: bool = False) -> httpx.Response:
        """What ingest (or store) answers to a POST."""
        return self._runner.run(self._post(self._store if store else self._ingest, body, headers))

    def together(self, count: int) -> list[httpx.Response]:
        """What ingest answers to *count* ticks at the same time."""

        async def all_at_once() -> list[httpx.Response]:
            headers = {"ce-source": "/test", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}
            ticks = (self._post(self._ingest, b"", headers | {"ce-id": f"tick-{number}"}) for number in range(count))
            return await asyncio.gather(*ticks)

        return self._runner.run(all_at_once())

    def work(self, data: Any = b"") -> BarsFetched | None:
        """Tick, hand the reply to store, and return it."""
        answer = self.tick(data)
        if answer.status_code == 204:
            return None
        stored = self.post(answer.content, dict(answer.headers), store=True)
        assert (answer.status_code, stored.status_code) == (200, 200), (answer.text, stored.text)
        return BarsFetched.model_validate_json(answer.content)

    def sql(self, statement: str, *values: Any) -> list[Any]:
        """The rows of a statement, its only column unpacked."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            rows = cursor.fetchall() if cursor.description else []
        return [row[0] if len(row) == 1 else row for row in rows]

    def track(self, *tickers: str) -> None:
        """Track these alone."""
        self.sql("UPDATE tickers SET active = ticker = ANY (%s)", list(tickers))

    async def _post(self, app: Any, body: bytes, headers: dict[str, str]) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://function") as client:
            return await client.post("/", content=body, headers=headers)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock, some minutes after a session's last bar."""
    return set_clock(monkeypatch, FRIDAY_EVENING)


@pytest.fixture
def open_house(
    monkeypatch: pytest.MonkeyPatch, hands: Hands, database_url: str, redis_url: str
) -> Iterator[Callable[..., House]]:
    """A function that starts ingest and store; keywords are their environment."""
    for name in ("PROVIDERS", "TWELVEDATA_API_KEYS", "FINNHUB_API_KEY", "REPLAY_FILES"):
        monkeypatch.delenv(name, raising=False)

    with asyncio.Runner() as runner:

        def start(**environment: str) -> House:
            told = {"database_url": database_url, "redis_url": redis_url} | environment
            for name, value in told.items():
                monkeypatch.setenv(name.upper(), value)
            return House(runner, database_url, hands)

        yield start


@pytest.fixture
def upstream(hands: Hands) -> Iterator[Vendors]:
    """The stand-in vendors with two keys."""
    with vendors(keys=[KEY, OTHER_KEY]) as both:
        yield both


@pytest.fixture
def open_real_house(open_house: Callable[..., House], upstream: Vendors) -> Callable[..., House]:
    """A function that starts ingest and store with the real clients on the stand-in vendors."""

    def start(**environment: str) -> House:
        real = {
            "twelvedata_api_keys": KEY,
            "twelvedata_base_url": upstream.url,
            "finnhub_base_url": f"{upstream.url}/api/v1",
        }
        return open_house(**real | environment)

    return start


def fetched(answer: httpx.Response) -> BarsFetched:
    """The event that a tick was answered with."""
    assert (answer.status_code, answer.headers["ce-type"]) == (200, BarsFetched.TYPE), answer.text
    return BarsFetched.model_validate_json(answer.content)


class TestTicks:
    """What comes in, and what is answered."""

    def test_a_tick_is_answered_with_the_missing_bars(self, open_house: Callable[..., House]) -> None:
        """The reply is an event of ingest's own, named after the tick, with whole histories of as many as fit."""
        answer = open_house().tick(id="abc", job="bars")
        event = fetched(answer)

        assert (answer.headers["ce-id"], answer.headers["ce-source"]) == ("abc", "/stocksalot/ingest")
        assert (event.interval, event.source, event.fetched_at) == ("1h", "simulated", FRIDAY_EVENING)
        assert len(event.series) == 16
        assert {len(one.bars) for one in event.series} == {420}
        assert {one.bars[0].start for one in event.series} == {event.series[0].start}

    def test_the_history_of_all_is_there_after_four_ticks(self, open_house: Callable[..., House]) -> None:
        """50 tickers, 60 sessions, each bar once, each event under 1 MiB; then nothing is due."""
        house, sizes = open_house(), []
        while (answer := house.tick()).status_code == 200:
            sizes.append(len(answer.content))
            assert house.post(answer.content, dict(answer.headers), store=True).status_code == 200

        opened = [session for session in SESSIONS if session.opens < FRIDAY_EVENING][-60:]
        expected = exchange().starts("1h", opened[0].opens, FRIDAY_EVENING)
        assert answer.status_code == 204
        assert len(sizes) == 4
        assert max(sizes) < 2**20
        assert house.sql("SELECT DISTINCT count(*) FROM bars GROUP BY ticker") == [len(expected)]
        assert house.sql("SELECT count(*) FROM bars") == [50 * len(expected)]

    def test_nothing_due_loads_neither_redis_nor_httpx(self, open_house: Callable[..., House], port: int) -> None:
        """Most ticks find nothing to do: they pay for Postgres and for nothing else."""
        house = open_house()
        house.track("KO")
        house.work()
        code = """
import asyncio, sys
from functions_framework.aio import create_asgi_app

app = create_asgi_app("ingest", "functions/ingest/main.py", "http")
event = {b"ce-id": b"1", b"ce-source": b"/t", b"ce-type": b"dev.knative.sources.ping", b"ce-specversion": b"1.0"}
scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": list(event.items())}
sent = []

async def receive():
    return {"type": "http.request", "body": b""}

async def send(message):
    sent.append(message)

asyncio.run(app(scope, receive, send))
print(sent[0]["status"], [name for name in ("redis", "httpx", "numpy") if name in sys.modules])
"""
        environment = {
            **os.environ,
            "CLOCK": f"{FRIDAY_EVENING.isoformat()} {datetime.now(UTC).isoformat()} 0",
            "REDIS_URL": f"redis://127.0.0.1:{port}/0",
        }
        done = subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )

        assert done.stdout.splitlines()[-1] == "204 []"

    @pytest.mark.parametrize(
        ("data", "attributes", "words"),
        [
            (b"{", {}, "Invalid JSON"),
            (b"\xff\xfe", {}, "Invalid JSON"),
            (b"null", {}, "data: Input should be"),
            ({"ticker": "KO"}, {}, "ticker: Extra inputs are not permitted"),
            ({"start": "2026-11-20", "end": "2026-11-19"}, {}, "end 2026-11-19 lies before start 2026-11-20"),
            ({"start": "2026-11-20T15:00:00Z", "end": "2026-11-20T15:00:00Z"}, {}, "is not after start"),
            ({"start": "2026-11-20T15:00:00"}, {}, "start"),
            ({"start": "soon"}, {}, "start"),
            ({"start": "2026-11-21"}, {}, "start: 2026-11-21 lies in the future"),
            ({"tickers": ["KO", "ZZZZ", "FB"]}, {}, "tickers: FB, ZZZZ: not tracked"),
            ({"tickers": []}, {}, "tickers: names none"),
            ({"lookback_sessions": 0}, {}, "lookback_sessions"),
            ({"lookback_sessions": 3, "start": "2026-11-19"}, {}, "lookback_sessions: cannot go together"),
            ({}, {"job": "insights"}, "job: 'insights' is unknown"),
            ({"start": "2026-11-19"}, {"job": "companies"}, "profiles have no dates"),
            ({"tickers": ["ZZZZ"]}, {"job": "companies"}, "tickers: ZZZZ: not tracked"),
        ],
    )
    def test_what_can_never_be_done_is_refused_by_an_event(
        self, open_house: Callable[..., House], data: Any, attributes: dict[str, str], words: str
    ) -> None:
        """Never a 4xx, which the broker would take for success: store keeps the reason."""
        house = open_house()
        answer = house.tick(data, id="bad-tick", **attributes)
        refused = TickRefused.model_validate_json(answer.content)

        assert (answer.status_code, answer.headers["ce-type"]) == (200, TickRefused.TYPE)
        assert words in refused.reason
        assert refused.tick_id == answer.headers["ce-id"] == "bad-tick"
        assert house.post(answer.content, dict(answer.headers), store=True).status_code == 204
        assert house.sql("SELECT reason FROM dead_letters") == [refused.reason]

    def test_the_examples_on_disk_are_understood(self, open_house: Callable[..., House]) -> None:
        """The tick of the examples is worked off, and a refusal has the shape of the other example."""
        example = json.loads((ROOT / "tests/examples/dev.knative.sources.ping.json").read_text())
        house = open_house()
        event, refused = fetched(house.tick(example)), house.tick({"start": "2027-01-04"})

        assert [one.ticker for one in event.series] == ["AAPL", "BRK.A"]
        assert (event.series[0].start, event.series[0].end) == (utc("2025-11-03 14:30"), utc("2026-10-30 20:00"))
        assert refused.json()["reason"] == "start: 2027-01-04 lies in the future"

    def test_what_is_no_event_is_told_so(self, open_house: Callable[..., House]) -> None:
        """It cannot have come through the broker: problem+json, 400."""
        answer = open_house().post(b"{}", {"content-type": "application/json"})

        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")

    def test_another_event_is_let_go_with_a_warning(
        self, open_house: Callable[..., House], caplog: pytest.LogCaptureFixture
    ) -> None:
        """Only a wrong Trigger can send it; an error would be retried for minutes."""
        house = open_house()
        with caplog.at_level(logging.WARNING):
            answer = house.tick(type="tech.stocksalot.bars.stored.v1")

        assert answer.status_code == 204

    @pytest.mark.parametrize("ticker", ["ko", "KO"])
    def test_a_tick_may_name_tickers(self, open_house: Callable[..., House], ticker: str) -> None:
        """In any case; only they are asked for."""
        assert [one.ticker for one in fetched(open_house().tick({"tickers": [ticker]})).series] == ["KO"]

    def test_a_structured_event_is_a_tick_too(self, open_house: Callable[..., House]) -> None:
        """The other content mode of CloudEvents over HTTP."""
        event = {"id": "1", "source": "/t", "type": "dev.knative.sources.ping", "specversion": "1.0", "job": "bars"}
        body = json.dumps(event | {"data": {"tickers": ["KO"]}}).encode()
        answer = open_house().post(body, {"content-type": "application/cloudevents+json"})

        assert [one.ticker for one in fetched(answer).series] == ["KO"]

    def test_the_trace_is_handed_on_and_logged(
        self, open_house: Callable[..., House], capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The line of a tick says what was due, asked, spent, kept, dropped, of whom, and belongs to the trace."""
        trace = "0af7651916cd43dd8448eb211c80319c"
        house = open_house()
        house.track("KO")
        capsys.readouterr()
        headers = {"ce-id": "1", "ce-source": "/t", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}
        answer = house.post(b"", headers | {"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]

        assert trace in answer.headers["ce-traceparent"]
        assert {
            "message": "bars: due=1 asked=1 credits=0 bars=420 dropped=0 provider=simulated",
            "trace": trace,
        }.items() <= lines[-1].items()

    def test_without_postgres_the_tick_is_kept_by_the_broker(self, open_house: Callable[..., House], port: int) -> None:
        """5xx makes it try again."""
        house = open_house(database_url=f"postgresql://postgres@127.0.0.1:{port}/none")

        assert house.tick().status_code == 500


class TestReconcile:
    """A tick means: look what is missing."""

    def test_a_lost_tick_heals_itself(self, open_house: Callable[..., House]) -> None:
        """Whichever ticks were lost, the next one brings all that is missing since, and only that plus the overlap."""
        house = open_house()
        house.track("KO")
        house.clock.at = utc("2026-11-18 15:35")
        house.work()
        house.clock.at = utc("2026-11-20 15:35")
        event = house.work()

        assert event is not None
        bars = event.series[0].bars
        assert len(bars) == 10 + 14
        assert (bars[10].start, bars[-1].start) == (utc("2026-11-18 15:30"), utc("2026-11-20 14:30"))
        assert house.work() is None

    def test_a_bar_is_due_a_minute_after_its_end(self, open_house: Callable[..., House]) -> None:
        """Not before."""
        house = open_house()
        house.track("KO")
        house.clock.at = utc("2026-11-20 15:31")
        house.work()
        house.clock.at = utc("2026-11-20 16:30:59")
        early = house.work()
        house.clock.forward(seconds=1)

        assert early is None
        assert house.work() is not None

    def test_holes_inside_are_found_by_looking_back(self, open_house: Callable[..., House]) -> None:
        """A plain tick sees the end alone; with lookback_sessions the hull of what is missing is asked for."""
        house = open_house()
        house.track("KO", "V")
        house.work()
        house.sql("DELETE FROM bars WHERE ticker = 'KO' AND start BETWEEN '2026-11-17' AND '2026-11-19T15:00Z'")
        plain, back = house.work(), house.work({"lookback_sessions": 10})

        assert plain is None
        assert back is not None
        assert [(one.ticker, one.start, one.end) for one in back.series] == [
            ("KO", utc("2026-11-17 14:30"), utc("2026-11-19 15:30"))
        ]
        assert house.work({"lookback_sessions": 10}) is None

    def test_a_hole_that_no_provider_can_fill_is_left_alone(self, open_house: Callable[..., House]) -> None:
        """What is settled is not looked for again."""
        house = open_house()
        house.track("KO")
        house.work()
        house.sql("DELETE FROM bars WHERE start = '2026-11-17T15:30Z'")
        house.sql("UPDATE asked_windows SET settled = '{[2026-11-17T15:30Z, 2026-11-17T16:30Z)}'")

        assert house.work({"lookback_sessions": 10}) is None
        assert house.work({"start": "2026-11-01"}) is None

    def test_a_window_is_filled_and_not_more(self, open_house: Callable[..., House]) -> None:
        """start and end fill [start, end): dates are days in New York, the half day included."""
        house = open_house()
        house.track("KO")
        event = house.work({"start": "2025-11-28", "end": "2025-11-28"})

        assert event is not None
        assert [one.start for one in event.series[0].bars] == exchange().starts(
            "1h", utc("2025-11-28 00:00"), utc("2025-11-29 00:00")
        )
        assert house.sql("SELECT count(*) FROM bars") == [4]
        assert house.work({"start": "2025-11-28", "end": "2025-11-28"}) is None

    def test_a_year_goes_through_many_ticks(self, open_house: Callable[..., House]) -> None:
        """Each brings as much as an event carries and the next goes on, until nothing is missing."""
        house = open_house()
        house.track("KO", "V", "MA", "PG", "BA")
        events = []
        while event := house.work({"start": "2025-11-20"}):
            events.append(event)

        expected = exchange().starts("1h", utc("2025-11-20 00:00"), FRIDAY_EVENING)
        assert [len(event.series) for event in events] == [3, 2]
        assert house.sql("SELECT DISTINCT count(*) FROM bars GROUP BY ticker") == [len(expected)]

    def test_a_long_window_is_cut_and_goes_on(
        self, open_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One ticker with more bars than an answer holds: oldest part first, each bar once in the end."""
        monkeypatch.setattr(due, "TICKER_BARS", 700)
        house = open_house()
        house.track("KO")
        parts = []
        while event := house.work({"start": "2025-11-20"}):
            parts.append((event.series[0].start, len(event.series[0].bars)))

        assert [count for _, count in parts[:-1]] == [700] * (len(parts) - 1)
        assert parts == sorted(parts)
        assert len(parts) == 3

    def test_a_bar_that_the_provider_lacks_is_not_asked_for_for_ever(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """A minute later it is asked for again, after those that were not asked for yet; once settled never again."""
        house = open_real_house(twelvedata_credits_per_minute="1")
        house.track("KO", "V")
        for _ in range(2):
            house.work()
            house.clock.forward(minutes=1)
        house.clock.at, asked = utc("2026-11-23 15:31"), []
        house.sql("UPDATE asked_windows SET asked_at = %s WHERE ticker = 'KO'", house.clock.at)
        for _ in range(3):
            asked += [one.ticker for one in fetched(house.tick()).series]
            house.sql("UPDATE asked_windows SET asked_at = %s WHERE ticker = %s", house.clock.at, asked[-1])
            house.clock.forward(minutes=1)
        house.sql("UPDATE asked_windows SET settled = settled + '{[2026-11-23T14:00Z, 2026-11-23T15:00Z)}'")

        assert asked == ["V", "KO", "V"]
        assert house.work() is None

    def test_an_unknown_symbol_is_not_asked_for_for_ever(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """Its empty answer settles the window like any other."""
        house = open_real_house()
        house.sql("INSERT INTO tickers VALUES ('NOPE', 'Nobody', true)")
        house.track("NOPE")
        house.clock.at = utc("2026-11-21 12:00")
        first = house.work()
        house.clock.forward(minutes=5)

        assert first is not None
        assert first.series[0].bars == ()
        assert house.work() is None
        assert len(upstream.requests()) == 1

    def test_real_bars_take_the_place_of_invented_ones_and_never_the_other_way(
        self, open_house: Callable[..., House], open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """With a key the whole invented history is asked for; without one again, real bars are not continued."""
        invented = open_house()
        invented.track("KO")
        invented.work()
        real = open_real_house()
        event = real.work()

        assert event is not None
        assert (event.source, len(event.series[0].bars)) == ("twelvedata", 420)
        assert real.sql("SELECT DISTINCT source FROM bars") == ["twelvedata"]
        assert real.work() is None
        real.clock.at = utc("2026-11-23 15:31")
        invented_again = open_house(twelvedata_api_keys="")
        assert invented_again.work() is None
        assert invented_again.work({"lookback_sessions": 3}) is None

    def test_invented_bars_are_holes_to_a_real_provider(
        self, open_house: Callable[..., House], open_real_house: Callable[..., House]
    ) -> None:
        """A window that is named is asked for until it is real, and then no more."""
        invented = open_house()
        invented.track("KO")
        invented.work()
        real, window = open_real_house(), {"start": "2026-11-16", "end": "2026-11-18"}
        event = real.work(window)

        assert event is not None
        assert (event.source, len(event.series[0].bars)) == ("twelvedata", 21)
        assert real.work(window) is None

    def test_what_is_unfinished_or_out_of_place_is_dropped_and_counted(
        self, open_real_house: Callable[..., House], upstream: Vendors, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """The bar in progress is never stored, nor a weekend's; wrong prices are store's to refuse."""
        house = open_real_house()
        house.track("KO")
        house.clock.at = utc("2026-11-20 15:45")
        upstream.misbehave("weekend_bar")
        event = house.work({"start": "2026-11-19"})

        assert event is not None
        assert event.series[0].bars[-1].start == utc("2026-11-20 14:30")
        assert "bars=8 dropped=1 provider=twelvedata" in capsys.readouterr().out

    def test_a_correction_of_a_late_bar_comes_in(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """The overlap reads the newest ten bars again: one that was wrong is revised, the old one kept."""
        house = open_real_house()
        house.track("KO")
        upstream.misbehave("changed_bar")
        house.work()
        wrong = house.sql("SELECT close FROM bars WHERE start = '2026-11-20T20:30Z'")
        house.clock.at = utc("2026-11-23 15:31")
        house.work()

        assert house.sql("SELECT revision FROM bars WHERE start = '2026-11-20T20:30Z'") == [1]
        assert house.sql("SELECT close FROM bar_revisions") == wrong


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
        """With a minute in two seconds and ticks at any moment, no request goes beyond what the vendor counts."""
        house = open_real_house(twelvedata_api_keys=f"{KEY},{OTHER_KEY}")
        house.track(*house.sql("SELECT ticker FROM tickers ORDER BY ticker LIMIT 40"))
        began = datetime.now(UTC)
        monkeypatch.setattr("shared.clock.now", lambda: FRIDAY_EVENING + (datetime.now(UTC) - began) * 30)

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


class TestCompanies:
    """Profiles."""

    def test_without_a_key_the_catalogue_stays(self, open_house: Callable[..., House]) -> None:
        """204, nothing is asked."""
        assert open_house().tick(job="companies").status_code == 204

    def test_profiles_are_fetched_when_they_are_old_or_only_from_the_catalogue(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """All 50 fit into a minute; a week later they are due again."""
        house = open_real_house(finnhub_api_key=KEY)
        answer = house.tick(job="companies")
        event = CompaniesFetched.model_validate_json(answer.content)
        stored = house.post(answer.content, dict(answer.headers), store=True)
        again = house.tick(job="companies")
        house.clock.forward(days=7, minutes=1)
        week_later = house.tick({"tickers": ["KO"]}, job="companies")

        assert (event.source, len(event.companies), stored.status_code) == ("finnhub", 50, 204)
        assert (again.status_code, week_later.status_code) == (204, 200)
        assert {one["key_in"] for one in upstream.requests()} == {"header"}

    def test_a_failing_vendor_makes_the_broker_try_again(
        self, open_real_house: Callable[..., House], upstream: Vendors
    ) -> None:
        """503 as with bars."""
        upstream.misbehave("bad_gateway", vendor="finnhub", times=10)

        assert open_real_house(finnhub_api_key=KEY).tick(job="companies").status_code == 503


class TestServed:
    """The function as it is deployed: one process, by the one command."""

    def test_a_process_of_its_own_answers_ticks(
        self, database_url: str, redis_url: str, upstream: Vendors, port: int
    ) -> None:
        """`python -m shared.serve` serves it; its log is JSON lines without keys, and it ends on SIGTERM."""
        environment = {
            **os.environ,
            "FUNCTION_TARGET": "ingest",
            "FUNCTION_SOURCE": "functions/ingest/main.py",
            "PORT": str(port),
            "HOST": "127.0.0.1",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TWELVEDATA_API_KEYS": KEY,
            "TWELVEDATA_BASE_URL": upstream.url,
            "FINNHUB_API_KEY": OTHER_KEY,
            "CLOCK": f"{FRIDAY_EVENING.isoformat()} {datetime.now(UTC).isoformat()} 0",
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.serve"], env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        headers = {"ce-id": "1", "ce-source": "/t", "ce-type": "dev.knative.sources.ping", "ce-specversion": "1.0"}

        def answer() -> httpx.Response | None:
            assert process.poll() is None
            try:
                return httpx.post(f"http://127.0.0.1:{port}/", headers=headers, timeout=30)
            except httpx.ConnectError:
                return None

        answered = wait_until(answer)
        process.terminate()
        log, _ = process.communicate(timeout=10)

        assert answered is not None
        assert answered.status_code == 200, log
        assert len(fetched(answered).series) == 8, log
        assert "credits=8" in log
        assert all(json.loads(line)["level"] for line in log.splitlines())
        assert KEY not in log
        assert OTHER_KEY not in log


def test_settings_are_checked_at_start(database_url: str, redis_url: str) -> None:
    """A function that cannot work ends at once and names the variable, not its value."""
    environment = {
        "PATH": os.environ["PATH"],
        "K_SERVICE": "ingest",
        "DATABASE_URL": database_url,
        "REDIS_URL": "s3cret",
        "FINNHUB_API_KEY": "s3cret",
    }
    done = subprocess.run(
        [sys.executable, "-m", "shared.serve"], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode != 0
    assert "REDIS_URL" in done.stderr
    assert "s3cret" not in done.stderr
