"""The Python client, from its wheel, against a running system."""

import asyncio
import inspect
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pandas
import polars
import pytest
from pyarrow import parquet

from tests.reading import ROOT
from tests.running import System


@pytest.fixture
def client(stocksalot: Any, system: System) -> Iterator[Any]:
    """A synchronous client."""
    with stocksalot.Client(f"{system.url}/api") as client:
        yield client


def test_the_wheel_is_typed(wheel: Path) -> None:
    """It has the marker that type checkers look for, and no tests."""
    names = zipfile.ZipFile(wheel).namelist()

    assert "stocksalot/py.typed" in names
    assert all(name.startswith(("stocksalot/", "stocksalot-")) for name in names)


def test_every_method_returns_what_the_api_does(client: Any, system: System) -> None:
    """The members of each answer are those of the same request by hand."""
    asked = {
        "/tickers": client.tickers(),
        "/tickers/AAPL": client.ticker("AAPL"),
        "/search?q=app&limit=10": client.search("app"),
        "/latest?tickers=AAPL,MSFT&fields=ticker,close": client.latest(tickers=["AAPL", "MSFT"], fields="ticker,close"),
        "/overview": client.overview(),
        "/ohlc?tickers=BRK.A&interval=1d&limit=3": client.bars("BRK.A", interval="1d", limit=3),
        "/indicators/AAPL?indicators=sma:3,rsi&limit=2": client.indicators("AAPL", ["sma:3", "rsi"], limit=2),
        "/movers?kind=losers&limit=2": client.movers(kind="losers", limit=2),
        "/insights": client.insights(),
        "/coverage?tickers=AAPL&start=2026-11-16": client.coverage(tickers="AAPL", start=date(2026, 11, 16)),
        "/splits": client.splits(),
        "/calendar?start=2026-11-20&end=2026-11-30": client.calendar(start="2026-11-20", end="2026-11-30"),
        "/files/manifest.json": client.manifest(),
    }

    for path, answer in asked.items():
        assert answer.data == httpx.get(f"{system.url}/api{path}").json(parse_float=Decimal), path
    assert client.status().data["tickers"] == 50
    assert asked["/tickers"].items[0]["ticker"] == "AAPL"
    assert asked["/overview"].as_of == datetime(2026, 11, 20, 21, tzinfo=UTC)
    assert (asked["/overview"].source, asked["/overview"].is_stale) == ("simulated", False)


def test_pages_are_one_series(client: Any) -> None:
    """All bars of two tickers, each once, whatever the size of a page; the same for indicators."""
    start = datetime(2026, 11, 16, tzinfo=UTC)
    whole = client.bars(["AAPL", "MSFT"], start=start).items
    paged = list(client.iterate_bars(["AAPL", "MSFT"], start=start, limit=4))

    assert sorted(paged, key=lambda bar: (bar["ticker"], bar["timestamp"])) == whole
    assert len(whole) == 70
    assert len(list(client.iterate_indicators("AAPL", "sma:3", start=start, limit=9))) == 35


def test_items_become_data_frames(client: Any) -> None:
    """Instants are instants; prices are floats, or exact."""
    answer = client.bars("AAPL", interval="1d", limit=3)

    frame, exact = answer.to_pandas(), answer.to_pandas(exact=True)
    other, decimal = answer.to_polars(), answer.to_polars(exact=True)

    assert str(frame.datetime.dtype).startswith("datetime64[")
    assert str(frame.close.dtype) == "float64"
    assert [*exact.close] == [Decimal(bar["close"]) for bar in answer.items]
    assert (other["close"].dtype, other["datetime"].dtype) == (polars.Float64, polars.Datetime("us", "UTC"))
    assert decimal["close"].to_list() == [Decimal(bar["close"]) for bar in answer.items]
    assert "values.sma_3" in client.indicators("AAPL", "sma:3", limit=2).to_pandas()
    assert isinstance(client.bars("AAPL", start="2026-11-21", end="2026-11-22").to_pandas(), pandas.DataFrame)


def test_an_unchanged_answer_is_not_sent_again(
    stocksalot: Any, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second request carries the tag, is answered 304, and gives the same members."""
    seen = []
    send = httpx.Client.send
    monkeypatch.setattr(httpx.Client, "send", lambda self, request: seen.append(send(self, request)) or seen[-1])
    with stocksalot.Client(f"{system.url}/api") as client:
        first, second = client.latest(), client.latest()

    assert [one.status_code for one in seen] == [200, 304]
    assert first == second
    assert first.etag


def test_a_file_is_downloaded(client: Any) -> None:
    """The one of the manifest."""
    (item,) = client.manifest().items[-1:]
    content = client.download(item["name"])

    assert parquet.read_metadata(io.BytesIO(content)).num_rows == item["rows"]


def test_errors_say_what_to_change(stocksalot: Any, client: Any, system: System) -> None:
    """By kind, with the parameter."""
    with pytest.raises(stocksalot.BadRequestError, match="limit") as error:
        client.bars("AAPL", limit=9999)
    assert error.value.errors[0]["parameter"] == "limit"
    assert error.value.request_id
    with pytest.raises(stocksalot.NotFoundError, match="AAPL"):
        client.ticker("APPL")
    with (
        stocksalot.Client(f"{system.url}/api", token="sal_wrong") as other,
        pytest.raises(stocksalot.ForbiddenError),
    ):
        other.latest()
    with (
        stocksalot.Client("http://127.0.0.1:9/api", retries=0) as other,
        pytest.raises(stocksalot.ConnectionFailedError),
    ):
        other.latest()
    with pytest.raises(ValueError, match="time zone"):
        client.bars("AAPL", start=datetime(2026, 11, 16))  # noqa: DTZ001  that is the error


@pytest.mark.parametrize(("asked", "most_wait", "sent"), [("0", 60, 3), ("61", 60, 1)])
def test_it_waits_as_long_as_it_is_told(stocksalot: Any, asked: str, most_wait: float, sent: int) -> None:
    """After 429 and 503 the request is repeated, unless the wait is longer than the caller allows."""
    answers = [
        httpx.Response(429, headers={"Retry-After": asked}),
        httpx.Response(503),
        httpx.Response(200, json={"count": 0}),
    ]
    requests = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return answers[len(requests) - 1]

    with stocksalot.Client("http://test/api", most_wait=most_wait) as client:
        client._http = httpx.Client(base_url="http://test/api/", transport=httpx.MockTransport(answer))
        if sent == 1:
            with pytest.raises(stocksalot.TooManyRequestsError) as error:
                client.latest()
            assert error.value.retry_after == 61
        else:
            assert client.latest().data == {"count": 0}

    assert len(requests) == sent


def test_the_asynchronous_client_does_the_same(stocksalot: Any, system: System) -> None:
    """It has the same methods with the same parameters, and gives the same answers at once."""

    def signatures(kind: Any) -> dict[str, list[str]]:
        return {
            name: [*inspect.signature(one).parameters]
            for name, one in vars(kind).items()
            if inspect.isfunction(one) and not name.startswith("_")
        }

    async def ask() -> tuple[Any, ...]:
        async with stocksalot.AsyncClient(f"{system.url}/api") as client:
            newest, bars = await asyncio.gather(client.latest(), client.bars("AAPL", limit=5))
            return newest, bars, [bar async for bar in client.iterate_bars("AAPL", start="2026-11-16", limit=9)]

    newest, bars, paged = asyncio.run(ask())

    assert signatures(stocksalot.AsyncClient) == signatures(stocksalot.Client)
    assert (len(newest.items), len(bars.items), len(paged)) == (50, 5, 35)


def test_its_readme_can_be_followed(stocksalot: Any, system: System, capsys: pytest.CaptureFixture[str]) -> None:
    """The examples run as they stand, but for the address."""
    text = (ROOT / "clients" / "python" / "README.md").read_text().replace("http://localhost:8080", system.url)
    for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        exec(compile(block, "README.md", "exec"), {"__name__": "__main__"})

    assert "AAPL" in capsys.readouterr().out
