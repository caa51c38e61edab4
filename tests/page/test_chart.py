"""The chart of a stock that the page draws itself, and the library that takes over for a reader who uses it."""

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import violations
from tests.page.fake_api import FakeApi, stock_of
from tests.page.stock import drawn_chart, legend, moving_chart

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Browser, Locator, Page

PATH = "/stocks/S000?range=1W&interval=1h"
GAP = "2026-11-25T16:30:00Z"
CODE_OF_THE_LIBRARY = "performance.getEntriesByType('resource').some(({decodedBodySize}) => decodedBodySize > 150_000)"
PLACES = "[...document.querySelectorAll('main *:not(.chart *)')].map((one) => one.getBoundingClientRect().top)"


@pytest.fixture
def api() -> FakeApi:
    """Answers for a stock with one missing hour, a rise and a fall."""
    api = FakeApi(5)
    api.answers |= stock_of("S000")
    hours, coverage = api.answers["/ohlc/S000"], api.answers["/coverage"]
    hours["items"] = [bar for bar in hours["items"] if bar["datetime"] != GAP]
    session = {**coverage["items"][0], "missing": [{"ticker": "S000", "datetime": GAP, "why": "not_fetched"}]}
    coverage["items"] = [session]
    return api


def paths(chart: "Locator", kind: str) -> list[str]:
    """The strokes of one part of the picture, each as it is written."""
    path = chart.locator(f"svg path.{kind}").first.get_attribute("d") or ""
    return [f"M{stroke}" for stroke in path.split("M")[1:]]


def texts(chart: "Locator", kind: str) -> list[str]:
    """The texts of one kind on the axes."""
    return chart.locator(f"text.{kind}").all_text_contents()


def pixel(page: "Page", chart: "Locator", x: float, y: float) -> Any:
    """The element of the picture at a point of the chart, by its class."""
    return chart.evaluate(
        """(chart, [x, y]) => [...chart.querySelectorAll('path')]
            .filter((one) => one.isPointInFill(new DOMPoint(x, y))).map((one) => one.classList[0])""",
        [x, y],
    )


def test_a_line_is_never_drawn_through_a_gap(page: "Page", api: FakeApi) -> None:
    """The line ends before a missing hour and begins again after it; the place between is shaded."""
    api.open(page, PATH)
    chart = drawn_chart(page)
    page.get_by_text("Missing hours.").wait_for()

    before, after = paths(chart, "line")
    [shaded] = paths(chart, "missing")
    ends = float(before.rpartition("L")[2].split()[0])
    begins = float(after.removeprefix("M").split()[0])
    left = float(shaded.removeprefix("M").split()[0])

    assert ends < left < begins
    assert pixel(page, chart, left + 2, 5) == ["missing"]


def test_its_labels_are_those_of_the_figures(page: "Page", api: FakeApi) -> None:
    """The previous close is dotted and named, the newest price has its own label, none lies over another."""
    api.open(page, PATH)
    chart = drawn_chart(page)
    newest = api.answers["/ohlc/S000"]["items"][-1]["close"]
    base = api.answers["/latest"]["items"][0]["previous_close"]
    boxes = chart.locator("text").evaluate_all("texts => texts.map((one) => one.getBoundingClientRect().toJSON())")

    assert texts(chart, "last") == [f"{newest:.2f}"]
    assert texts(chart, "base") == [f"{base:.2f}"]
    assert len(paths(chart, "base")) == 1
    assert len(texts(chart, "tick")) > 5
    for number, one in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
            assert apart or abs(one["y"] - other["y"]) >= 11


def test_insights_are_marked_in_their_colours(page: "Page", api: FakeApi) -> None:
    """An arrow up for a good one, an arrow down for a bad one, a dot for another, each at its hour."""
    item = api.answers["/insights"]["items"][0]
    insight = item["insights"][0]
    api.answers["/insights"]["items"] = [
        {**item, "datetime": hour, "insights": [{**insight, "sentiment": sentiment}]}
        for hour, sentiment in (
            ("2026-11-27T16:30:00Z", "positive"),
            ("2026-11-27T15:30:00Z", "negative"),
            ("2026-11-27T14:30:00Z", "neutral"),
        )
    ]
    api.open(page, PATH)
    chart = drawn_chart(page)
    page.get_by_text("Arrows and dots: insights.").wait_for()
    page.wait_for_selector(".chart svg path.muted")

    tops = {kind: paths(chart, kind)[0] for kind in ("up", "down", "muted")}
    left = {kind: float(path.removeprefix("M").split()[0]) for kind, path in tops.items()}

    assert left["muted"] < left["down"] < left["up"]
    assert "a" in tops["muted"]


def by_mouse(page: "Page", chart: "Locator") -> None:
    """Point at the middle of the chart."""
    chart.hover()


def by_key(page: "Page", chart: "Locator") -> None:
    """Go to the chart and to the bar before the last."""
    chart.focus()
    page.keyboard.press("ArrowLeft")


def by_finger(page: "Page", chart: "Locator") -> None:
    """Tap the middle of the chart."""
    chart.tap()


@pytest.mark.parametrize("use", [by_mouse, by_key, by_finger])
def test_the_library_takes_over_without_moving_the_page(
    browser: "Browser", api: FakeApi, use: "Callable[[Page, Locator], None]"
) -> None:
    """It comes with the first use, which is not lost: what was pointed at is shown, and nothing on the page moves."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 1280, "height": 900}, has_touch=True)
    page = context.new_page()
    api.open(page, PATH)
    chart = drawn_chart(page)
    page.locator(".below").scroll_into_view_if_needed()
    page.get_by_role("region", name="Technology").wait_for()
    chart.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    [unused, before] = [page.evaluate(CODE_OF_THE_LIBRARY), page.evaluate(PLACES)]

    use(page, chart)
    moving_chart(page)
    said = legend(page)
    after = page.evaluate(PLACES)
    used = page.evaluate(CODE_OF_THE_LIBRARY)
    context.close()

    assert (unused, used) == (False, True)
    assert before == after
    assert said.startswith("Fri, Nov 27, 11:30 EST" if use is by_key else ("Tue, Nov 24", "Wed, Nov 25"))
    assert " C " in said or "Missing" in said


@pytest.mark.parametrize("shown", ["&chart=candles", "&scale=log", "&at=2026-11-25T15:30:00Z"])
def test_what_the_page_does_not_draw_comes_from_the_library(page: "Page", api: FakeApi, shown: str) -> None:
    """Candles, a logarithmic scale and a picked bar are there without a reader's hand."""
    api.open(page, PATH + shown)

    assert moving_chart(page).is_visible()


def test_it_follows_the_theme_the_text_and_the_width(page: "Page", api: FakeApi) -> None:
    """Dark, twice the text and narrow: the picture is drawn anew for its place, and nothing is cut."""
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 640, "height": 900})
    api.open(page, PATH)
    chart = drawn_chart(page)
    dark = chart.locator("path.line").evaluate("one => getComputedStyle(one).stroke")
    page.emulate_media(color_scheme="light")
    light = chart.locator("path.line").evaluate("one => getComputedStyle(one).stroke")
    page.set_viewport_size({"width": 360, "height": 900})
    page.wait_for_function(
        "(([chart]) => chart.clientWidth === chart.querySelector('svg').viewBox.baseVal.width)"
        "(document.querySelectorAll('[role=slider]'))"
    )
    inside = chart.evaluate(
        """chart => { const right = chart.getBoundingClientRect().right;
            return [...chart.querySelectorAll('text')].every((one) => one.getBoundingClientRect().right <= right) }"""
    )

    assert dark != light
    assert inside
    assert violations(page) == []


def test_high_contrast_keeps_its_colours(browser: "Browser", api: FakeApi) -> None:
    """On their own ground: a palette of the system's own would make them one, and its ground would hide them."""
    colours: list[list[str]] = []
    for forced in ("none", "active"):
        context = browser.new_context(forced_colors=forced)  # pyright: ignore[reportArgumentType]
        page = context.new_page()
        api.open(page, PATH)
        chart = drawn_chart(page)
        ground = chart.evaluate("one => getComputedStyle(one).backgroundColor")
        colours.append([ground, chart.locator("path.line").evaluate("one => getComputedStyle(one).stroke")])
        context.close()

    assert colours[0] == colours[1]
    assert colours[0][0] != "rgba(0, 0, 0, 0)"


def test_a_library_that_does_not_load_leaves_the_picture(page: "Page", api: FakeApi) -> None:
    """The read-out goes on, and the page says what is missing."""
    api.open(page, PATH)
    chart = drawn_chart(page)
    page.wait_for_load_state("networkidle")
    page.route("**/_app/immutable/chunks/*.js", lambda route: route.abort())

    chart.focus()
    page.keyboard.press("ArrowLeft")
    page.get_by_text("The interactive chart cannot be loaded. Reload the page to try again.").wait_for()

    by_keys = legend(page)
    chart.hover()

    assert by_keys.startswith("Fri, Nov 27, 11:30 EST")
    assert legend(page).startswith(("Tue, Nov 24", "Wed, Nov 25"))
    assert chart.locator("svg").is_visible()
