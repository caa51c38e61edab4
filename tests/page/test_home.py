"""The home page in a real browser, against the whole system: what it shows is what the functions say."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import ALL_ROWS, WHOLE, Open
from tests.page.stock import drawn_chart
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

MINUS = "\N{MINUS SIGN}"


def texts(page: "Page", selector: str) -> list[str]:
    """Return the text of each element, with single blanks."""
    return [re.sub(r"\s+", " ", text).strip() for text in page.locator(selector).all_inner_texts()]


def tickers(page: "Page") -> list[str]:
    """The tickers of the table from top to bottom."""
    return page.eval_on_selector_all("tr[data-ticker]", "rows => rows.map((row) => row.dataset.ticker)")


def percent(change_percent: float) -> str:
    """A percentage of the API as the page writes it."""
    rounded = Decimal(str(change_percent)).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'+' if rounded > 0 else MINUS if rounded < 0 else ''}{abs(rounded)}%"


def asked(page: "Page", path: str) -> list[str]:
    """The addresses below *path* that the page has asked."""
    entries: Sequence[str] = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return [entry for entry in entries if urlsplit(entry).path == path]


def test_every_price_is_the_api_s(market: System, home: "Page") -> None:
    """All 50 rows show close and change of /latest, the change with sign and triangle and not by colour alone."""
    shown = {
        row["ticker"]: (row["price"], row["change"], row["direction"])
        for row in home.eval_on_selector_all(
            "tr[data-ticker]",
            """rows => rows.map((row) => ({
                ticker: row.dataset.ticker,
                price: row.querySelector('.price .figure').textContent,
                change: row.querySelector('.change .figure').textContent,
                direction: row.querySelector('.change .triangle')?.dataset.direction ?? '',
            }))""",
        )
    }
    expected = {}
    for item in market.get("/latest")["items"]:
        change = percent(item["change_percent"])
        direction = "up" if change[0] == "+" else "down" if change[0] == MINUS else ""
        expected[item["ticker"]] = (f"{Decimal(str(item['close'])):,.2f}", change, direction)

    assert shown == expected
    assert len(shown) == 50


def test_the_answer_is_that_of_the_insights(market: System, home: "Page") -> None:
    """The number of stocks up and the average change are the figures of the newest hour's facts."""
    newest = max(market.get("/insights")["items"], key=lambda hour: hour["datetime"])
    facts = [fact for insight in newest["insights"] for fact in insight["facts"] if fact["basis"] == "previous_close"]
    up = next(fact["text"] for fact in facts if fact["metric"] == "breadth" and fact["direction"] == "up")
    average = next(fact["value"] for fact in facts if fact["metric"] == "market_change")

    [answer] = texts(home, "[data-testid=answer]")

    assert answer.startswith(up.replace(" stocks", " up"))
    assert answer.endswith(percent(average))
    assert home.title().startswith(f"{up} up")


def test_the_day_ends_with_the_answer(home: "Page") -> None:
    """The average stock's chart ends at the newest hour with the average that the answer names."""
    home.get_by_test_id("day-readout").get_by_text("%").wait_for()

    [readout], [answer] = texts(home, "[data-testid=day-readout]"), texts(home, "[data-testid=answer]")

    assert readout.startswith("Fri, Nov 27, 13:00 EST")
    assert readout.rpartition(" ")[2] == answer.rpartition(" ")[2]


def test_sparklines_cost_one_request(home: "Page") -> None:
    """The closes of 50 stocks come in one small response, and no bars are requested for them."""
    assert len(asked(home, "/api/overview")) == 1
    assert asked(home, "/api/ohlc") == []
    assert home.locator("tr[data-ticker] svg.spark").count() == 50


def test_columns_sort_and_the_address_says_so(market: System, home: "Page") -> None:
    """A click on a column's name sorts the largest first, another click the smallest; a link restores it."""
    items = market.get("/latest")["items"]
    by_price = [item["ticker"] for item in sorted(items, key=lambda item: (-item["close"], item["ticker"]))]

    home.get_by_role("button", name="Price, $").click()
    falling = tickers(home)
    home.get_by_role("button", name="Price, $").click()
    home.locator("th[aria-sort=ascending]").wait_for()
    rising = tickers(home)
    home.reload()
    home.wait_for_selector(WHOLE)

    assert falling == by_price
    assert rising == by_price[::-1]
    assert tickers(home) == rising
    assert home.locator("th[aria-sort=ascending]").inner_text().startswith("Price")
    assert parse_qs(urlsplit(home.url).query) == {"sort": ["close"], "rows": ["all"]}


def test_the_filter_answers_each_key(home: "Page") -> None:
    """Part of a ticker, a name or an industry leaves only what it is about; nothing found says so."""
    field = home.get_by_label("Filter by name or sector")
    field.press_sequentially("semi")
    wait_until(lambda: home.locator("tr[data-ticker]").count() == 5)
    industry = tickers(home)
    field.fill("nvid")
    wait_until(lambda: tickers(home) == ["NVDA"])
    field.fill("no such thing")
    home.get_by_text("No stocks match “no such thing”").wait_for()

    assert "NVDA" in industry
    home.wait_for_url("**filter=no+such+thing**")


def test_the_watchlist_stays_in_the_browser(home: "Page") -> None:
    """A starred stock is kept over a reload, and the watchlist shows it alone."""
    home.get_by_role("button", name="Watch KO", exact=True).click()
    home.get_by_role("button", name="Watchlist only").click()
    home.wait_for_url("**only=watched**")
    home.reload()
    home.wait_for_selector(WHOLE)

    assert tickers(home) == ["KO"]


@pytest.mark.parametrize("kind", ["gainers", "losers", "active", "unusual_volume", "volatile"])
@pytest.mark.parametrize("basis", ["previous_close", "previous_bar", "session_open"])
def test_movers_are_the_api_s(market: System, open_page: Open, kind: str, basis: str) -> None:
    """Each kind on each basis, straight from a link, shows the ranking of /movers with its definition."""
    answer = market.get("/movers", kind=kind, basis=basis, limit=6)
    page = open_page(f"{market.url}/?movers={kind}&basis={basis}")
    page.locator(".definition p", has_text=answer["definition"]).wait_for(state="attached")

    shown = page.eval_on_selector_all("a.tile[data-ticker]", "tiles => tiles.map((tile) => tile.dataset.ticker)")

    assert shown == [item["profile"]["ticker"] for item in answer["items"]]


@pytest.mark.parametrize("basis", ["previous_close", "previous_bar", "session_open"])
def test_a_mover_s_change_is_that_of_its_prices(market: System, open_page: Open, basis: str) -> None:
    """A tile shows the API's percentage, and the two prices that it is of."""
    item = market.get("/movers", kind="losers", basis=basis, limit=1)["items"][0]
    page = open_page(f"{market.url}/?movers=losers&basis={basis}")
    tile = page.locator(f"a.tile[data-ticker='{item['profile']['ticker']}']")
    tile.wait_for()

    text = " ".join(tile.inner_text().split())

    assert percent(item["change_percent"]) in text
    assert percent((item["current_metrics"]["close"] / item["basis_price"] - 1) * 100) in text
    assert f"{item['basis_price']:,.2f} to {item['current_metrics']['close']:,.2f}" in text


def test_the_heat_map_has_everybody_by_size(market: System, home: "Page") -> None:
    """50 tiles in 8 to 11 sectors with areas in the order of the market caps, and the same as a table."""
    companies = market.get("/movers", kind="active", limit=50)["items"]
    caps = {item["profile"]["ticker"]: item["profile"]["market_cap_millions"] for item in companies}
    home.get_by_role("heading", name="Sectors").scroll_into_view_if_needed()
    home.wait_for_selector("rect.tile")

    areas: dict[str, float] = dict(
        home.eval_on_selector_all(
            "a:has(rect.tile)",
            """links => links.map((link) => {
                const tile = link.querySelector('rect');
                return [link.dataset.ticker, tile.width.baseVal.value * tile.height.baseVal.value];
            })""",
        )
    )
    sectors = home.locator("text.sector").count()
    home.get_by_role("button", name="As a table").click()
    home.locator(".map tbody td a").first.wait_for()
    rows = home.locator(".map tbody td a").all_inner_texts()

    largest = sorted(caps, key=lambda ticker: -caps[ticker])
    assert set(areas) == set(caps) == set(rows)
    assert areas[largest[0]] > areas[largest[10]] > areas[largest[-1]]
    assert 8 <= sectors <= 11


def test_a_wide_screen_opens_a_stock_in_place(market: System, open_page: Open) -> None:
    """From 1,800 px a click shows the stock beside the table, the address says so, and a second one opens its page."""
    page = open_page(market.url, viewport={"width": 1920, "height": 1080})
    link = page.locator("tr[data-ticker=KO] a")
    link.click()
    page.wait_for_url("**stock=KO**")
    page.locator(".picked h2", has_text="Coca-Cola").wait_for()
    drawn_chart(page)
    link.click()

    page.wait_for_url("**/stocks/KO")


def test_a_notification_that_throws_takes_nothing_down(market: System, open_page: Open) -> None:
    """The page works on when the constructor throws, as on Android, and there is no service worker."""
    page = open_page(f"{market.url}/robots.txt")
    page.context.grant_permissions(["notifications"])
    page.add_init_script(
        """
        window.Notification = class {
            static permission = 'granted';
            static requestPermission = async () => 'granted';
            constructor() { throw new TypeError('Illegal constructor'); }
        };
        """
    )
    page.clock.install()
    page.goto(market.url + ALL_ROWS)
    page.wait_for_selector(WHOLE)
    page.get_by_role("button", name="Notify me").click()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    newer = market.get("/latest")
    newer["as_of"] = "2026-11-27T18:00:01Z"
    page.route("**/api/latest", lambda route: route.fulfill(json=newer))
    page.clock.fast_forward(8 * 3_600_000)
    page.get_by_role("button", name="Notify me").wait_for()

    assert page.locator(WHOLE).count() == 50


def test_a_closed_market_says_until_when(market: System, home: "Page") -> None:
    """After a half day it is closed, and the next opening is Monday 09:30 by the service's clock."""
    home.get_by_test_id("market-state").wait_for()

    text = " ".join(texts(home, ".hero"))

    assert "Closed · opens Monday, 09:30 EST" in text
    assert "Fri, Nov 27, half day" in text
    assert "Prices as of Fri, Nov 27, 13:00 EST" in text
    assert market.get("/status")["market"]["session"]["half_day"]


def test_invented_prices_are_called_so(home: "Page") -> None:
    """The header says that prices are simulated, and the footer names the source and its age."""
    assert home.locator("header .pill").inner_text() == "Simulated prices"
    assert "Source: simulated prices" in home.locator("footer").inner_text()
