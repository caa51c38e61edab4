"""What the page says when all is not well, each state really reached: no answer here is made up."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from knative.local.services import Server, Services
from tests.browser import ALL_ROWS, SPARK, WHOLE, Open, clock_at, violations
from tests.running import System, running
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

FRIDAY_EVENING = "2026-11-20T22:00:00+00:00 2026-11-20T22:00:00+00:00 0"


def fill(system: System) -> None:
    """Tick until nothing is missing."""
    while system.tick().led_to:
        pass


def notice(page: "Page", state: str) -> str:
    """What the page says in *state*, once it is in it."""
    return page.locator(f"[data-state={state}]").inner_text()


def prices(page: "Page") -> int:
    """How many stocks have a price."""
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


def asked(page: "Page") -> list[str]:
    """The paths below /api that the page asks from now on, as they come."""
    paths: list[str] = []

    def note(request: "Request") -> None:
        path = urlsplit(request.url).path
        if path.startswith("/api/"):
            paths.append(path)

    page.on("request", note)
    return paths


def test_before_anything_is_known_there_is_a_frame(market: System, open_page: Open) -> None:
    """What is sent first, without a line of script run, has the headings and grey places for what is to come."""
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


def test_who_asks_too_much_sees_until_when(tmp_path: Path, database_url: str, redis_url: str, open_page: Open) -> None:
    """After a 429 the prices stay, a countdown runs to Retry-After, nothing is asked before, and a token is offered."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CLOCK": FRIDAY_EVENING,
        "RATE_LIMIT_ANONYMOUS": "60",
        "HISTORY_SESSIONS": "5",
    }
    with running(tmp_path / "system", environment, "--manual") as system:
        fill(system)
        wait_until(lambda: datetime.now(UTC).second < 30, 40)
        page = open_page(system.url + ALL_ROWS)
        page.wait_for_selector(WHOLE)
        # From the page itself: another client may come from another address of this machine.
        page.evaluate("Promise.all(Array.from({ length: 80 }, () => fetch('/api/status', { cache: 'no-store' })))")
        page.reload()
        said = notice(page, "limited")
        kept = prices(page)
        seconds = [int(re.sub(r"\D", "", page.locator("aside .countdown").inner_text())) for _ in range(2)]
        meanwhile = asked(page)
        page.wait_for_timeout(2500)
        later = int(re.sub(r"\D", "", page.locator("aside .countdown").inner_text()))

        assert "Too many requests." in said
        assert "With a token the limit is higher" in said
        assert kept == 50
        assert later < seconds[0] <= 60
        assert meanwhile == []


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


def test_a_new_bar_is_asked_for_when_it_is_due_and_marked(
    tmp_path: Path, database_url: str, redis_url: str, open_page: Open
) -> None:
    """An empty store is called empty. Once there are prices nothing is asked until the next bar is due; then it is,
    every new price is marked, and who wants to know is told although the page is in the background."""
    environment = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "CLOCK": clock_at("2026-11-25T16:05", speed=30),
        "HISTORY_SESSIONS": "5",
    }
    with running(tmp_path / "system", environment, "--manual") as system:
        page = open_page(system.url)
        empty = page.get_by_role("main").get_by_text("The first prices are on their way").first.inner_text()
        fill(system)
        page.context.grant_permissions(["notifications"])
        page.add_init_script(
            """
            window.told = [];
            window.Notification = class {
                static permission = 'granted';
                static requestPermission = async () => 'granted';
                constructor(title, options) { window.told.push([title, options.body]); }
                close() {}
            };
            ServiceWorkerRegistration.prototype.showNotification = async (title, options) => {
                window.told.push([title, options.body]);
            };
            """
        )
        page.clock.install()
        paths = asked(page)
        page.goto(system.url + ALL_ROWS)
        page.wait_for_selector(SPARK)
        page.wait_for_load_state("networkidle")
        state = page.get_by_test_id("market-state").inner_text()
        page.get_by_role("button", name="Notify me").click()
        page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
        page.clock.fast_forward(seconds_of_latest(system) * 1000 - 60_000)
        page.wait_for_timeout(500)
        before_due = paths.count("/api/latest")
        wait_until(lambda: system.get("/status")["next_bar_due"] > "2026-11-25T16:31:00Z", 90)
        fill(system)
        page.clock.fast_forward(120_000)
        page.get_by_text("50 new prices, as of 11:30.").wait_for(state="attached")

        assert empty
        assert "Open" in state
        assert "closes in" in state
        assert before_due == 1
        assert page.locator(f"{WHOLE} .new").count() == 50
        wait_until(lambda: page.evaluate("told.map(([title]) => title)") == ["Prices as of 11:30 EST"])


def seconds_of_latest(system: System) -> int:
    """How many seconds the answer of /latest holds, as it says itself."""
    control = httpx.get(f"{system.url}/api/latest", timeout=30).headers["cache-control"]
    found = re.search(r"max-age=(\d+)", control)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (500, "The service answered with an error (500)."),
        (503, "The service answered with an error (503)."),
        (None, "You are offline, and nothing is saved from an earlier visit."),
    ],
)
def test_a_stock_that_fails_says_so(market: System, open_page: Open, answer: int | None, words: str) -> None:
    """At an error and without a network a stock's page says in its panels what is wrong and when it tries again."""
    page = open_page(f"{market.url}/account")
    page.route("**/api/**", lambda route: route.fulfill(status=answer) if answer else route.abort())
    page.goto(f"{market.url}/stocks/NVDA")
    main = page.get_by_role("main")
    for sentence in (words, "NVDA cannot be loaded", "Prices cannot be loaded", "Trying again in"):
        main.get_by_text(sentence).first.wait_for()
    page.wait_for_function("!document.querySelector('main .skeleton')")

    assert "No prices" not in page.locator("footer").inner_text()
