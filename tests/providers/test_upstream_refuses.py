"""The fake vendors refuse as the vendors do, count credits, and apply faults on demand."""

from decimal import Decimal

import httpx
import pytest

from tests.fake_vendors import KEY, OTHER_KEY, Hands, Vendors, set_clock, utc, vendors
from tests.fakes.market_data.faults import CONNECTION, FINNHUB, LASTING, TWELVEDATA, Faults
from tests.providers.fetching import FRIDAY_NOON, series


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    """A clock at noon of a trading day."""
    return set_clock(monkeypatch, FRIDAY_NOON)


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"interval": "0.99min"}, 400, "Invalid **interval** provided: 0.99min. Supported intervals: 1min,"),
        ({"outputsize": "5001"}, 400, "**outputsize**"),
        ({"start_date": "yesterday-ish"}, 400, "**start_date**"),
        ({"start_date": "2026-11-20", "end_date": "2026-11-19"}, 400, "**start_date**"),
        ({"timezone": "Mars/Base"}, 400, "**timezone**"),
        ({"start_date": "2026-11-21", "end_date": "2026-11-22"}, 400, "No data is available on the specified dates."),
        ({"symbol": "NOPE"}, 404, "**symbol** or **figi** parameter is missing or invalid."),
        ({"symbol": ""}, 404, "**symbol** or **figi** parameter is missing or invalid."),
        ({"symbol": ",".join(f"S{number}" for number in range(121))}, 414, "exceeds the allowed length"),
    ],
)
def test_errors_have_the_vendors_code_and_text(
    upstream: Vendors, params: dict[str, str], code: int, words: str
) -> None:
    """An error for the whole request has its code as HTTP status and in a flat body; it costs nothing."""
    answer = upstream.get("/time_series", **{"symbol": "AAPL", "interval": "1h"} | params)

    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (code, code, "error")
    assert words in answer.json()["message"]
    assert answer.headers["api-credits-used"] == "0"


@pytest.mark.parametrize("key", ["", "unknown-key"])
def test_without_a_good_key_nothing_is_served(upstream: Vendors, key: str) -> None:
    """Both vendors answer 401, each in its own way."""
    ours, theirs = upstream.get("/time_series", key, symbol="AAPL"), upstream.get("/api/v1/quote", key, symbol="AAPL")

    assert (ours.status_code, theirs.status_code) == (401, 401)
    assert "**apikey** parameter is incorrect" in ours.json()["message"]


def test_a_symbol_that_fails_leaves_the_others_alone(upstream: Vendors) -> None:
    """In a batch the error stands in the symbol's place."""
    answer = upstream.get("/time_series", symbol="AAPL,NOPE", interval="1h").json()

    assert answer["AAPL"]["status"] == "ok"
    assert (answer["NOPE"]["code"], answer["NOPE"]["status"]) == (404, "error")


def test_credits_count_down_by_symbol_and_come_back_with_the_minute(upstream: Vendors, hands: Hands) -> None:
    """A batch costs a credit a symbol; one that is larger than what is left fails whole, and is on the record."""
    first = upstream.get("/time_series", symbol="AAPL,MSFT,KO,PEP,V", interval="1h")
    beyond = upstream.get("/time_series", symbol="AAPL,MSFT,KO,PEP", interval="1h")
    hands.forward(minutes=1)
    after = upstream.get("/time_series", symbol="AAPL,MSFT,KO,PEP", interval="1h")

    assert (first.headers["api-credits-used"], first.headers["api-credits-left"]) == ("5", "3")
    assert (beyond.status_code, after.status_code) == (429, 200)
    assert "current minute. 9 API credits were used, with the current limit being 8" in beyond.json()["message"]
    assert [one["violation"] for one in upstream.violations()] == ["minute"]


def test_each_key_has_its_own_credits(upstream: Vendors) -> None:
    """Two keys do not share a budget, and the record tells them apart without naming them."""
    for key in (KEY, OTHER_KEY):
        assert upstream.get("/time_series", key, symbol="AAPL,MSFT,KO,PEP,V", interval="1h").status_code == 200

    record = upstream.requests()
    assert len({one["key"] for one in record}) == 2
    assert KEY not in str(record)


def test_the_day_has_a_budget_too(hands: Hands) -> None:
    """Beyond the day's credits the text says "for the day", and the next UTC day is free again."""
    with vendors(per_minute=8, per_day=10) as upstream:
        upstream.get("/time_series", symbol="AAPL,MSFT,KO,PEP,V,MA,BA,GE", interval="1h")
        hands.forward(minutes=1)
        beyond = upstream.get("/time_series", symbol="AAPL,MSFT,KO", interval="1h")
        hands.at = utc("2026-11-21 00:00")
        after = upstream.get("/time_series", symbol="AAPL,MSFT,KO", interval="1h")

    assert "run out of API credits for the day" in beyond.json()["message"]
    assert after.status_code == 200


def test_finnhub_counts_calls(hands: Hands) -> None:
    """The 61st call of a minute would be refused; here it is the third."""
    with vendors(calls_per_minute=2) as upstream:
        answers = [upstream.get("/api/v1/quote", symbol="AAPL") for _ in range(3)]

        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[1].headers["X-Ratelimit-Remaining"] == "0"
        assert "Remaining Limit: 0" in answers[2].json()["error"]
        assert len(upstream.violations()) == 1


FAULTY_STATUS = {
    "minute_credits": 429,
    "day_credits": 429,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "no_data": 400,
    "bad_gateway": 502,
    "error_500": 500,
}


@pytest.mark.parametrize("kind", sorted(CONNECTION | TWELVEDATA.keys()))
def test_every_fault_of_twelve_data_happens_once(upstream: Vendors, kind: str) -> None:
    """A fault that is set changes the next answer, is on the record, and is over with it."""
    params = {"symbol": "AAPL,KO", "interval": "1h", "order": "asc", "outputsize": "9", "timezone": "UTC"}
    good = upstream.get("/time_series", **params)
    upstream.misbehave(kind, symbols=["AAPL"], seconds=0.2)

    try:
        bad = upstream.get("/time_series", **params)
    except httpx.HTTPError:
        bad = None

    assert bad is None or kind == "slow" or (bad.content, bad.headers.get("api-credits-left")) != (good.content, "4")
    assert bad is None or bad.status_code == FAULTY_STATUS.get(kind, 200)
    assert (bad is None) == (kind in ("timeout", "reset"))
    assert upstream.requests()[-1]["misbehaviour"] == kind
    upstream.forget()
    assert upstream.get("/time_series", **params).json() == good.json()


@pytest.mark.parametrize("kind", sorted(CONNECTION | FINNHUB.keys()))
def test_every_fault_of_finnhub_happens_once(upstream: Vendors, kind: str) -> None:
    """As with Twelve Data."""
    path = "/api/v1/stock/profile2" if kind in ("empty_profile", "missing_fields", "float_phone") else "/api/v1/quote"
    good = upstream.get(path, symbol="AAPL")
    upstream.misbehave(kind, vendor="finnhub", seconds=0.2)

    try:
        bad = upstream.get(path, symbol="AAPL")
    except httpx.HTTPError:
        bad = None

    assert bad is None or kind == "slow" or bad.content != good.content
    assert (bad is None) == (kind in ("timeout", "reset"))
    assert upstream.get(path, symbol="AAPL").json() == good.json()


def test_a_split_divides_all_prices_from_now_on(upstream: Vendors) -> None:
    """Between two runs the same old bar has another price."""
    before = series(upstream, outputsize="2")
    upstream.misbehave("split", symbols=["AAPL"], factor=10)
    after = series(upstream, outputsize="2")

    assert [Decimal(value["close"]) * 10 for value in after] == [Decimal(value["close"]) for value in before]
    assert [int(value["volume"]) for value in after] == [int(value["volume"]) * 10 for value in before]


def test_a_renamed_symbol_answers_to_its_new_name_alone(upstream: Vendors) -> None:
    """The old name is unknown from then on."""
    before = series(upstream, outputsize="2")
    upstream.misbehave("renamed", symbols=["AAPL"], to="APPL")

    assert series(upstream, symbol="APPL", outputsize="2") == before
    assert upstream.get("/time_series", symbol="AAPL", interval="1h").status_code == 404


def test_an_unknown_fault_is_refused_with_the_list() -> None:
    """A test that misspells a fault fails instead of passing without it."""
    with pytest.raises(Exception, match="weekend_bar"):
        Faults().order({"kind": "weekend"})

    assert LASTING.keys() == {"split", "renamed"}
