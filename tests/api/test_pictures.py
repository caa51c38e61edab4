"""/picture over HTTP: a PNG of 1200 by 630 with the figures of /latest, cached as they are."""

import asyncio
import json
import re
import struct
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from urllib.parse import urlsplit

import pytest

from functions.api.pictures.drawing import chart, text_width
from functions.api.pictures.market import draw_market
from functions.api.pictures.render import png
from functions.api.pictures.stock import draw_stock
from shared.http.response_data import NO_ROWS, JsonRows
from tests.conftest import new_database
from tests.reading import Api, Bar, change, hours, put, serving, sessions

ITEM = {
    "ticker": "KO", "name": "The <Coca-Cola> Company", "close": Decimal("1027.6"), "previous_close": Decimal("1020.6"),
    "change": Decimal(7), "change_percent": Decimal("0.6859"), "end": "2026-11-20T21:00:00Z", "source": "twelvedata",
}  # fmt: skip


@pytest.fixture(scope="module")
def database_of_pictures(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """A database with four sessions of KO, and MSFT without a bar."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        change(url, "UPDATE tickers SET active = ticker IN ('KO', 'MSFT')")
        put(
            url,
            [
                Bar("KO", start, f"{50 + n}.10")
                for n, start in enumerate(hours(sessions(url, "2026-11-17", "2026-11-21")))
            ],
        )
        yield url


@pytest.fixture(scope="module")
def api(database_of_pictures: str, module_redis_url: str) -> Iterator[Api]:
    """The api over it, on Friday evening."""
    with serving(database_of_pictures, module_redis_url) as api:
        yield api


def words(svg: str) -> list[str]:
    """Return the lines of text of a picture."""
    return re.findall(r"<text [^>]*>(.*?)</text>", svg)


@pytest.mark.parametrize("path", ["/picture", "/picture/KO", "/picture/ko"])
def test_it_is_a_picture_of_the_size_that_previews_show(api: Api, path: str) -> None:
    """A PNG file of 1200 by 630 pixels below 200 kB, which pages of any site may show."""
    answer = api.get(path)

    assert answer.headers["content-type"] == "image/png"
    assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", answer.content[16:24]) == (1200, 630)
    assert len(answer.content) < 200_000
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "set-cookie" not in answer.headers


def test_it_is_cached_as_every_answer(api: Api) -> None:
    """ETag and 304, HEAD, and the same bytes until a bar comes."""
    answer = api.get("/picture/KO")

    assert api.get("/picture/KO", 304, If_None_Match=answer.headers["etag"]).content == b""
    assert api.client.head("/picture/KO").headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"].startswith("public, max-age=")


def test_a_picture_that_is_being_drawn_holds_no_connection(
    database_of_pictures: str, module_redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one connection to the database other answers do not wait for it; one that takes too long is a 503."""

    async def wait(svg: bytes) -> bytes:
        started.set()
        await asyncio.to_thread(done.wait, 20)
        raise TimeoutError(f"{len(svg)} bytes were not drawn")

    started, done = threading.Event(), threading.Event()
    monkeypatch.setattr("functions.api.pictures.response.render", wait)
    settings = {"DATABASE_CONNECTIONS": "1"}
    with (
        serving(database_of_pictures, module_redis_url, "2026-11-20T22:00:01Z", **settings) as busy,
        ThreadPoolExecutor(1) as thread,
    ):
        picture = thread.submit(busy.client.get, "/picture")
        try:
            assert started.wait(20)
            others = busy.client.get("/splits").status_code
        finally:
            done.set()
        refused = picture.result()

    assert others == 200
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


def test_every_fault_is_a_problem(api: Api) -> None:
    """404 for an unknown ticker and for one without a bar, the new name for a renamed one, 400 for a parameter."""
    assert api.get("/picture/NOPE", 404).json()["type"].endswith("/unknown-ticker")
    assert api.get("/picture/MSFT", 404).json()["type"].endswith("/no-bar")
    moved = api.client.get("/picture/FB", follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, "META")
    assert api.get("/picture/KO?size=9", 400).json()["errors"][0]["parameter"] == "size"


def test_a_stock_has_its_figures_their_time_and_source() -> None:
    """Price, change, previous close, "as of" in New York, source; mark-up in a name stays text."""
    svg = draw_stock(ITEM, [Decimal(1020), None, Decimal("1027.6"), Decimal(1025)], is_late=False)

    assert words(svg) == [
        "StocksALot", "KO", "The &lt;Coca-Cola&gt; Company", "$1,027.60", "+0.69%", "Previous close 1,020.60",
        "As of Fri, Nov 20, 2026, 16:00 EST. Source: Twelve Data.",
    ]  # fmt: skip
    assert "A newer hour is late" in words(draw_stock(ITEM, [], is_late=True))
    simulated = draw_stock({**ITEM, "source": "simulated"}, [], is_late=False)
    assert "Simulated prices" in words(simulated)
    unchanged = draw_stock({**ITEM, "change": None, "previous_close": None, "change_percent": None}, [], is_late=False)
    assert "%" not in "".join(words(unchanged))


def test_an_empty_market_says_why() -> None:
    """Before the first bar there is a sentence in place of figures."""
    assert "Nothing is fetched yet." in words(draw_market(NO_ROWS, "Nothing is fetched yet."))


def test_a_market_is_in_words_that_fit_its_figures() -> None:
    """One stock is up, not one are; what has not moved neither rose nor fell; nothing is shown twice."""
    changes = {"AA": Decimal(1), "BB": Decimal(0), "CC": Decimal(0)}

    def drawn(*tickers: str) -> list[str]:
        items = [
            {**ITEM, "ticker": one, "is_newest": True, "change": changes[one], "change_percent": changes[one]}
            for one in tickers
        ]
        return words(draw_market(JsonRows(json.dumps(items, default=float)[1:-1], len(items), None, ())))

    several, alone = drawn("AA", "BB", "CC"), drawn("AA")
    assert several[1:5] == ["1 of 3 stocks is up", "0 are down since the previous close", "Largest rise", "AA"]
    assert several[7] == "Unchanged"
    assert alone[1] == "1 of 1 stock is up"
    assert alone.count("AA") == 1


def test_the_chart_is_broken_where_a_bar_is_missing() -> None:
    """Nothing is drawn over a gap, and the previous close is a dotted line of its own."""
    drawn = chart([Decimal(1), None, Decimal(3), Decimal(2)], Decimal(2), 0, 100)

    assert re.findall(' d="(.*?)"', drawn) == ["M72 50.0H1128", "M72.0 100.0h0M776.0 0.0h0L1128.0 50.0"]
    assert chart([Decimal(1), None], None, 0, 100) == ""


def test_widths_of_figures_are_those_of_the_typeface() -> None:
    """A text as wide as the table of widths says ends there: the pixel columns behind it are empty."""
    shown = "+0,123.45%"
    head = '<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="60" font-family="Instrument Sans">'
    line = f'<text y="40" font-size="40" font-weight="600" x="{{}}">{shown}</text></svg>'
    width = round(text_width(shown, 40))

    whole, behind = (png((head + line).format(size, x)) for size, x in ((width, 0), (width, -width - 1)))

    assert len(whole) > len(behind) + 500
    assert behind == png(head.format(width) + "</svg>")
