"""/rejections, and the reasons of missing bars in /coverage."""

import re

import pytest

from functions.api.quality_models import CoverageResponse, RejectionsResponse
from functions.api.rejection_reasons import REASONS
from tests.accounts import bearer, serving_tokens
from tests.reading import ROOT, Bar, at, change, put, serving

ROWS = """
    INSERT INTO rejected_bars (ticker, interval, start, reason, detail, bar, source, event_id, received_at)
    SELECT 'AAPL', '1h', timestamptz '2026-11-20 15:30Z' + number * interval '1 second', 'spike', 'The high is 900.',
           '{"open": "1", "high": "900", "low": "1", "close": "1", "volume": null}', 'twelvedata', '7',
           '2026-11-20 21:00Z'
      FROM generate_series(0, 4) AS number;
    INSERT INTO rejected_bars (ticker, interval, start, reason, detail, bar, source, event_id, received_at)
    VALUES ('MSFT', '1h', NULL, 'time-unreadable', 'The bar has no readable time.', '{"text": "MSFT,noon,1"}',
            'replay', '8', '2026-11-20 21:00Z')
"""


def test_a_rejected_bar_is_read_with_a_token_only(database_url: str, redis_url: str) -> None:
    """Reason, text as sent, source and advice, in pages; without a token nothing, even after a reader with one."""
    put(database_url, [Bar("AAPL", at("2026-11-20 14:30"), source="twelvedata")])
    change(database_url, ROWS)

    with serving_tokens(database_url, redis_url) as tokens, serving(database_url, redis_url) as api:
        headers = bearer(tokens.person("reader").make()["token"])
        first = api.get("/rejections?ticker=AAPL&limit=3", 200, **headers)
        refused = api.get("/rejections?ticker=AAPL&limit=3", 401)
        page = RejectionsResponse.model_validate(first.json())
        rest = api.get(f"/rejections?ticker=AAPL&limit=3&cursor={page.next_cursor}", 200, **headers).json()
        unreadable = api.get("/rejections?limit=1", 200, **headers).json()["items"][0]
        unknown = api.get("/rejections?ticker=NOSUCH", 404, **headers)

    assert (page.items[0].text, page.items[0].sent.high) == (REASONS["spike"].text, "900")
    assert page.items[0].advice
    assert [page.count, rest["count"], rest["next_cursor"]] == [3, 2, None]
    assert not {item.id for item in page.items} & {item["id"] for item in rest["items"]}
    assert (unreadable["datetime"], unreadable["sent"]["text"]) == (None, "MSFT,noon,1")
    assert (refused.json()["type"][-12:], first.headers["cache-control"][:7]) == ("token-needed", "private")
    assert unknown.json()["title"] == "Unknown ticker"


def test_a_missing_bar_says_why_it_was_not_stored(database_url: str, redis_url: str) -> None:
    """The reason is beside the bar, and in words for all of the response."""
    put(database_url, [Bar("AAPL", at("2026-11-20 14:30"), source="twelvedata")])
    change(database_url, ROWS)

    with serving(database_url, redis_url) as api:
        coverage = CoverageResponse.model_validate(api.json("/coverage?tickers=AAPL&start=2026-11-20"))

    reasons = {f"{one.datetime:%H:%M}": one.reason for one in coverage.items[0].missing}
    assert (reasons["15:30"], reasons["16:30"]) == ("spike", None)
    assert coverage.reasons == {"spike": REASONS["spike"].text}


@pytest.mark.parametrize("place", ["functions/store", "functions/ingest"])
def test_every_reason_has_words_and_a_line_in_the_documents(place: str) -> None:
    """A code that store or ingest gives is in the table of docs/data.md and has advice."""
    source = "".join(file.read_text() for file in (ROOT / place).rglob("*.py"))
    given = r'(?:\b(?:Rejection|WrongLabels|Fault)\(\s*|\brefuse\([^"]*|^REASON = )"([a-z-]+)"'
    codes = set(re.findall(given, source, re.MULTILINE))
    documented = set(re.findall(r"`([a-z]+(?:-[a-z]+)*)`", (ROOT / "docs/data.md").read_text()))

    assert codes <= REASONS.keys()
    assert codes <= documented
