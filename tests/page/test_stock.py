"""The page of one stock, in a real browser on the whole system: what it shows is what /ohlc says."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import Open, violations
from tests.page.stock import MONTH, PRICES, coverage, drawn_chart, legend, moving_chart, number, rows
from tests.running import System
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page

NAME_OF_FOCUS = "(one => one.getAttribute('aria-label') || one.value || one.innerText)(document.activeElement)"
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True}


def query(page: "Page") -> str:
    """The query of the page's address."""
    return page.url.partition("?")[2]


@pytest.mark.parametrize(
    ("address", "ticker", "interval", "start"),
    [
        ("range=1M&interval=1h", "NVDA", "1h", "2026-10-29"),
        ("range=1W&interval=1h", "BRK.A", "1h", "2026-11-21"),
        ("range=1D&interval=1h", "KO", "1h", "2026-11-27"),
        ("range=1M&interval=1d", "NVDA", "1d", "2026-10-29"),
        ("range=1M&interval=1w", "NVDA", "1w", "2026-10-29"),
    ],
)
def test_it_shows_exactly_what_ohlc_says(
    market: System, open_page: Open, address: str, ticker: str, interval: str, start: str
) -> None:
    """Every bar of the range, each price to the last digit, none more and none less."""
    page = open_page(f"{market.url}/stocks/{ticker}?{address}&table=open")
    expected = market.get(f"/ohlc/{ticker}", interval=interval, start=start, limit=5000)["items"]

    shown = rows(page)

    wanted = [{name: bar[name] for name in ("timestamp", *PRICES, "volume")} for bar in reversed(expected)]
    assert [{key: value for key, value in row.items() if key != "name"} for row in shown] == wanted
    assert len(wanted) > 3


def test_the_chart_tells_what_the_table_does(market: System, open_page: Open) -> None:
    """Each bar that the crosshair stands on is that of the table, figure by figure, also for those who hear it."""
    page = open_page(market.url + MONTH + "&table=open")
    table = {row["name"]: row for row in rows(page)}
    chart = drawn_chart(page)
    chart.focus()

    for key in ("End", "ArrowLeft", "ArrowLeft", "PageUp", "Home"):
        page.keyboard.press(key)
        spoken = chart.get_attribute("aria-valuetext") or ""
        name, _, closed = spoken.partition(": closed at ")
        bar = table[name]
        figures = [f"{letter} {bar[field]:,.2f}" for letter, field in zip("OHLC", PRICES, strict=True)]

        assert legend(page).startswith(" ".join([name, *figures]))
        assert number(closed) == bar["close"]
    assert name == "Thu, Oct 29, 09:30 EDT"


def test_time_is_the_exchanges_on_both_sides_of_the_change(market: System, open_page: Open) -> None:
    """To a reader in Tokyo too, sessions begin at 09:30, before and after daylight saving time ends."""
    page = open_page(market.url + MONTH + "&table=open")

    names = [row["name"] for row in rows(page)]

    friday = [name for name in names if name.startswith("Fri, Oct 30")]
    monday = [name for name in names if name.startswith("Mon, Nov 2,")]
    hours = ["15:30", "14:30", "13:30", "12:30", "11:30", "10:30", "09:30"]
    assert friday == [f"Fri, Oct 30, {hour} EDT" for hour in hours]
    assert monday == [f"Mon, Nov 2, {hour} EST" for hour in hours]


def test_a_half_day_ends_early(market: System, open_page: Open) -> None:
    """The Friday after Thanksgiving has four bars, the last of half an hour, and Thursday none."""
    page = open_page(f"{market.url}/stocks/NVDA?range=1W&interval=1h&table=open")

    names = [row["name"] for row in rows(page)]

    assert names[:5] == [
        "Fri, Nov 27, 12:30 EST",
        "Fri, Nov 27, 11:30 EST",
        "Fri, Nov 27, 10:30 EST",
        "Fri, Nov 27, 09:30 EST",
        "Wed, Nov 25, 15:30 EST",
    ]
    assert "Half day: Nov 27, 2026." in coverage(page).inner_text()


def test_every_state_is_in_the_address(market: System, open_page: Open) -> None:
    """Range, interval, averages, table and the picked bar: a copied address shows the same, and Back goes back."""
    page = open_page(market.url + MONTH)
    page.get_by_text("Indicators").click()
    page.get_by_role("checkbox", name="SMA").check()
    page.get_by_role("checkbox", name="VWAP").check()
    page.get_by_role("radio", name="1W").check()
    page.get_by_text("prices as a table").click()
    chart = drawn_chart(page)
    chart.focus()
    for key in ("End", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**at=**")
    said = legend(page)

    copy = open_page(page.url)
    copy.get_by_test_id("legend").get_by_text("VWAP").wait_for()
    copy.locator("tr[data-time][aria-current=true]").wait_for()
    wait_until(lambda: legend(copy) == said)
    page.go_back()
    page.wait_for_url("**range=1M**")
    wait_until(lambda: page.get_by_role("radio", name="1M").is_checked())

    assert query(copy) == "range=1W&interval=1h&show=sma,vwap&at=2026-11-27T16:30:00Z&table=open"
    assert "Fri, Nov 27, 11:30 EST" in said
    assert copy.locator("tr[data-time][aria-current=true]").count() == 1
    assert query(page) == "range=1M&interval=1h&show=sma,vwap"


def test_it_can_be_walked_by_keys_alone(market: System, open_page: Open) -> None:
    """Tab reaches chart and controls in the order of the page; arrows move, Enter keeps a bar, Escape releases it."""
    page = open_page(market.url + MONTH)
    drawn_chart(page)
    reached: list[str] = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(NAME_OF_FOCUS))
        if reached[-1].startswith("Chart of NVDA"):
            page.keyboard.press("ArrowLeft")
            page.keyboard.press("Enter")
            page.wait_for_url("**at=2026-11-27T16:30:00Z**")
            page.keyboard.press("Escape")
            page.wait_for_url(lambda url: "at=" not in url)
        if reached[-1] == "1M":
            page.keyboard.press("ArrowLeft")
            page.wait_for_url("**range=1W**")
            break

    assert reached[0] == "Skip to the content"
    assert reached[-1] == "1M"


def test_a_comparison_turns_the_axis_to_percent(market: System, open_page: Open) -> None:
    """Another stock, or the average of all, is chosen from a list and stands in the address and the read-out."""
    page = open_page(market.url + MONTH)
    page.get_by_label("Compare with").select_option("average")
    page.get_by_test_id("legend").get_by_text("Average").wait_for()
    average = query(page)
    page.get_by_role("button", name="Remove Average of all stocks").click()
    page.get_by_label("Compare with").select_option("AAPL")
    page.get_by_test_id("legend").get_by_text("AAPL").wait_for()

    assert "compare=average" in average
    assert "compare=AAPL" in query(page)


def test_candles_scale_and_oscillators_are_in_the_address(market: System, open_page: Open) -> None:
    """Candles, logarithmic scale, RSI and MACD are switched on by hand, and a copied address shows the same."""
    page = open_page(market.url + MONTH)
    page.get_by_role("radio", name="Candles").check()
    page.get_by_text("Indicators").click()
    page.get_by_label("Logarithmic scale").check()
    page.get_by_label("RSI").check()
    page.get_by_label("MACD").check()
    page.wait_for_url("**macd**")

    assert query(page) == "range=1M&interval=1h&chart=candles&show=rsi,macd&scale=log"


def test_the_page_scrolls_over_the_chart(market: System, open_page: Open) -> None:
    """The wheel is the page's: a chart that swallowed it would hold a reader fast."""
    page = open_page(market.url + MONTH)
    drawn_chart(page).hover()
    moving_chart(page)

    page.mouse.wheel(0, 300)

    wait_until(lambda: page.evaluate("scrollY") > 100)


@pytest.mark.parametrize(("scheme", "screen"), [("light", {}), ("dark", PHONE)], ids=["desktop", "phone"])
def test_axe_finds_nothing(market: System, open_page: Open, scheme: str, screen: dict[str, Any]) -> None:
    """With everything open, light and wide, dark and narrow."""
    page = open_page(f"{market.url}/stocks/CAT?range=1W&interval=1h&show=sma,ema,vwap,rsi,macd&table=open",
                     color_scheme=scheme, **screen)  # fmt: skip
    drawn_chart(page)
    page.get_by_text("hours are stored").wait_for()
    rows(page)

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_insights_lead_to_their_bars(market: System, open_page: Open) -> None:
    """Insights about a stock stand beside its chart; the time of each leads to its bar."""
    hours = wait_until(lambda: market.get("/insights")["items"], 30)
    insight = next(one for one in hours[0]["insights"] if one["tickers"])
    ticker, text = insight["tickers"][0], insight["insight"]
    page = open_page(f"{market.url}/stocks/{ticker}?range=1M&interval=1h")
    insights = page.get_by_role("region", name="Insights")

    insights.get_by_text(text[:20]).first.wait_for()
    insights.get_by_role("link").first.click()
    page.wait_for_url("**at=2026-11-27T17:30:00Z**")
    page.mouse.move(0, 0)
    wait_until(lambda: legend(page).startswith("Fri, Nov 27, 12:30 EST"))

    assert text in " ".join(insights.inner_text().split())


def test_a_stock_that_is_not_here_is_said_so(market: System, open_page: Open) -> None:
    """An unknown ticker is no fault of anything: the page says so, asks nothing more, and leads on."""
    page = open_page(f"{market.url}/stocks/NOPE")

    page.get_by_role("heading", name="NOPE is not tracked").wait_for()

    assert page.get_by_role("link", name="The market").get_attribute("href") == "/"
    assert page.locator("[data-state]").count() == 0


def test_an_address_in_small_letters_works(market: System, open_page: Open) -> None:
    """People type tickers as they like."""
    page = open_page(f"{market.url}/stocks/nvda")

    page.get_by_role("heading", name="NVIDIA").wait_for()
