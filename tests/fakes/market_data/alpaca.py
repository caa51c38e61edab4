"""Alpaca as its clients see it: /v2/stocks/bars, half hours with extended hours, by symbol, in pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from flask import Blueprint, Response, jsonify, request

from shared.runtime import clock
from tests.fakes.market_data import connection
from tests.fakes.market_data.faults import Fault, Faults
from tests.fakes.market_data.market import Market, Row
from tests.fakes.market_data.request_log import RequestLog, RequestRecord, mask

HALF = timedelta(minutes=30)
SIP_DELAY = timedelta(minutes=15)
IEX_SHARE = Decimal("0.035")


@dataclass
class Alpaca:
    """The vendor: what it knows, whom it lets in, what it counts, how it fails, whom it prices otherwise."""

    market: Market
    keys: frozenset[str]
    log: RequestLog
    faults: Faults
    differing: frozenset[str]

    def blueprint(self) -> Blueprint:
        """Return its route."""
        routes = Blueprint("alpaca", __name__, url_prefix="/v2")
        routes.add_url_rule("/stocks/bars", "stocks_bars", self._view)
        return routes

    def _view(self) -> Response:
        key, secret = request.headers.get("APCA-API-KEY-ID", ""), request.headers.get("APCA-API-SECRET-KEY", "")
        symbols = [symbol for symbol in request.args.get("symbols", "").split(",") if symbol]
        params = {name: value for name, value in request.args.items() if name != "symbols"}
        record = RequestRecord(
            clock.now(), "/v2/stocks/bars", symbols, params, mask(key), "header" if key else "nowhere"
        )
        fault = self.faults.take("alpaca", symbols)
        record.misbehaviour = fault and fault.kind
        self.log.add(record)

        def good() -> Response:
            if not secret or (self.keys and key not in self.keys) or (fault and fault.kind == "unauthorized"):
                return _error(401, "unauthorized.")
            if fault and fault.kind == "retry_after":
                answer = _error(429, "too many requests.")
                answer.headers["Retry-After"] = str(fault.options.get("seconds", 90))
                return answer
            record.violation = self.log.charge(key, 1)
            if record.violation:
                return _error(429, "too many requests.")
            record.credits = 1
            return self._answer(symbols, params, fault)

        response = (fault and connection.apply_fault(fault, good)) or good()
        record.status = response.status_code
        return response

    def _answer(self, symbols: list[str], params: dict[str, str], fault: Fault | None) -> Response:
        now, feed, limit = clock.now(), params.get("feed", "sip"), int(params.get("limit", "1000"))
        start, end = (datetime.fromisoformat(params[name]).astimezone(UTC) for name in ("start", "end"))
        if params.get("timeframe") != "30Min" or not 1 <= limit <= 10_000:
            return _error(400, "invalid timeframe or limit")
        if feed == "sip" and ((fault and fault.kind == "recent_sip") or end > now - SIP_DELAY):
            return _error(403, "subscription does not permit querying recent SIP data")
        if fault and fault.kind == "no_object":
            return jsonify(["nothing"])
        # By symbol, then by time; the token is how many bars have been sent.
        sent = int(params.get("page_token") or 0)
        bars = (
            (symbol, row)
            for symbol in sorted(symbols)
            for row in _spoil(fault, symbol, self._halves(symbol, start, end, now, feed))
        )
        page = list(islice(bars, sent, sent + limit + 1))
        found: dict[str, list[dict[str, Any]]] = {}
        for symbol, row in page[:limit]:
            found.setdefault(symbol, []).append(row)
        return jsonify(bars=found, next_page_token=str(sent + limit) if len(page) > limit else None)

    def _halves(self, symbol: str, start: datetime, end: datetime, now: datetime, feed: str) -> list[dict[str, Any]]:
        if symbol not in self.market.symbols:
            return []
        rows: list[Row] = []
        hours = self.market.rows(symbol, "1h", start - 2 * HALF, end + HALF, now)
        for hour in hours:
            session = self.market.market.session_at(hour.start)
            if session and hour.start == session.opens:
                # Extended hours come unrequested.
                rows += [Row(session.opens - HALF * count, *hour[1:5], Decimal(9)) for count in (3, 2, 1)]
            rows += split_hour(hour, whole=self.market.is_whole(symbol, hour))
        factor = Decimal("1.02") if symbol in self.differing else Decimal(1)
        share = IEX_SHARE if feed == "iex" else Decimal(1)
        divisor = self.faults.factors.get(symbol, Decimal(1))
        return [_row(row, factor / divisor, share) for row in rows if start <= row.start <= end and row.start < now]


def split_hour(hour: Row, *, whole: bool) -> Iterator[Row]:
    """Yield the half hours that add up to *hour*; one of half an hour is its own."""
    if not whole or None in (hour.open, hour.high, hour.low, hour.close):
        yield hour
        return
    assert hour.open is not None
    assert hour.close is not None
    middle = round((hour.open + hour.close) / 2, 2)
    first = None if hour.volume is None else hour.volume // 2
    last = None if hour.volume is None or first is None else hour.volume - first
    yield Row(hour.start, hour.open, hour.high, min(hour.open, middle), middle, first)
    yield Row(hour.start + HALF, middle, max(middle, hour.close), hour.low, hour.close, last)


def _row(row: Row, factor: Decimal, share: Decimal) -> dict[str, Any]:
    prices = [None if price is None else float(round(price * factor, 4)) for price in row[1:5]]
    volume = None if row.volume is None else max(int(row.volume * share), 1)
    figures = dict(zip("ohlc", prices, strict=True))
    return {"t": row.start.strftime("%Y-%m-%dT%H:%M:%SZ"), **figures, "v": volume, "n": 12, "vw": prices[3]}


def _spoil(fault: Fault | None, symbol: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if fault is None or not rows or not fault.concerns(symbol):
        return rows
    if fault.kind == "missing_half":
        return rows[:-1]
    if fault.kind == "missing_volume":
        return [*rows[:-1], {name: figure for name, figure in rows[-1].items() if name != "v"}]
    if fault.kind == "zero_volume":
        return [*rows[:-1], rows[-1] | {"v": 0}]
    if fault.kind == "null_values":
        return [*rows[:-1], rows[-1] | dict.fromkeys("ohlcv")]
    return rows


def _error(status: int, message: str) -> Response:
    response = jsonify(code=status * 100_000, message=message)
    response.status_code = status
    return response
