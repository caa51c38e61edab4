"""/tickers, /latest and /movers: who is tracked, what each ticker's own newest bar says, and who moved."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.reading import Api, Bar, at, change, hours, put, serving, sessions

FRIDAY = "2026-11-20"


def test_a_ticker_that_fell_behind_shows_its_own_newest_bar(database_url: str, redis_url: str) -> None:
    """/latest answers each ticker's own newest bar, sorted by ticker, and marks which are the market's newest."""
    put(
        database_url,
        [
            Bar("MSFT", at("2026-11-20 19:30"), "400"),
            Bar("MSFT", at("2026-11-20 20:30"), "401"),
            Bar("AAPL", at("2026-11-20 19:30"), "270"),
            Bar("XOM", at("2026-11-18 15:30"), "117"),
        ],
    )

    with serving(database_url, redis_url) as api:
        items = api.items("/latest")

    assert [(item["ticker"], item["datetime"], item["open"], item["is_newest"]) for item in items] == [
        ("AAPL", "2026-11-20T19:30:00Z", 270, False),
        ("MSFT", "2026-11-20T20:30:00Z", 401, True),
        ("XOM", "2026-11-18T15:30:00Z", 117, False),
    ]


def test_numbers_leave_as_they_are_stored(database_url: str, redis_url: str) -> None:
    """Prices keep every digit, trailing zeros and more than a binary fraction holds, in /latest and /ohlc alike."""
    change(
        database_url,
        """
        INSERT INTO bars (ticker, interval, start, open, high, low, close, volume, source, revision, received_at)
        VALUES ('BRK.A', '1h', '2026-11-20T20:30Z', 712345.670000, 712345.6789012345678901, 712000.10, 712345.00,
                9007199254740993, 'replay', 2, '2026-11-20T21:05Z')
        """,
    )
    digits = (
        b'"open":712345.670000,"high":712345.6789012345678901,"low":712000.10,"close":712345.00,'
        b'"volume":9007199254740993,'
    )

    with serving(database_url, redis_url) as api:
        assert digits in api.get("/latest").content
        assert digits in api.get("/ohlc/BRK.A").content


def test_an_item_carries_the_keys_of_the_first_system(database_url: str, redis_url: str) -> None:
    """A client of the first system finds its keys; what was added says interval, end, revision and finality."""
    put(database_url, [Bar("AAPL", at("2026-11-20 20:30"), "270.10", source="replay", revision=3)])
    change(database_url, "UPDATE companies SET name = 'Apple Computer' WHERE ticker = 'AAPL'")

    with serving(database_url, redis_url) as api:
        answer = api.json("/latest")

    assert {key: answer[key] for key in answer if key != "items"} == {
        "count": 1,
        "as_of": "2026-11-20T21:00:00Z",
        "source": "replay",
        "sources": ["replay"],
        "stale": False,
        "exchange_tz": "America/New_York",
        "reason": None,
    }
    assert answer["items"] == [
        {
            "datetime": "2026-11-20T20:30:00Z",
            "timestamp": 1795206600,
            "ticker": "AAPL",
            "name": "Apple Computer",
            "open": Decimal("270.10"),
            "high": Decimal("271.10"),
            "low": Decimal("269.10"),
            "close": Decimal("270.60"),
            "volume": 1000,
            "source": "replay",
            "stored_company_name": "Apple Inc.",
            "interval": "1h",
            "end": "2026-11-20T21:00:00Z",
            "session": FRIDAY,
            "revision": 3,
            "received_at": "2026-11-20T21:32:00Z",
            "is_final": True,
            "is_newest": True,
            "previous_close": None,
            "previous_close_at": None,
            "change": None,
            "change_percent": None,
        }
    ]


def test_change_counts_from_the_close_of_the_session_before(database_url: str, redis_url: str) -> None:
    """The change is against the last bar of the session before, and unknown when exactly that bar is not stored."""
    put(
        database_url,
        [
            Bar("AAPL", at("2026-11-19 20:30"), "200"),
            Bar("AAPL", at("2026-11-20 14:30"), "150"),
            Bar("AAPL", at("2026-11-20 15:30"), "210"),
            Bar("MSFT", at("2026-11-19 19:30"), "400"),
            Bar("MSFT", at("2026-11-20 15:30"), "410"),
        ],
    )

    with serving(database_url, redis_url) as api:
        apple, microsoft = api.items("/latest")

    assert (apple["previous_close"], apple["previous_close_at"]) == (Decimal("200.5"), "2026-11-19T21:00:00Z")
    assert (apple["change"], apple["change_percent"]) == (Decimal("10.0"), Decimal("4.9875"))
    assert (microsoft["previous_close"], microsoft["change"], microsoft["change_percent"]) == (None, None, None)


def test_two_sources_are_called_mixed(database_url: str, redis_url: str) -> None:
    """An answer whose bars come from several sources says mixed and lists them."""
    put(
        database_url,
        [
            Bar("AAPL", at("2026-11-20 20:30"), source="twelvedata"),
            Bar("MSFT", at("2026-11-20 20:30"), source="replay"),
        ],
    )

    with serving(database_url, redis_url) as api:
        answer = api.json("/latest")

    assert (answer["source"], answer["sources"]) == ("mixed", ["replay", "twelvedata"])


def test_an_empty_database_answers_no_items(database_url: str, redis_url: str) -> None:
    """Before the first bar every endpoint answers, with nothing in it."""
    with serving(database_url, redis_url) as api:
        answers = [
            api.json(path)
            for path in ("/latest", "/ohlc/AAPL", "/ohlc", "/ohlc/AAPL?interval=1w", "/movers", "/coverage")
        ]

    assert [(answer["as_of"], answer["source"]) for answer in answers] == [(None, None)] * 6
    assert [answer["count"] for answer in answers] == [0, 0, 0, 0, 0, 5]


def test_tickers_are_those_that_are_tracked(database_url: str, redis_url: str) -> None:
    """/tickers lists the active ones with their names; a profile is there for the others too, and for lower case."""
    change(database_url, "UPDATE tickers SET active = false WHERE ticker = 'XOM'")

    with serving(database_url, redis_url) as api:
        answer = api.json("/tickers")
        apple, exxon = api.json("/tickers/aapl"), api.json("/tickers/XOM")
        missing = api.get("/tickers/NOPE", 404).json()

    assert answer["count"] == len(answer["items"]) == 49
    assert {"ticker": "AAPL", "name": "Apple Inc."}.items() <= answer["items"][0].items()
    assert (apple["ticker"], apple["market_cap_millions"], apple["market_cap"]) == ("AAPL", 3730000, 3730000)
    assert (apple["active"], exxon["active"]) == (True, False)
    assert (missing["type"], missing["status"]) == ("https://stocksalot.tech/problems/unknown-ticker", 404)


@pytest.fixture
def moved(database_url: str, redis_url: str) -> Iterator[Api]:
    """Two sessions and three hours of bars: AAPL rises, MSFT falls, XOM stands; KO is an hour behind; V lacks a bar."""
    before = hours(sessions(database_url, "2026-11-18", "2026-11-20"))
    today = [at("2026-11-20 14:30"), at("2026-11-20 15:30"), at("2026-11-20 16:30")]
    prices = {"AAPL": (100, 103, 104, 110), "MSFT": (100, 99, 97, 90), "XOM": (100, 100, 100, 100)}
    bars = [
        Bar(ticker, start, str(price), volume)
        for ticker, (old, *new) in prices.items()
        for start, price, volume in [
            *((start, old, 1000) for start in before),
            *zip(today, new, (500, 600, 700), strict=True),
        ]
    ]
    bars += [Bar("KO", start, "50") for start in before] + [Bar("KO", start, "90") for start in today[:2]]
    bars += [Bar("V", start, "50") for start in before[:-1]] + [Bar("V", start, "60") for start in today]
    put(database_url, bars)
    with serving(database_url, redis_url, "2026-11-20T17:31:00+00:00") as api:
        yield api


def test_gainers_rose_since_the_close_before(moved: Api) -> None:
    """Gainers are ranked by change since the previous close; who lags comes last, who cannot be is listed apart."""
    answer = moved.json("/movers")

    assert [(item["profile"]["ticker"], item["change_percent"], item["is_newest"]) for item in answer["items"]] == [
        ("AAPL", Decimal("9.9502"), True),
        ("KO", Decimal("79.2079"), False),
    ]
    assert answer["not_ranked"] == [
        {"ticker": "V", "datetime": "2026-11-20T16:30:00Z", "is_newest": True, "reason": "bar-missing"}
    ]
    assert answer["as_of"] == "2026-11-20T17:30:00Z"


def test_a_mover_says_what_is_compared_with_what(moved: Api) -> None:
    """Each figure of a mover comes with its basis, its times and its window, in the first system's keys and ours."""
    (item, *_) = moved.items("/movers")

    assert item["profile"]["name"] == "Apple Inc."
    assert item["current_metrics"] == {
        "datetime": "2026-11-20T16:30:00Z",
        "timestamp": 1795192200,
        "end": "2026-11-20T17:30:00Z",
        "open": 110,
        "high": 111,
        "low": 109,
        "close": Decimal("110.5"),
        "volume": 700,
        "source": "simulated",
    }
    assert item["metric_deltas"] == {"open": 10, "high": 10, "low": 10, "close": Decimal("10.0"), "volume": -300}
    assert (item["basis"], item["basis_price"]) == ("previous_close", Decimal("100.5"))
    assert (item["basis_datetime"], item["basis_at"]) == ("2026-11-19T20:30:00Z", "2026-11-19T21:00:00Z")
    assert (item["window"]["start"], item["window"]["bars"], item["window"]["bars_expected"]) == (
        "2026-11-20T14:30:00Z",
        3,
        3,
    )
    assert (item["window"]["high"], item["window"]["low"], item["window"]["volume"]) == (111, 102, 1800)


@pytest.mark.parametrize(
    ("query", "first", "figure"),
    [
        ("kind=losers", "MSFT", ("change_percent", Decimal("-9.9502"))),
        ("kind=losers&basis=session_open", "MSFT", ("change_percent", Decimal("-8.5859"))),
        ("kind=gainers&basis=session_open", "AAPL", ("change_percent", Decimal("7.2816"))),
        ("kind=gainers&basis=previous_bar", "AAPL", ("change_percent", Decimal("5.7416"))),
        ("kind=losers&basis=previous_bar", "MSFT", ("basis_price", Decimal("97.5"))),
        ("kind=volatile&basis=session_open", "MSFT", ("basis_price", 99)),
        ("kind=active&basis=session_open", "V", ("basis_price", 60)),
        ("kind=active&basis=previous_bar", "V", ("basis_at", "2026-11-20T16:30:00Z")),
    ],
)
def test_movers_by_kind_and_basis(moved: Api, query: str, first: str, figure: tuple[str, object]) -> None:
    """Each kind and basis ranks by what its definition says."""
    item = moved.items(f"/movers?{query}")[0]

    assert item["profile"]["ticker"] == first
    assert item[figure[0]] == figure[1]


@pytest.mark.parametrize("basis", ["previous_close", "previous_bar", "session_open"])
@pytest.mark.parametrize("kind", ["gainers", "losers", "active", "unusual_volume", "volatile"])
def test_change_is_the_close_less_the_basis_price(moved: Api, kind: str, basis: str) -> None:
    """change and change_percent are both of the newest close and basis_price, for every kind and basis."""
    items = moved.items(f"/movers?kind={kind}&basis={basis}&limit=50")
    measured = [item for item in items if item["basis_price"] is not None]
    changes = [item["current_metrics"]["close"] - item["basis_price"] for item in measured]
    shares = [change / item["basis_price"] for change, item in zip(changes, measured, strict=True)]

    assert kind == "unusual_volume" or measured
    assert [item["change"] for item in measured] == changes
    assert [item["change_percent"] for item in measured] == [round(share * 100, 4) for share in shares]
    assert {item["change"] for item in items if item["basis_price"] is None} <= {None}


def test_volume_is_unusual_against_the_same_hours_before(database_url: str, redis_url: str) -> None:
    """Unusual volume compares the session so far with the same hours of earlier whole sessions, five at least."""
    market = sessions(database_url, "2026-11-12", "2026-11-20")
    bars = [Bar("AAPL", start, volume=100 + slot) for s in market.sessions for slot, start in enumerate(s.starts("1h"))]
    bars += [Bar("AAPL", at("2026-11-20 14:30"), volume=300), Bar("AAPL", at("2026-11-20 15:30"), volume=303)]
    bars += [bar for start in hours(sessions(database_url, "2026-11-17", "2026-11-20")) for bar in [Bar("MSFT", start)]]
    bars += [Bar("MSFT", at("2026-11-20 14:30"), volume=9000), Bar("MSFT", at("2026-11-20 15:30"), volume=9000)]
    put(database_url, bars)

    with serving(database_url, redis_url) as api:
        answer = api.json("/movers?kind=unusual_volume")

    assert [(item["profile"]["ticker"], item["window"]["volume_ratio"]) for item in answer["items"]] == [("AAPL", 3)]
    assert [one["ticker"] for one in answer["not_ranked"]] == ["MSFT"]
    assert answer["items"][0]["window"]["usual_sessions"] == 6


def test_the_first_system_s_path_to_the_movers_still_leads_there(moved: Api) -> None:
    """/market_movers is /movers."""
    assert moved.get("/market_movers?limit=1").content == moved.get("/movers?limit=1").content
