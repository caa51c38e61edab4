"""Neither order, nor repetition, nor work at the same time changes what store keeps."""

import asyncio
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.connections import postgres
from tests.store.fetched_events import answers
from tests.store_harness import Store, bar, fetched, hour, opened
from tests.waiting import wait_until, wait_until_async


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), events=answers())
def test_any_order_with_repetitions_gives_the_same_bars(store: Store, data: st.DataObject, events: list[dict]) -> None:
    """The final table depends on the responses, not on the order of their arrival."""
    found = []
    for arrivals in (events, data.draw(st.permutations(events + data.draw(st.lists(st.sampled_from(events)))))):
        store.query("TRUNCATE bars, bar_revisions, asked_windows")
        for event in arrivals:
            store.keep(event)
        found.append(
            (
                store.query(
                    "SELECT ticker, start, close, source, coalesce(seen_at, received_at) FROM bars ORDER BY 1, 2"
                ),
                store.query("SELECT ticker, interval, settled, asked_at FROM asked_windows ORDER BY 1"),
                # Every figure that was ever given is there, standing or behind.
                store.query(
                    "SELECT ticker, start, close FROM bars UNION SELECT ticker, start, close FROM bar_revisions"
                ),
            )
        )

    assert found[0][:2] == found[1][:2]
    assert set(found[0][2]) == set(found[1][2])


def test_overlapping_events_at_the_same_time_neither_lock_up_nor_differ(
    monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str
) -> None:
    """Twenty at once over the same bars, in any order of tickers, end like one after the other."""
    tickers = ("AAPL", "BA", "CAT", "DIS", "HD", "INTC", "KO", "MSFT", "NKE", "V")
    events = [
        fetched(
            {
                ticker: [bar(hour(index % 7, index // 7), f"{100 + number + index}") for index in range(number % 3, 28)]
                for ticker in (tickers if number % 2 else reversed(tickers))
            },
            at=hour(0, day=4) + timedelta(minutes=number),
        )
        for number in range(20)
    ]
    empty = "TRUNCATE bars, bar_revisions, asked_windows"
    # Twenty connections at once take a busy machine longer than the function waits for one.
    monkeypatch.setattr(postgres, "_CONNECT_SECONDS", 30)
    with opened(monkeypatch, database_url, redis_url, DATABASE_CONNECTIONS="20") as store:
        wait_until(lambda: all(answer.status_code == 200 for answer in store.post_together(events)), 30)
        store.query(empty)
        statuses = {answer.status_code for answer in store.post_together(events)}
        standing = "SELECT ticker, start, close, source, coalesce(seen_at, received_at) FROM bars ORDER BY 1, 2"
        together = store.query(standing)
        store.query(empty)
        for event in events:
            store.keep(event)

        assert (statuses, together) == ({200}, store.query(standing))


@pytest.mark.parametrize("table", ["bars", "asked_windows"])
def test_two_events_that_meet_in_the_middle_do_not_wait_for_each_other(store: Store, table: str) -> None:
    """Everyone writes in the order of the key: with a third holding one row, neither has what the other needs."""
    tickers = ["AAPL", "KO", "V"]
    bars = [bar(hour(0))] if table == "bars" else []
    events = [fetched(dict.fromkeys(some, bars)) for some in (tickers, tickers[::-1])]
    hold = {
        "bars": "INSERT INTO bars VALUES ('KO', '1h', %s, 1, 1, 1, 1, 1, 'held', 0, now())",
        "asked_windows": "INSERT INTO asked_windows VALUES ('KO', '1h', '{}', %s)",
    }[table]

    async def meet() -> list[int]:
        async with await psycopg.AsyncConnection.connect(store.database_url) as holder:
            await holder.execute(hold.encode(), [hour(0)])
            sent = [asyncio.create_task(store.send(event)) for event in events]
            await wait_until_async(waiting)
            await holder.rollback()
        return [answer.status_code for answer in await asyncio.gather(*sent)]

    async def waiting() -> bool:
        await asyncio.sleep(0)
        return store.query(
            """SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"""
        ) == [(2,)]

    assert store.run(meet()) == [200, 200]


def test_no_event_reads_the_whole_table(store: Store) -> None:
    """New, repeated, confirmed, corrected or late: plans are kept, and were made while the table was small."""
    for number in range(12):
        day, index = divmod(number, 7)
        for minute, close in ((1, "100"), (1, "100"), (2, "100"), (4, "101"), (3, "102"), (0, "103")):
            at = hour(0, day=4) + timedelta(minutes=minute)
            store.deliver(fetched({ticker: [bar(hour(index, day), close)] for ticker in ("AAPL", "MSFT")}, at=at))
    store.close()

    scans = wait_until(
        lambda: store.query(
            """SELECT relname, seq_scan FROM pg_stat_user_tables
                WHERE relname IN ('bars', 'bar_revisions') AND idx_scan > 20 ORDER BY 1"""
        )
    )
    assert scans == [("bar_revisions", 0), ("bars", 0)]
