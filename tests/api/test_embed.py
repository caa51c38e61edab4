"""/embed over HTTP: a whole document in a few kilobytes, framed by any site, with an end in words for every fault."""

import re
import time
from collections.abc import Iterator
from decimal import Decimal
from urllib.parse import urlsplit

import psycopg
import pytest

from functions.api.embed import sparkline
from tests.conftest import new_database
from tests.reading import Api, Bar, change, hours, put, serving, sessions
from tests.waiting import wait_until

PAGE = "text/html,application/xhtml+xml,*/*;q=0.8"
ADD = """INSERT INTO tickers (ticker, name) VALUES ('EVIL', 'A <script>alert("1")</script> & Co')"""


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Four sessions of KO that lack one bar, one bar of AAPL, and MSFT without any."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-11-17", "2026-11-21"))
        change(url, "UPDATE tickers SET active = ticker IN ('KO', 'AAPL', 'MSFT')")
        change(url, ADD)
        put(url, [Bar("KO", start, f"{1000 + n}.10") for n, start in enumerate(starts) if n != 16])
        put(url, [Bar("AAPL", starts[-2]), Bar("EVIL", starts[-1])])
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over it, on Friday evening."""
    with serving(database, module_redis_url, PUBLIC_URL="https://stocks.example.com/") as api:
        yield api


def words(document: str) -> str:
    """Return the text that a reader sees or hears."""
    body = re.sub('<(style|script|noscript)>.*?</\\1>|<p class="note".*?</p>', "", document, flags=re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", body).split())


def test_it_has_price_change_time_and_source(api: Api) -> None:
    """The figures of /latest, as of when in New York, and where they come from, with a link to the stock."""
    bar = api.json("/latest/KO")
    answer = api.get("/embed/ko", Accept=PAGE)

    assert words(answer.text) == (
        "KO \N{EN DASH} StocksALot KO The Coca-Cola Company 1,027.60 USD ▲ +0.69% up since the previous close "
        "As of Fri, Nov 20, 2026, 16:00 EST . Source: simulated prices."
    )
    assert (bar["close"], round(bar["change_percent"], 2)) == (Decimal("1027.60"), Decimal("0.69"))
    assert f'<time datetime="{bar["end"]}">' in answer.text
    assert 'href="https://stocks.example.com/stocks/KO" target="_blank" rel="noopener"' in answer.text
    assert len(answer.content) < 8_000


def test_any_site_may_frame_it_and_nothing_else_runs_in_it(api: Api) -> None:
    """A policy of its own: one style and script by hash, no form, no other host, no cookie; /docs stays unframed."""
    answer = api.get("/embed/KO", Accept=PAGE)
    parts = [part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")]
    policy = dict(parts)

    assert policy["frame-ancestors"] == "*"
    assert (policy["default-src"], policy["connect-src"], policy["form-action"]) == ("'none'", "'self'", "'none'")
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "allow-same-origin" not in policy["sandbox"]
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not {"set-cookie", "x-frame-options"} & set(answer.headers)
    assert not re.search("cookie|[lL]ocalStorage|sessionStorage|Authorization|sal_", answer.text)
    assert "frame-ancestors 'none'" in api.get("/docs").headers["content-security-policy"]


def test_theme_and_size_are_parameters(api: Api) -> None:
    """small is without the chart; a wrong value is a problem that names the parameter."""
    assert '<html lang="en" class="auto medium">' in api.get("/embed/KO").text
    dark = api.get("/embed/KO?theme=dark&size=small").text
    assert '<html lang="en" class="dark small">' in dark
    assert ("<svg" in dark, "<svg" in api.get("/embed/KO?size=large").text) == (False, True)
    assert "theme should be one of auto, light, dark" in words(api.get("/embed/KO?theme=pink", 400, Accept=PAGE).text)


def test_every_fault_is_said_in_words(api: Api) -> None:
    """A document for a person, problem+json for a program, with the same status."""
    for path, status, said in (
        ("/embed/APPL", 404, "Unknown ticker Unknown: APPL. Did you mean AAPL?"),
        ("/embed/MSFT", 404, "No bar No bar of MSFT has been fetched yet."),
        ("/embed/%3Cb%3E", 404, "Unknown ticker Unknown: &lt;B&gt;"),
    ):
        answer = api.client.get(path, headers={"Accept": PAGE})
        assert answer.status_code == status
        assert said.lower() in words(answer.text).lower(), path
        assert "frame-ancestors *" in answer.headers["content-security-policy"]
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert api.get(path, status).headers["content-type"] == "application/problem+json"
    assert "A newer hour is late." in words(api.get("/embed/AAPL").text)
    assert "A newer hour is late." not in words(api.get("/embed/KO").text)
    moved = api.client.get("/embed/FB?theme=dark", headers={"Accept": PAGE}, follow_redirects=False)
    assert (moved.status_code, moved.headers["location"]) == (301, "META?theme=dark")


def test_a_name_is_text(api: Api) -> None:
    """Mark-up in a company's name stays text."""
    assert "A &lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; Co" in api.get("/embed/EVIL").text


def test_it_is_cached_as_every_answer(api: Api) -> None:
    """ETag and 304, a short max-age while a bar is late, limits in headers, HEAD."""
    answer = api.get("/embed/KO")

    assert api.get("/embed/KO", 304, If_None_Match=answer.headers["etag"]).content == b""
    assert answer.headers["cache-control"].startswith("public, max-age=5,")
    assert "ratelimit" in answer.headers
    assert api.client.head("/embed/KO").headers["content-length"] == str(len(answer.content))


def test_a_saved_copy_says_so(database_url: str, redis_url: str) -> None:
    """Without Postgres: the copy, whose note the style shows now; without a copy, words."""
    put(database_url, [Bar("KO", start) for start in hours(sessions(database_url, "2026-11-20", "2026-11-21"))])
    server, name = database_url.rsplit("/", 1)
    with serving(database_url, redis_url) as api:
        fresh = api.get("/embed/KO").text
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
            time.sleep(5.2)  # Redis's copy of the version is used for five seconds
            wait_until(lambda: "x-stale" in api.client.get("/embed/KO").headers)
            stale = api.get("/embed/KO").text
            none = api.get("/embed/KO?size=large", 503, Accept=PAGE)
            connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())

    assert stale == fresh.replace('"stale":false', '"stale":true')
    assert "Data unavailable The database does not answer." in words(none.text)
    assert none.headers["retry-after"]


def test_a_sparkline_is_broken_where_a_bar_is_missing() -> None:
    """Nothing is drawn over a gap; a bar alone is a dot; fewer than two closes are no line."""
    path = re.findall('d="(.*?)"', sparkline([Decimal(1), Decimal(2), None, Decimal(3), None, Decimal(2)]))[0]

    assert path == "M2.0 45.0h0L49.2 24.0M143.6 3.0h0M238.0 24.0h0"
    assert sparkline([Decimal(1), None]) == ""
    assert "24.0h0L" in sparkline([Decimal(1), Decimal(1)])
