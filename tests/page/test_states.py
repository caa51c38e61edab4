"""States of failure on the page, each really reached: no answer here is made up."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

from knative.local.services import Server, Services
from tests.browser import ALL_ROWS, SPARK, WHOLE, Open, violations
from tests.running import System, running
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

FRIDAY_EVENING = "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0"


def fill(system: System) -> None:
    """Tick until nothing is missing."""
    while system.tick().led_to:
        pass


def notice(page: "Page", state: str) -> str:
    """Return the text of the page once it is in *state*."""
    return page.locator(f"[data-state={state}]").inner_text()


def prices(page: "Page") -> int:
    """Return the number of stocks with a price."""
    page.locator(WHOLE).first.wait_for()
    return page.locator(WHOLE).count()


@contextmanager
def paused(system: System, function: str) -> Iterator[None]:
    """Let every copy of a function stop in its tracks, as one does that is only just starting."""
    httpx.get(f"{system.url}/api/status", timeout=30)
    pids = next(one["pids"] for one in system.status()["functions"] if one["name"] == function)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def test_before_anything_is_known_there_is_a_frame(market: System, open_page: Open) -> None:
    """The document before any script runs has the headings, and grey places for the panels."""
    page = open_page(market.url, java_script_enabled=False)

    headings = page.get_by_role("heading").all_inner_texts()

    assert headings == ["The market now", "Watchlist", "Movers", "Prices", "Insights", "Sectors"]
    assert page.locator(".skeleton").count() > 5


def test_a_starting_service_is_waited_for_with_the_last_snapshot(market: System, open_page: Open) -> None:
    """While the function wakes, the page says so and shows what it knew; then all is as usual, by itself."""
    page = open_page(market.url + ALL_ROWS)
    page.wait_for_selector(WHOLE)
    with paused(market, "api"):
        page.reload()
        said = notice(page, "waking")
        kept = prices(page)
        page.locator("tr[data-ticker=NVDA]").scroll_into_view_if_needed()
    page.wait_for_selector("[data-state=waking]", state="detached")

    assert "The service is starting. Showing saved data from" in said
    assert kept == 50


def test_a_starting_service_without_a_snapshot_is_waited_for(market: System, open_page: Open) -> None:
    """On a first visit there is nothing to show meanwhile, and the page says that too."""
    with paused(market, "api"):
        page = open_page(market.url + ALL_ROWS)
        said = notice(page, "waking")
        nothing = page.locator("tr[data-ticker]").count()
    page.wait_for_selector(WHOLE)

    assert said.strip() == "The service is starting."
    assert nothing == 0


def test_offline_the_page_stays_with_what_it_has(market: System, open_page: Open) -> None:
    """Without a network the prices stay, with their age said; back again the notice goes by itself."""
    page = open_page(market.url + ALL_ROWS)
    page.wait_for_selector(WHOLE)
    page.context.set_offline(True)
    said = notice(page, "offline")
    kept = prices(page)
    found = violations(page)
    page.context.set_offline(False)
    page.wait_for_selector("[data-state=offline]", state="detached")

    assert "You are offline" in said
    assert "Showing saved data from" in said
    assert kept == 50
    assert found == []


def test_without_a_database_answers_are_old_and_say_so(
    stoppable_services: Services, tmp_path: Path, open_page: Open
) -> None:
    """Postgres gone: kept answers are called so, and what nobody has asked for cannot be shown; back: all is well."""
    postgres = stoppable_services.postgres
    assert isinstance(postgres, Server)
    environment = {
        "DATABASE_URL": stoppable_services.postgres_url,
        "REDIS_URL": stoppable_services.redis_url,
        "AMQP_URL": stoppable_services.amqp_url or "",
        "CLOCK": FRIDAY_EVENING,
        "HISTORY_SESSIONS": "5",
    }
    with running(tmp_path / "system", environment, "--manual", "--min-scale", "1") as system:
        fill(system)
        page = open_page(system.url + ALL_ROWS)
        page.wait_for_selector(SPARK)
        page.wait_for_load_state("networkidle")
        postgres.stop()
        wait_until(lambda: httpx.get(f"{system.url}/api/latest", timeout=30).json()["stale"], 20)
        page.reload()
        stale = notice(page, "stale")
        kept = prices(page)
        page.get_by_role("radio", name="Widest range").check()
        away = notice(page, "unavailable")
        panel = page.locator("section.movers").inner_text()
        postgres.start()
        page.locator("aside").get_by_role("button", name="Try again now").click()
        page.wait_for_selector("[data-state=unavailable]", state="detached", timeout=60_000)
        page.wait_for_selector("a.tile[data-ticker]")

    assert "Showing saved data: the database is not available." in stale
    assert kept == 50
    assert "The service is not available." in away
    assert "Movers cannot be loaded" in panel
