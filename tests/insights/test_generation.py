"""Writing insights: figures that hold, each hour once, late or revised hours with what is missing or has changed."""

import re
import time
from decimal import Decimal

import psycopg

from shared.cache.market_version import CHECK_SECONDS as SECONDS
from tests.insights_harness import (
    FRIDAY,
    STORED,
    TICK,
    full_market,
    keep_active,
    put_rows,
    random_walk,
    serving_insights,
    trading_days,
)
from tests.reading import change, serving
from tests.recompute import by_ticker, half_up, recompute, shown


def figures(text: str) -> list[str]:
    """Whatever a reader would take for a figure in *text*."""
    return re.findall(r"[0-9](?:[0-9.,]*[0-9])?", text)


def test_every_figure_of_two_hundred_insights_is_what_the_bars_it_links_to_say(
    database_url: str, redis_url: str
) -> None:
    """Each figure computed again from /ohlc alone, by other code, is the same to the last digit, value and words."""
    full_market(database_url, 30)
    checked = 0
    metrics = set()
    answers: dict[str, dict] = {}
    with serving_insights(database_url, redis_url, INSIGHTS_HISTORY_HOURS="49") as insights:
        assert insights.event().status_code == 200
        items = insights.all_items()
    sentences = [insight for hour in items for insight in hour["insights"]]
    with serving(database_url, redis_url, FRIDAY, ANONYMOUS_HISTORY_DAYS="0") as api:
        for insight in sentences:
            text = insight["template"]
            for fact in insight["facts"]:
                bars = answers.get(fact["link"]) or by_ticker(api.items(fact["link"]))
                answers[fact["link"]] = bars
                starts = set(fact["bars"]["starts"])
                exact = {name: [bar for bar in some if bar["datetime"] in starts] for name, some in bars.items()}
                value = recompute(fact, exact)
                assert sorted(bars) == sorted(fact["bars"]["tickers"])
                assert half_up(value, 6) == fact["value"], fact
                assert shown(fact, value, exact) == fact["text"], fact
                if fact["unit"] == "percent" and fact["direction"]:
                    assert fact["direction"] == ("up" if value > 0 else "down")
                text = text.replace(f"{{{fact['id']}}}", fact["text"])
                metrics.add(fact["metric"])
                checked += 1
            assert text[:1].upper() + text[1:] == insight["insight"]
            stated = [figure for fact in insight["facts"] for figure in figures(fact["text"])]
            assert figures(insight["insight"]) == stated, "a figure that is no fact's"

    assert len(items) == 49
    assert len(sentences) >= 200
    assert checked >= 400
    assert metrics >= {"change", "rank", "breadth", "market_change", "streak", "volume_ratio", "period"}


def test_an_hour_has_three_to_five_insights_and_the_close_a_wrap_of_five_to_seven(
    database_url: str, redis_url: str
) -> None:
    """Every hour of a day, newest first, positive and negative where the market has both."""
    full_market(database_url)
    with serving_insights(database_url, redis_url) as insights:
        reply = insights.event()
        items = insights.items()

    assert reply.headers["ce-type"] == "tech.stocksalot.insights.written.v1"
    assert reply.json() == {"as_of": "2026-11-20T21:00:00Z", "generator": "rules", "count": len(items[0]["insights"])}
    assert [hour["datetime"][11:16] for hour in items] == [
        "20:30",
        "19:30",
        "18:30",
        "17:30",
        "16:30",
        "15:30",
        "14:30",
    ]
    assert all(3 <= len(hour["insights"]) <= 5 for hour in items[1:])
    assert 5 <= len(items[0]["insights"]) <= 7
    assert {"market", "company"} <= {insight["kind"] for hour in items[1:] for insight in hour["insights"]}
    assert all({"positive", "negative"} <= {insight["sentiment"] for insight in hour["insights"]} for hour in items)
    assert {hour["source"] for hour in items} == {"simulated"}
    assert all(hour["complete"] and not hour["superseded"] and hour["generator"] == "rules" for hour in items)


def test_twenty_events_at_once_write_each_hour_once(database_url: str, redis_url: str) -> None:
    """Two copies and twenty events in parallel: one of them writes, nobody writes twice, nobody answers an error."""
    full_market(database_url)
    with serving_insights(database_url, redis_url) as one, serving_insights(database_url, redis_url) as other:
        codes = one.events_together(10) + other.events_together(10)
        both = one.events_together(20, TICK)
        rows = one.query("SELECT start, count(*), max(revision) FROM insight_hours GROUP BY start")

    assert sorted(codes) == [200] + [204] * 19
    assert set(both) == {204}
    assert len(rows) == 7
    assert {(count, revision) for _, count, revision in rows} == {(1, 0)}


def test_an_event_without_a_complete_hour_is_acknowledged(database_url: str, redis_url: str) -> None:
    """No bars, too few bars, bars of a strange type: 204, and nothing is written."""
    with serving_insights(database_url, redis_url) as insights:
        before_any = insights.event().status_code
        starts = full_market(database_url, 3)
        with psycopg.connect(database_url) as connection:
            connection.execute("DELETE FROM bars WHERE ticker = 'AAPL'")
        incomplete = insights.event().status_code
        strange = insights.event("tech.stocksalot.bars.fetched.v1").status_code

        assert (before_any, incomplete, strange) == (204, 204, 204)
        assert insights.query("SELECT count(*) FROM insight_hours") == [(0,)]
    assert starts


def test_an_incomplete_hour_is_written_at_its_deadline(database_url: str, redis_url: str) -> None:
    """At the deadline, and not before, an incomplete hour is written; when the rest arrives it is written again."""
    starts = full_market(database_url, 22)
    with psycopg.connect(database_url) as connection:
        late = connection.execute(
            "DELETE FROM bars WHERE start = %s AND ticker IN ('KO', 'NKE') RETURNING *", (starts[-1],)
        ).fetchall()
    too_early = "2026-11-20T21:05:00+00:00"
    with serving_insights(database_url, redis_url, too_early) as insights:
        insights.event(TICK, job="insights")
        assert insights.items("?limit=1")[0]["datetime"] == "2026-11-20T19:30:00Z"
    with serving_insights(database_url, redis_url) as insights:
        assert insights.event(STORED).status_code == 204
        assert insights.event(TICK, "2", job="insights").status_code == 200
        [hour] = insights.items("?limit=1")
        put_rows(database_url, [(*row[:10], row[10]) for row in late])
        insights.event(STORED, "3")
        time.sleep(2 * SECONDS)
        [whole] = insights.items("?limit=1")

    assert (hour["datetime"], hour["complete"], hour["missing"]) == ("2026-11-20T20:30:00Z", False, ["KO", "NKE"])
    assert "48 stocks" in hour["insights"][0]["insight"]
    assert not any({"KO", "NKE"} & set(insight["tickers"]) for insight in hour["insights"])
    assert (whole["complete"], whole["missing"], whole["revision"]) == (True, [], 1)
    assert "50 stocks" in whole["insights"][0]["insight"]


def test_a_revised_figure_is_marked_at_once_and_rewritten(database_url: str, redis_url: str) -> None:
    """No reader sees a figure that its link contradicts without a mark; the next event writes the hour again."""
    full_market(database_url)
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        [before] = insights.items("?limit=1")
        stated = next(fact for one in before["insights"] for fact in one["facts"] if fact["metric"] == "rank")
        change(
            database_url,
            "UPDATE bars SET close = close * 1.001, high = high * 1.001 "
            f"WHERE ticker = '{stated['ticker']}' AND start = '{before['datetime']}'",
            redis_url,
        )
        time.sleep(2 * SECONDS)
        [revised] = insights.items("?limit=1")
        insights.event()
        time.sleep(2 * SECONDS)
        [after] = insights.items("?limit=1")
        revisions = insights.query("SELECT revision FROM insight_hours WHERE start = %s ORDER BY 1", before["datetime"])

    marked = {fact["metric"]: fact["superseded"] for one in revised["insights"] for fact in one["facts"]}
    assert revised["superseded"]
    assert marked["rank"]
    assert (after["superseded"], after["revision"]) == (False, 1)
    assert revisions == [(0,), (1,)]


def test_one_company_alone_is_told_of_too(database_url: str, redis_url: str) -> None:
    """With a single ticker, and a single session, there are still three sentences, all about it."""
    keep_active(database_url, ["AAPL"])
    [session] = trading_days(database_url, 1).sessions
    put_rows(database_url, random_walk(["AAPL"], list(session.starts("1h"))))
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        items = insights.items()

    assert len(items) == 7
    assert all(3 <= len(hour["insights"]) <= 5 for hour in items)
    assert all(one["tickers"] == ["AAPL"] for hour in items for one in hour["insights"])


def test_a_new_insight_is_never_marked_superseded(database_url: str, redis_url: str) -> None:
    """Python and Postgres agree on the bars behind a figure, trailing zeros and missing volume included."""
    full_market(database_url, 24)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE bars SET volume = NULL WHERE ticker < 'C' AND extract(hour FROM start) = 15")
        connection.execute("UPDATE bars SET close = 100.00, high = 1000.5000, low = 1.10 WHERE ticker = 'KO'")
    with serving_insights(database_url, redis_url, INSIGHTS_HISTORY_HOURS="21") as insights:
        insights.event()

        assert insights.query("SELECT count(*) FROM insight_figures WHERE superseded") == [(0,)]
        assert insights.query("SELECT count(*) > 100 FROM insight_figures") == [(True,)]


def test_a_correction_links_to_the_bar_as_it_is_and_as_it_was(database_url: str, redis_url: str) -> None:
    """The bar of 11:30 was first reported with another close: both figures follow from /ohlc."""
    ten = ["AAPL", "AMZN", "BA", "KO", "MSFT", "NKE", "PFE", "V", "WMT", "XOM"]
    keep_active(database_url, ten)
    starts = [start for session in trading_days(database_url, 22).sessions for start in session.starts("1h")]
    put_rows(database_url, random_walk(ten, starts))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            WITH bar AS (SELECT * FROM bars WHERE ticker = 'KO' AND start = '2026-11-20 16:30Z')
            INSERT INTO bar_revisions (ticker, interval, start, revision, open, high, low, close, volume, source,
                                       received_at, superseded_at)
                 SELECT ticker, interval, start, 0, open, high * 2, low, close * 1.5, volume, source,
                        received_at, received_at + interval '2 hours'
                   FROM bar
            """
        )
        connection.execute(
            """
            UPDATE bars SET revision = 1, received_at = received_at + interval '2 hours'
             WHERE ticker = 'KO' AND start = '2026-11-20 16:30Z'
            """
        )
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        stated = [
            one for hour in insights.items() for one in hour["insights"] if "the 11:30 bar" in one["insight"].lower()
        ]
    facts = {fact["metric"]: fact for fact in stated[0]["facts"]}
    with serving(database_url, redis_url, FRIDAY) as api:
        closes = [api.items(facts[name]["link"])[0]["close"] for name in ("first_close", "revised_close")]

    assert len(stated) == 1
    assert [facts[name]["value"] for name in ("first_close", "revised_close")] == closes
    assert closes[0] == closes[1] * Decimal("1.5")


def test_a_split_is_told_and_one_that_waits_leaves_its_ticker_out(database_url: str, redis_url: str) -> None:
    """V was split with the session; KO's history waits to be fetched again: it is listed, and the hour is complete."""
    ten = ["AAPL", "AMZN", "BA", "KO", "MSFT", "NKE", "PFE", "V", "WMT", "XOM"]
    keep_active(database_url, ten)
    starts = [start for session in trading_days(database_url, 22).sessions for start in session.starts("1h")]
    put_rows(database_url, random_walk(ten, starts))
    with psycopg.connect(database_url) as connection:
        connection.execute(
            """
            INSERT INTO splits (ticker, date, starts_at, new_shares, old_shares, state, found, source, detail,
                                refetch_from, found_at, changed_at)
                 SELECT ticker, '2026-11-20', '2026-11-20 14:30Z', 10, 1, state, 'overlap', 'x', '', now(), now(), now()
                   FROM (VALUES ('V', 'applied'), ('KO', 'pending')) AS split (ticker, state)
            """
        )
    with serving_insights(database_url, redis_url) as insights:
        insights.event()
        items = insights.items()
        again = insights.event(event_id="2")

    sentences = [one for hour in items for one in hour["insights"]]
    counts = [fact for one in sentences for fact in one["facts"] if fact["metric"] == "breadth"]
    assert [one["tickers"] for one in sentences if "10-for-1" in one["insight"]] == [["V"]]
    assert {fact["text"][-24:] for fact in counts} == {"of 9 stocks (10 tracked)"}
    assert all(fact["left_out"] == ["KO"] for fact in counts)
    assert all(hour["complete"] and hour["missing"] == [] for hour in items)
    assert all(hour["left_out"] == [{"ticker": "KO", "reason": "split"}] for hour in items)
    assert again.status_code == 204
