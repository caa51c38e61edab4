"""The page follows the stream of events: what is new is requested when it is there, and once."""

from typing import TYPE_CHECKING

import pytest

from tests.page.fake_api import FakeApi
from tests.waiting import wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

PRINCIPAL = "sessionStorage.principal = JSON.stringify({ token: 'sal_x', email: 'ada@example.com' })"
FIRST = "event: bars\nid: 5..\ndata: {}\n\nevent: insights\nid: 5.7-1.\ndata: {}\n\nretry: 50\n\n"


class Stream:
    """Answers the requests for /events, one body after the other, then with nothing new."""

    def __init__(self, page: "Page", *bodies: str | int) -> None:
        self.headers: list[dict[str, str]] = []
        self._bodies = [*bodies]
        page.route("**/api/events", self._answer)

    def _answer(self, route: "Route") -> None:
        self.headers.append(route.request.headers)
        body = self._bodies.pop(0) if self._bodies else "retry: 3600000\n\n"
        if isinstance(body, int):
            route.fulfill(status=body, body="")
        else:
            route.fulfill(status=200, content_type="text/event-stream", body=body)


@pytest.fixture
def clocked(page: "Page") -> "Page":
    """A page whose clock the test moves: the stream is opened ten seconds after the prices."""
    page.clock.install()
    return page


def later(page: "Page", stream: Stream, count: int, step: int = 100) -> None:
    """Let time pass in steps (milliseconds) until the stream was requested *count* times."""
    page.locator("tr[data-ticker]").first.wait_for()

    def requested() -> bool:
        page.clock.run_for(1_000 if count == 1 else step)
        return len(stream.headers) >= count

    wait_until(requested)


def passed(page: "Page") -> bool:
    """Let a tenth of a second pass: even a thousand of them reach no instant at which the page asks by itself."""
    page.clock.run_for(100)
    return True


def asked(api: FakeApi, path: str) -> int:
    """Return how often the page requested what begins with *path*."""
    return sum(one.startswith(path) for one in api.requests)


def test_new_bars_are_requested_when_the_stream_tells_of_them(clocked: "Page") -> None:
    """Although nothing is due for ten minutes; what the first stream begins with is what was loaded."""
    api = FakeApi()
    api.open(clocked)
    stream = Stream(clocked, FIRST, "event: bars\nid: 6.7-1.\ndata: {}\n\nretry: 3600000\n\n")
    later(clocked, stream, 1)
    before = asked(api, "/latest")
    later(clocked, stream, 2)

    wait_until(lambda: passed(clocked) and asked(api, "/latest") > before)

    assert (before, asked(api, "/latest")) == (1, 2)
    assert [one.get("last-event-id") for one in stream.headers] == [None, "5.7-1."]


def test_new_insights_alone_request_the_insights_alone(clocked: "Page") -> None:
    """Prices have not changed."""
    api = FakeApi()
    api.open(clocked)
    stream = Stream(clocked, FIRST, "event: insights\nid: 5.7-2.\ndata: {}\n\nretry: 3600000\n\n")
    later(clocked, stream, 2)

    wait_until(lambda: passed(clocked) and asked(api, "/insights") > 1)

    assert (asked(api, "/insights"), asked(api, "/latest")) == (2, 1)


def test_a_reader_who_is_signed_in_follows_with_the_token(clocked: "Page") -> None:
    """So that alerts of the account are told."""
    clocked.add_init_script(PRINCIPAL)
    FakeApi().open(clocked)
    stream = Stream(clocked, FIRST)
    later(clocked, stream, 1)

    assert stream.headers[0]["authorization"] == "Bearer sal_x"


def test_without_the_stream_the_page_asks_as_before(clocked: "Page") -> None:
    """An error is no news to the reader; it is tried again later, ever more slowly."""
    api = FakeApi()
    api.max_age = 30
    api.open(clocked)
    stream = Stream(clocked, 404, 503, "endless" * 4_000)
    later(clocked, stream, 3, step=3_000)

    assert asked(api, "/latest") > 1
    wait_until(lambda: clocked.locator("[data-state]").count() == 0)
