"""/disagreements lists the figures in which two sources differ; /coverage and /status count the bars."""

from collections.abc import Iterator

import pytest

from functions.api.quality_models import DisagreementsResponse
from tests.reading import Api, Bar, at, change, put, serving

DIFFERENT = """
    INSERT INTO disagreements (ticker, interval, start, field, source, other_source, value, other_value,
                               tolerance_percent, found_at, compared_at, resolved_at)
    VALUES ('AAPL', '1h', '2026-11-20T20:30Z', 'close', 'twelvedata', 'alpaca-sip', 100.5, 102.51, 0.5,
            '2026-11-21T01:30Z', '2026-11-21T01:30Z', NULL),
           ('AAPL', '1h', '2026-11-20T20:30Z', 'volume', 'twelvedata', 'alpaca-sip', 0, 5, 30,
            '2026-11-21T01:30Z', '2026-11-21T01:30Z', NULL),
           ('MSFT', '1h', '2026-11-19T20:30Z', 'high', 'twelvedata', 'alpaca-sip', 100, 98, 0.5,
            '2026-11-20T01:30Z', '2026-11-21T01:30Z', '2026-11-21T01:30Z');
    INSERT INTO comparisons (ticker, interval, other_source, compared, compared_at)
    VALUES ('AAPL', '1h', 'alpaca-sip', '{[2026-11-20T14:30Z, 2026-11-20T21:00Z)}', '2026-11-21T01:30Z');
"""


@pytest.fixture
def served(database_url: str, redis_url: str) -> Iterator[Api]:
    """The api over two bars of a day in which two sources differ, and an older difference that is resolved."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30")), Bar("MSFT", at("2026-11-20 20:30"))])
    change(database_url, DIFFERENT)
    with serving(database_url, redis_url) as api:
        yield api


def test_open_disagreements_are_listed_newest_first(served: Api) -> None:
    """Both figures, both sources, the difference and the tolerance; those that were resolved on request."""
    answer = served.json("/disagreements")

    DisagreementsResponse.model_validate(answer)
    first, second = answer["items"]
    assert (first["field"], str(first["value"]), str(first["other_value"])) == ("close", "100.5", "102.51")
    assert (str(first["difference_percent"]), first["source"], first["other_source"]) == (
        "2.0000",
        "twelvedata",
        "alpaca-sip",
    )
    assert (second["field"], second["difference_percent"]) == ("volume", None)
    assert answer["compared_at"] == "2026-11-21T01:30:00Z"
    assert [one["ticker"] for one in served.items("/disagreements?state=all")] == ["AAPL", "AAPL", "MSFT"]


@pytest.mark.parametrize(
    ("query", "count"),
    [("tickers=MSFT", 0), ("tickers=MSFT&state=all", 1), ("end=2026-11-20", 0), ("limit=1", 1), ("tickers=AAPL", 2)],
)
def test_the_list_can_be_narrowed(served: Api, query: str, count: int) -> None:
    """By ticker, window, state and number."""
    assert served.json(f"/disagreements?{query}")["count"] == count


def test_unknown_tickers_are_not_found(served: Api) -> None:
    """404 as everywhere."""
    assert served.get("/disagreements?tickers=NOPE", 404).json()["type"].endswith("unknown-ticker")


def test_coverage_and_status_count_the_bars(served: Api) -> None:
    """A bar that differs in two figures counts once, a resolved one not."""
    coverage, status = served.json("/coverage?start=2026-11-19&detail=totals"), served.json("/status")

    assert (coverage["disagreements"], status["disagreements"]) == (1, 1)
    assert status["compared_at"] == "2026-11-21T01:30:00Z"
    assert served.json("/coverage?start=2026-11-20&tickers=MSFT")["disagreements"] == 0
    assert served.json("/coverage?start=2026-11-19&end=2026-11-20")["disagreements"] == 0
