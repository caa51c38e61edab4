"""The home page in a real browser, against the whole system: what it shows is what the functions say."""

import re
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser import WHOLE, Open
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.sync_api import Page

MINUS = "\N{MINUS SIGN}"


def texts(page: "Page", selector: str) -> list[str]:
    """What stands in each element, with single blanks."""
    return [re.sub(r"\s+", " ", text).strip() for text in page.locator(selector).all_inner_texts()]


def tickers(page: "Page") -> list[str]:
    """The tickers of the table from top to bottom."""
    return page.eval_on_selector_all("tr[data-ticker]", "rows => rows.map((row) => row.dataset.ticker)")


def percent(change: float, base: float) -> str:
    """A change as a reader expects it: rounded once, from the exact figure, with a sign."""
    exact = (Decimal(str(change)) / Decimal(str(base)) * 100).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return f"{'+' if exact > 0 else MINUS if exact < 0 else ''}{abs(exact)}%"


def asked(page: "Page", path: str) -> list[str]:
    """The addresses below *path* that the page has asked."""
    entries: Sequence[str] = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)")
    return [entry for entry in entries if urlsplit(entry).path == path]


def test_every_price_is_the_api_s(market: System, home: "Page") -> None:
    """All 50 rows show close and change of /latest, the change with sign and arrow and not by colour alone."""
    shown = {
        row["ticker"]: (row["price"], row["change"], row["arrow"])
        for row in home.eval_on_selector_all(
            "tr[data-ticker]",
            """rows => rows.map((row) => ({
                ticker: row.dataset.ticker,
                price: row.querySelector('.price').textContent,
                change: row.querySelector('.change').childNodes[1].textContent,
                arrow: row.querySelector('.arrow').textContent,
            }))""",
        )
    }
    expected = {}
    for item in market.get("/latest")["items"]:
        change = percent(item["change"], item["previous_close"])
        arrow = "▲" if change[0] == "+" else "▼" if change[0] == MINUS else "■"
        expected[item["ticker"]] = (f"{Decimal(str(item['close'])):,.2f}", change, arrow)

    assert shown == expected
    assert len(shown) == 50


def test_sparklines_and_ranges_cost_one_request_each(home: "Page") -> None:
    """Bars for 50 tickers are asked for at once, not ticker by ticker."""
    home.wait_for_selector(f"{WHOLE} [aria-label*='of the way']")

    queries = [parse_qs(urlsplit(address).query) for address in asked(home, "/api/ohlc")]

    assert sorted(query["interval"] for query in queries) == [["1h"], ["1w"]]
    assert home.locator("tr[data-ticker] .line svg").count() == 50


def test_the_range_is_that_of_the_stored_bars(market: System, home: "Page") -> None:
    """The bar of a range goes from the lowest to the highest price a reader without a token may see."""
    weeks = market.get("/ohlc/NVDA", interval="1w", limit=53)["items"]
    low, high = min(week["low"] for week in weeks), max(week["high"] for week in weeks)

    label = home.locator("tr[data-ticker=NVDA] [aria-label*='of the way']").get_attribute("aria-label")

    assert label is not None
    assert label.endswith(f"from {low:,.2f} to {high:,.2f}")


def test_columns_sort_and_the_address_says_so(market: System, home: "Page") -> None:
    """A click on a column's name sorts the largest first, another click the smallest; a link restores it."""
    items = market.get("/latest")["items"]
    by_price = [item["ticker"] for item in sorted(items, key=lambda item: (-item["close"], item["ticker"]))]

    home.get_by_role("button", name="Price").click()
    falling = tickers(home)
    home.get_by_role("button", name="Price").click()
    rising = tickers(home)
    home.reload()
    home.wait_for_selector(WHOLE)

    assert falling == by_price
    assert rising == by_price[::-1]
    assert tickers(home) == rising
    assert home.locator("th[aria-sort=ascending]").inner_text().startswith("Price")
    assert parse_qs(urlsplit(home.url).query) == {"sort": ["close"]}


def test_the_filter_answers_each_key(home: "Page") -> None:
    """Part of a ticker, a name or an industry leaves only what it is about; nothing found says so."""
    field = home.get_by_label("Filter the prices")
    field.press_sequentially("semi")
    wait_until(lambda: home.locator("tr[data-ticker]").count() == 5)
    industry = tickers(home)
    field.fill("nvid")
    name = tickers(home)
    field.fill("no such thing")
    home.get_by_text("Nothing matches.").wait_for()

    assert "NVDA" in industry
    assert name == ["NVDA"]
    home.wait_for_url("**filter=no+such+thing**")


def test_the_watchlist_stays_in_the_browser(home: "Page") -> None:
    """A starred stock is kept over a reload, and the watchlist shows it alone."""
    home.get_by_role("button", name="Watch KO", exact=True).click()
    home.get_by_role("button", name="Watchlist").click()
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

    shown = page.eval_on_selector_all("details[data-ticker]", "cards => cards.map((card) => card.dataset.ticker)")

    assert shown == [item["profile"]["ticker"] for item in answer["items"]]


def test_a_mover_opens_to_its_company(market: System, home: "Page") -> None:
    """A card opens to the profile: industry, exchange, market cap; and leads on to the chart."""
    mover = market.get("/movers", limit=6)["items"][0]
    card = home.locator(f"details[data-ticker='{mover['profile']['ticker']}']")

    card.locator("summary").click()

    assert mover["profile"]["industry"] in card.inner_text()
    assert card.get_by_role("link", name="Chart and bars").get_attribute("href") == (
        f"/stocks/{mover['profile']['ticker']}"
    )


def test_insights_are_told_by_hour_and_each_figure_opens_its_bars(market: System, home: "Page") -> None:
    """Every figure of every sentence is a link: to the chart at that hour, or to the bars of the many it is about."""
    hours = market.get("/insights")["items"]
    home.wait_for_selector(".hours .insight")
    home.get_by_role("button", name="All 7 hours").click()

    sentences = texts(home, ".insight p")
    links = home.locator(".insight a").all()
    figures = [fact for hour in hours for insight in hour["insights"] for fact in insight["facts"]]
    first = next(fact for fact in figures if fact["ticker"])
    home.locator(".insight a[href^='/stocks/']").first.click()
    home.wait_for_url(f"**/stocks/{first['ticker']}?**at={hours[0]['datetime']}")

    assert sentences == [insight["insight"] for hour in hours for insight in hour["insights"]]
    slots = [re.findall(r"\{\w+\}", insight["template"]) for hour in hours for insight in hour["insights"]]
    assert len(links) == sum(map(len, slots))


def test_the_heat_map_has_everybody_by_size(market: System, home: "Page") -> None:
    """50 tiles with areas in the order of the market caps, and the same as a table for who cannot see them."""
    companies = market.get("/movers", kind="active", limit=50)["items"]
    caps = {item["profile"]["ticker"]: item["profile"]["market_cap_millions"] for item in companies}
    home.get_by_role("heading", name="By industry and size").scroll_into_view_if_needed()
    home.wait_for_selector("rect.tile")

    areas: dict[str, float] = dict(
        home.eval_on_selector_all(
            "a:has(rect.tile)",
            """links => links.map((link) => {
                const tile = link.querySelector('rect');
                return [link.getAttribute('href').split('/')[2], tile.width.baseVal.value * tile.height.baseVal.value];
            })""",
        )
    )
    home.get_by_role("button", name="As a table").click()
    rows = home.locator(".map tbody td a").all_inner_texts()

    largest = sorted(caps, key=lambda ticker: -caps[ticker])
    assert set(areas) == set(caps) == set(rows)
    assert areas[largest[0]] > areas[largest[10]] > areas[largest[-1]]


def test_a_closed_market_says_until_when(market: System, home: "Page") -> None:
    """After a half day it is closed, the next opening is Monday 09:30, and both count down by the service's clock."""
    strip = home.get_by_label("State of the market")
    home.locator(".strip", has_text="opens in 2 d").wait_for()

    text = re.sub(r"\s+", " ", strip.inner_text())

    assert "Market closed" in text
    assert "Mon, Nov 30, 09:30 EST" in text
    assert "Prices to 13:00" in text
    assert market.get("/status")["market"]["session"]["half_day"]


def test_invented_prices_are_called_so(home: "Page") -> None:
    """A banner says that the data are simulated, and the footer names the source and its age."""
    assert home.get_by_text("Simulated data:").is_visible()
    assert "Source: simulated" in home.locator("footer").inner_text()
