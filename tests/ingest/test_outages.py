"""A provider that does not respond pauses longer each time: an outage takes few requests, and nothing is lost by it."""

from collections.abc import Callable

import pytest

from tests.fake_vendors import KEY, Vendors, utc
from tests.ingest.ingest_harness import IngestHarness

OpenHarness = Callable[..., IngestHarness]
PATHS = {"twelvedata": "/time_series", "alpaca": "/v2/", "yahoo": "/v8/", "finnhub": "/api/"}


def count(upstream: Vendors, provider: str) -> int:
    """Return the number of requests that a provider had."""
    return sum(one["path"].startswith(PATHS[provider]) for one in upstream.requests())


@pytest.mark.parametrize(
    ("provider", "kind", "requests"),
    [
        ("twelvedata", "error_500", 8),
        ("twelvedata", "timeout", 8),
        ("alpaca", "reset", 8),
        ("yahoo", "bad_gateway", 9),
    ],
)
def test_an_outage_of_two_hours_takes_few_requests(
    open_real_harness: OpenHarness, upstream: Vendors, provider: str, kind: str, requests: int
) -> None:
    """After 1, 2, 5, 15 and 30 minutes one request; half an hour after the end at most all bars are there."""
    harness = open_real_harness(
        providers=provider, history_sessions="1", provider_timeout_seconds="0.4" if kind == "timeout" else "5"
    )
    harness.track("AAPL", "KO", "V")
    harness.clock.at = utc("2026-11-20 21:30")
    upstream.misbehave(kind, vendor=provider, times=999, seconds=1.2)
    for minutes in [1] * 10 + [5] * 22:
        assert harness.tick().status_code in (204, 503)
        harness.clock.forward(minutes=minutes)
    spent = count(upstream, provider)
    upstream.forget()
    waited = 0
    while not harness.work():
        harness.clock.forward(minutes=5)
        waited += 5

    assert spent == requests
    assert waited <= 30
    assert harness.sql("SELECT ticker, count(*) FROM bars GROUP BY ticker ORDER BY ticker") == [
        ("AAPL", 7),
        ("KO", 7),
        ("V", 7),
    ]
    assert count(upstream, provider) <= 3, "the first tick after the pause fetched all"


def test_a_response_starts_the_pauses_anew(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """After two failures and a response the next failure pauses for a minute again."""
    harness = open_real_harness(history_sessions="1")
    harness.track("KO")
    upstream.misbehave("error_500", times=2)
    codes = []
    for _ in range(4):
        codes.append(harness.tick().status_code)
        harness.clock.forward(minutes=1)
    upstream.misbehave("error_500")
    for _ in range(2):
        codes.append(harness.tick().status_code)
        harness.clock.forward(minutes=1)

    assert codes == [503, 503, 204, 200, 503, 200]


def test_the_next_provider_serves_during_the_pause(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """In the tick of the failure, and in those of the pause, in which the first provider has no request."""
    harness = open_real_harness(providers="twelvedata,alpaca", history_sessions="1")
    harness.clock.at = utc("2026-11-20 15:50")
    harness.track("KO")
    upstream.misbehave("error_500", times=9)
    sources = []
    for _ in range(3):
        event = harness.work()
        sources.append(event and event.source)
        harness.sql("DELETE FROM bars")
        harness.sql("DELETE FROM asked_windows")

    assert sources == ["alpaca-sip"] * 3
    assert count(upstream, "twelvedata") == 1


def test_copies_share_a_pause(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """Copies that fail at the same time count as one failure, and none of them asks before the minute is over."""
    harness = open_real_harness(history_sessions="1", database_connections="8")
    harness.track("KO")
    upstream.misbehave("error_500", times=99)
    harness.together(5)
    harness.together(5)
    first = count(upstream, "twelvedata")
    harness.clock.forward(minutes=1)
    harness.tick()

    assert first <= 5
    assert count(upstream, "twelvedata") == first + 1, "the pause was that of one failure"


def test_profiles_take_one_request_a_pause(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """Finnhub does not respond: of fifty profiles one is requested, and after the pause all come."""
    harness = open_real_harness(finnhub_api_key=KEY)
    upstream.misbehave("reset", vendor="finnhub", times=99)
    codes = [harness.tick(job="companies").status_code for _ in range(3)]
    spent = count(upstream, "finnhub")
    upstream.forget()
    harness.clock.forward(minutes=1)

    assert (codes, spent) == ([503] * 3, 1)
    assert harness.tick(job="companies").status_code == 200
    assert count(upstream, "finnhub") == 50


def test_one_symbol_that_the_server_stumbles_over_is_no_outage(
    open_real_harness: OpenHarness, upstream: Vendors
) -> None:
    """The others are served in the same tick and the next one."""
    harness = open_real_harness(providers="yahoo", history_sessions="1")
    harness.track("AAPL", "KO", "V")
    upstream.misbehave("error_500", vendor="yahoo", symbols=["KO"], times=99)
    harness.work()

    assert set(harness.sql("SELECT DISTINCT ticker FROM bars")) == {"AAPL", "V"}
    assert count(upstream, "yahoo") == 3
