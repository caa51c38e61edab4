"""The compare tick requests bars from a second provider; store lists what differs, and resolves what agrees again."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from shared.events.types import ComparisonFetched
from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, vendors
from tests.ingest.ingest_harness import IngestHarness

OpenHarness = Callable[..., IngestHarness]


def compare(harness: IngestHarness, data: object = b"") -> ComparisonFetched | None:
    """Tick, hand the reply to store, and return it."""
    answer = harness.tick(data, job="compare")
    if answer.status_code == 204:
        return None
    assert answer.status_code == 200, answer.text
    stored = deliver(harness, answer)
    assert stored.status_code == 204, stored.text
    return ComparisonFetched.from_json(answer.content)


def deliver(harness: IngestHarness, event: httpx.Response) -> httpx.Response:
    """Return the response of store to an event."""
    return harness.post(event.content, dict(event.headers), store=True)


@pytest.fixture
def differing(hands: Hands) -> Iterator[Vendors]:
    """Vendors of which Alpaca prices KO two percent higher."""
    with vendors(keys=[KEY, OTHER_KEY], differing=["KO"]) as both:
        yield both


@pytest.fixture
def harness(open_harness: OpenHarness, differing: Vendors) -> IngestHarness:
    """Ingest and store after a session of AAPL, KO and V from Twelve Data."""
    harness = open_harness(
        providers="twelvedata,alpaca",
        twelvedata_api_keys=KEY,
        twelvedata_base_url=differing.url,
        alpaca_key_id=KEY,
        alpaca_secret_key=OTHER_KEY,
        alpaca_base_url=differing.url,
        history_sessions="1",
    )
    harness.track("AAPL", "KO", "V")
    harness.work()
    harness.clock.forward(hours=4)
    return harness


def test_a_planted_difference_is_found(harness: IngestHarness, differing: Vendors) -> None:
    """All four prices of each of KO's bars, by two percent; nothing of the others, whose bars agree."""
    event = compare(harness)

    assert event is not None
    assert (event.source, len(event.series)) == ("alpaca-sip", 3)
    rows = harness.sql(
        "SELECT ticker, field, source, other_source, count(*), round(avg(difference_percent), 1) FROM disagreements "
        "WHERE resolved_at IS NULL GROUP BY 1, 2, 3, 4 ORDER BY field"
    )
    assert [(*row[:5], str(row[5])) for row in rows] == [
        ("KO", field, "twelvedata", "alpaca-sip", 7, "2.0") for field in ("close", "high", "low", "open")
    ]
    assert len([one for one in differing.requests() if one["path"] == "/v2/stocks/bars"]) == 1


def test_the_same_comparison_again_changes_nothing(harness: IngestHarness) -> None:
    """By the primary keys; the night's next tick has nothing left to request, an explicit window asks again."""
    answer = harness.tick(job="compare")
    deliver(harness, answer)
    before = harness.sql("SELECT * FROM disagreements ORDER BY 1, 3, 4"), harness.sql("SELECT epoch FROM market_epoch")
    deliver(harness, answer)

    after = harness.sql("SELECT * FROM disagreements ORDER BY 1, 3, 4"), harness.sql("SELECT epoch FROM market_epoch")
    assert before == after
    assert compare(harness) is None
    assert compare(harness, {"start": "2026-11-20", "tickers": ["KO"]}) is not None


def test_what_agrees_later_is_resolved_and_stays_on_record(harness: IngestHarness) -> None:
    """One stored bar is corrected, and a later comparison finds both within the tolerance."""
    compare(harness)
    harness.sql(
        """
        UPDATE bars
           SET (open, high, low, close) = (SELECT max(other_value) FILTER (WHERE field = 'open'),
                                                  max(other_value) FILTER (WHERE field = 'high'),
                                                  max(other_value) FILTER (WHERE field = 'low'),
                                                  max(other_value) FILTER (WHERE field = 'close')
                                             FROM disagreements
                                            WHERE disagreements.start = bars.start)
         WHERE ticker = 'KO' AND start = '2026-11-20T14:30Z'
        """
    )
    harness.clock.forward(minutes=1)
    compare(harness, {"start": "2026-11-20"})

    rows = harness.sql(
        "SELECT start::text, resolved_at IS NOT NULL, count(*) FROM disagreements GROUP BY 1, 2 ORDER BY 1"
    )
    assert [(resolved, count) for _, resolved, count in rows] == [(True, 4), *[(False, 4)] * 6]


def test_with_one_provider_there_is_nothing_to_compare(open_real_harness: OpenHarness, upstream: Vendors) -> None:
    """204, and no request."""
    harness = open_real_harness(providers="twelvedata", history_sessions="1")
    harness.track("KO")
    harness.work()
    before = len(upstream.requests())

    assert compare(harness) is None
    assert len(upstream.requests()) == before


def test_volumes_of_one_exchange_are_not_compared(open_harness: OpenHarness, differing: Vendors) -> None:
    """IEX has some 3.5 % of all: only its prices are compared."""
    harness = open_harness(
        providers="twelvedata,alpaca",
        twelvedata_api_keys=KEY,
        twelvedata_base_url=differing.url,
        alpaca_key_id=KEY,
        alpaca_secret_key=OTHER_KEY,
        alpaca_base_url=differing.url,
        alpaca_feed="iex",
        history_sessions="1",
    )
    harness.track("V")
    harness.work()
    compare(harness)

    assert harness.sql("SELECT count(*) FROM disagreements") == [0]
    assert harness.sql("SELECT other_source FROM comparisons") == ["alpaca-iex"]
