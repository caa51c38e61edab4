"""A year of hours of 50 tickers through the provider alpaca: its requests, ticks and bars.

`python -m benchmarks.year [--sessions 250]`: ingest and store in this process, Alpaca's fake over HTTP, a tick a
simulated minute until nothing is missing, as the nightly schedule goes on.
"""

import argparse
import asyncio
import logging
import os
import time

from benchmarks.stage import stage
from benchmarks.table import print_table
from functions.store.catalogue import read_catalogue
from shared.runtime import clock
from tests.fake_vendors import KEY, OTHER_KEY, Hands, exchange, vendors
from tests.ingest.ingest_harness import FRIDAY_EVENING, IngestHarness


def main() -> None:
    """Fill a year and print the duration."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=250)
    sessions = parser.parse_args().sessions
    hands = Hands(FRIDAY_EVENING)
    clock.now = hands  # pyright: ignore[reportAttributeAccessIssue]  for everything in this process
    hands.forward(minutes=15)  # the newest hour, too, has been delayed long enough
    with stage(filled=False) as place, vendors(keys=[KEY, OTHER_KEY]) as upstream, asyncio.Runner() as runner:
        os.environ |= place.environment
        os.environ |= {
            "PROVIDERS": "alpaca",
            "ALPACA_KEY_ID": KEY,
            "ALPACA_SECRET_KEY": OTHER_KEY,
            "ALPACA_BASE_URL": upstream.url,
            "HISTORY_SESSIONS": str(sessions),
        }
        harness = IngestHarness(runner, place.database_url, hands)
        logging.disable(logging.INFO)
        before, ticks = time.perf_counter(), 0
        while harness.work() is not None:
            hands.forward(minutes=1)
            ticks += 1
        seconds = time.perf_counter() - before
        requests, beyond = len(upstream.requests()), len(upstream.violations())
        (bars,) = harness.sql("SELECT count(*) FROM bars")
    opened = [session for session in exchange().sessions if session.opens < hands.at][-sessions:]
    expected = len(exchange().starts("1h", opened[0].opens, hands.at)) * len(list(read_catalogue()))
    print_table(
        f"50 tickers, {sessions} sessions",
        ("bars", "expected", "ticks", "requests", "beyond the budget", "seconds here"),
        [(f"{bars:,}", f"{expected:,}", ticks, requests, beyond, f"{seconds:.0f}")],
    )


if __name__ == "__main__":
    main()
