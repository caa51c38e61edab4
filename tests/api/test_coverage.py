"""/coverage and /status: what should be stored and is not, and the state of market and data."""

import json

import pytest
import redis

from functions.api.release import RELEASE
from tests.reading import Bar, at, change, hours, put, redis_key, serving, sessions

COUNTS = ("expected", "present", "none_at_provider", "not_fetched", "rejected")


def test_each_missing_bar_is_listed_with_the_reason(database_url: str, redis_url: str) -> None:
    """Reasons of a missing bar: not at the provider, rejected, or not fetched yet."""
    today = hours(sessions(database_url, "2026-11-20", "2026-11-21"))
    put(database_url, [Bar("AAPL", start) for start in today if start.hour not in (15, 16, 18)])
    change(
        database_url,
        """
        INSERT INTO asked_windows (ticker, interval, settled, asked_at)
        VALUES ('AAPL', '1h', '{[2026-11-20T15:00Z, 2026-11-20T17:00Z)}', '2026-11-20T21:05Z');
        INSERT INTO rejected_bars (ticker, interval, start, reason, bar, source, event_id, received_at)
        VALUES ('AAPL', '1h', '2026-11-20T16:30Z', 'spike', '{}', 'replay', '1', '2026-11-20T21:05Z');
        """,
    )

    with serving(database_url, redis_url) as api:
        answer = api.json("/coverage?start=2026-11-20&end=2026-11-21&tickers=AAPL")

    totals = {"expected": 7, "present": 4, "none_at_provider": 1, "not_fetched": 1, "rejected": 1}
    assert answer["totals"] == totals
    assert answer["tickers"] == [{"ticker": "AAPL", **totals}]
    assert (answer["count"], answer["sessions"], answer["as_of"]) == (1, 1, "2026-11-20T21:00:00Z")
    assert answer["items"] == [
        {
            "date": "2026-11-20",
            "datetime": "2026-11-20T14:30:00Z",
            "end": "2026-11-20T21:00:00Z",
            "half_day": False,
            **totals,
            "missing": [
                {"ticker": "AAPL", "datetime": "2026-11-20T15:30:00Z", "why": "none_at_provider", "reason": None},
                {"ticker": "AAPL", "datetime": "2026-11-20T16:30:00Z", "why": "rejected", "reason": "spike"},
                {"ticker": "AAPL", "datetime": "2026-11-20T18:30:00Z", "why": "not_fetched", "reason": None},
            ],
        }
    ]


@pytest.mark.parametrize(("ended_on", "expected"), [("NULL", 14), ("'2026-11-19'", 7), ("'2026-11-18'", 0)])
def test_no_bar_is_expected_after_the_last_day_of_a_removed_ticker(
    database_url: str, redis_url: str, ended_on: str, expected: int
) -> None:
    """Two sessions stay listed, and another ticker is expected in both."""
    change(database_url, f"UPDATE tickers SET active = {ended_on} IS NULL, ended_on = {ended_on} WHERE ticker = 'KO'")

    with serving(database_url, redis_url) as api:
        answer = api.json("/coverage?start=2026-11-19&end=2026-11-21&tickers=AAPL,KO")

    assert {one["ticker"]: one["expected"] for one in answer["tickers"]} == {"AAPL": 14} | (
        {"KO": expected} if expected else {}
    )
    assert answer["sessions"] == 2


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-27T14:29:00+00:00", None),
        ("2026-11-27T15:30:59+00:00", 0),
        ("2026-11-27T15:31:00+00:00", 1),
        ("2026-11-27T18:00:59+00:00", 3),
        ("2026-11-27T18:01:00+00:00", 4),
        ("2026-11-28T09:00:00+00:00", 4),
    ],
)
def test_only_finished_bars_are_expected(database_url: str, redis_url: str, now: str, expected: int | None) -> None:
    """A bar is expected once it has ended and a minute has passed; a half day calls for four, the last a short one."""
    with serving(database_url, redis_url, now) as api:
        items = api.items("/coverage?tickers=AAPL")

    found = {item["date"]: item["expected"] for item in items}
    assert found.get("2026-11-27") == expected
    assert len(items) == 5, "the last five sessions that have opened"
    assert {item["half_day"] for item in items if item["date"] == "2026-11-27"} <= {True}


def test_totals_alone_may_cover_much_more(database_url: str, redis_url: str) -> None:
    """Lists of missing bars are bounded, totals are to 400 sessions; each count adds up."""
    put(database_url, [Bar("AAPL", start) for start in hours(sessions(database_url, "2026-06-01", "2026-11-20"))])

    with serving(database_url, redis_url) as api:
        answer = api.json("/coverage?start=2025-05-01&detail=totals")
        too_long = api.get("/coverage?start=2025-04-01&detail=totals", 400).json()
        too_wide = api.get("/coverage?start=2026-01-01", 400).json()

    assert (answer["count"], answer["items"], len(answer["tickers"])) == (0, [], 50)
    assert answer["totals"]["expected"] == sum(ticker["expected"] for ticker in answer["tickers"])
    assert answer["totals"]["expected"] == sum(answer["totals"][name] for name in COUNTS[1:])
    assert answer["totals"]["present"] == answer["tickers"][0]["present"] == 7 * 121
    assert [problem["errors"][0]["parameter"] for problem in (too_long, too_wide)] == ["start", "detail"]


def test_status_of_an_open_market(database_url: str, redis_url: str) -> None:
    """While the market trades: until when, which bar is the newest, how old, who lacks it, and when the next is due."""
    put(database_url, [Bar("AAPL", at("2026-11-20 16:30")), Bar("MSFT", at("2026-11-20 15:30"))])
    change(
        database_url,
        """
        INSERT INTO asked_windows (ticker, interval, settled, asked_at)
        VALUES ('XOM', '1h', '{[2026-11-20T16:00Z, 2026-11-20T17:00Z)}', '2026-11-20T17:35Z');
        INSERT INTO rejected_bars (ticker, interval, start, reason, bar, source, event_id, received_at)
        SELECT 'AAPL', '1h', '2026-11-20T16:30Z', reason, '{}', 'replay', '1', received_at
          FROM (VALUES ('recent', '2026-11-20T16:00Z'::timestamptz), ('old', '2026-11-19T16:00Z'))
               AS told (reason, received_at);
        INSERT INTO dead_letters (source, event_id, type, attributes, data, reason, first_at, last_at)
        VALUES ('/x', '1', 'y', '{}', '', 'z', now(), now());
        UPDATE tickers SET active = false WHERE ticker NOT IN ('AAPL', 'MSFT', 'XOM', 'V');
        """,
    )

    with serving(database_url, redis_url, "2026-11-20T18:00:00+00:00") as api:
        status = api.json("/status")

    epoch, clocks, version = (status.pop(name) for name in ("epoch", "clock", "version"))
    assert epoch > 1
    assert (clocks["wrong"], version) == (False, RELEASE)
    assert status["market"].pop("calendar_until") >= "2027-12-31"
    assert status["market"].pop("calendar_warning") is None
    assert status == {
        "as_of": "2026-11-20T17:30:00Z",
        "answered_at": "2026-11-20T18:00:00Z",
        "source": "simulated",
        "sources": ["simulated"],
        "stale": False,
        "exchange_tz": "America/New_York",
        "simulated": True,
        "market": {
            "state": "open",
            "session": {
                "date": "2026-11-20",
                "opens": "2026-11-20T14:30:00Z",
                "closes": "2026-11-20T21:00:00Z",
                "half_day": False,
            },
            "next_open": "2026-11-23T14:30:00Z",
            "next_session": {
                "date": "2026-11-23",
                "opens": "2026-11-23T14:30:00Z",
                "closes": "2026-11-23T21:00:00Z",
                "half_day": False,
            },
        },
        "newest_bar": {"datetime": "2026-11-20T16:30:00Z", "end": "2026-11-20T17:30:00Z", "tickers": 1},
        "data_age_seconds": 1800,
        "newest_finished_bar": "2026-11-20T16:30:00Z",
        "next_bar_due": "2026-11-20T18:31:00Z",
        "tickers": 4,
        "behind": 2,
        "rejected_last_day": 1,
        "disagreements": 0,
        "compared_at": None,
        "dead_letters": 1,
        "left_out": [],
        "providers": [],
        "model": None,
    }


def test_status_of_a_closed_market(database_url: str, redis_url: str) -> None:
    """On Thanksgiving: closed, the last session was Wednesday's, the next is a half day."""
    put(database_url, [Bar("AAPL", at("2026-11-25 20:30"), source="twelvedata")])

    with serving(database_url, redis_url, "2026-11-26T18:00:00+00:00") as api:
        status = api.json("/status")

    assert (status["market"]["state"], status["simulated"]) == ("closed", False)
    assert status["market"]["session"]["date"] == "2026-11-25"
    assert status["market"]["next_session"] == {
        "date": "2026-11-27",
        "opens": "2026-11-27T14:30:00Z",
        "closes": "2026-11-27T18:00:00Z",
        "half_day": True,
    }


def test_status_of_an_empty_system(database_url: str, redis_url: str) -> None:
    """Before the first bar everything is behind, and nothing is known of it."""
    with serving(database_url, redis_url) as api:
        status = api.json("/status")

    assert (status["tickers"], status["behind"]) == (50, 50)
    assert [status[name] for name in ("as_of", "source", "newest_bar", "data_age_seconds")] == [None] * 4
    assert status["simulated"] is False


def test_status_has_the_usage_and_pauses_of_providers(database_url: str, redis_url: str) -> None:
    """The counters that ingest keeps in Redis are summed over the keys, this minute's and this day's alone."""
    with redis.Redis.from_url(redis_url) as counters:
        for name, used in {
            "credits:twelvedata:aaa:minute:2026-11-20T22:00": 8,
            "credits:twelvedata:aaa:minute:2026-11-20T21:59": 7,
            "credits:twelvedata:aaa:day:2026-11-20": 100,
            "credits:twelvedata:bbb:day:2026-11-20": 50,
            "credits:twelvedata:bbb:suspended": "1795203000.5 1795206600.5",
            "credits:finnhub:ccc:minute:2026-11-20T22:00": 3,
        }.items():
            counters.set(name, used)
        counters.hset("credits:twelvedata:limits", mapping={"minute": 8, "day": 800})
        counters.hset("credits:finnhub:limits", mapping={"minute": 60, "day": ""})
        pause = {"since": at("2026-11-20 21:50").timestamp(), "until": at("2026-11-20 22:05").timestamp()}
        counters.hset("credits:finnhub:ccc:outage", mapping={**pause, "reason": "HTTP 503"})
        counters.hset("credits:twelvedata:aaa:outage", mapping={"since": 1.0, "until": 2.5, "reason": "over"})
        listed = {"twelvedata": ["aaa", "bbb"], "finnhub": ["ccc"]}
        counters.set(redis_key(database_url, "credit-keys"), json.dumps(listed))
        counters.set("credits:twelvedata:zzz:day:2026-11-20", 7)  # of another installation

    with serving(database_url, redis_url) as api:
        providers = api.json("/status")["providers"]

    assert providers == [
        {
            "provider": "finnhub",
            "keys": 1,
            "minute": {"used": 3, "limit": 60},
            "day": {"used": 0, "limit": None},
            "pause": {"since": "2026-11-20T21:50:00Z", "until": "2026-11-20T22:05:00Z", "reason": "HTTP 503"},
        },
        {
            "provider": "twelvedata",
            "keys": 2,
            "minute": {"used": 8, "limit": 16},
            "day": {"used": 150, "limit": 1600},
            "pause": None,
        },
    ]


def test_the_clock_alone_changes_a_kept_coverage(database_url: str, redis_url: str) -> None:
    """A response in Redis expires when a further bar counts as finished, although no data changed."""
    with serving(database_url, redis_url, "2026-11-20T15:30:30+00:00") as api:
        before = api.json("/coverage?tickers=AAPL")["totals"]["expected"]
    with serving(database_url, redis_url, "2026-11-20T15:31:00+00:00") as api:
        after = api.json("/coverage?tickers=AAPL")["totals"]["expected"]

    assert (before, after) == (28, 29)


def test_status_counts_what_the_model_proposed(database_url: str, redis_url: str) -> None:
    """Accepted, repaired, refused by reason and left to the rules, of seven days; the last request with advice."""
    change(
        database_url,
        """
        INSERT INTO insight_model_runs (start, asked_at, model, outcome, advice, proposed, accepted, repaired,
                                        fallen_back, reasons, verdicts, seconds)
        SELECT asked_at, asked_at, 'm', 'answered', '', proposed, accepted, repaired, proposed - accepted - repaired,
               reasons, '[]'::jsonb, 1
          FROM (VALUES ('2026-11-10T16:31Z'::timestamptz, 9, 9, 0, '{}'::jsonb),
                       ('2026-11-20T16:31Z', 5, 2, 1, '{"size": 2, "form": 1}'),
                       ('2026-11-20T17:31Z', 5, 4, 0, '{"size": 1}'))
               AS run (asked_at, proposed, accepted, repaired, reasons)
         UNION ALL
        SELECT now, now, NULL, 'http-404', 'no /v1 in the base URL', 0, 0, 0, 5, '{}', '[]', 1
          FROM (VALUES ('2026-11-20T18:31Z'::timestamptz)) AS last (now)
        """,
    )
    with serving(database_url, redis_url, "2026-11-20T19:00:00+00:00") as api:
        model = api.json("/status")["model"]

    assert model == {
        "requests": 3,
        "answered": 2,
        "proposed": 10,
        "accepted": 6,
        "repaired": 1,
        "fallen_back": 8,
        "refused": {"size": 3, "form": 1},
        "last": {
            "asked_at": "2026-11-20T18:31:00Z",
            "model": None,
            "outcome": "http-404",
            "advice": "no /v1 in the base URL",
        },
    }
