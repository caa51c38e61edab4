"""Yahoo's chart endpoint as its clients see it: columns with nulls, binary fractions, the live price as a last bar."""

import struct
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, request

from shared.runtime import clock
from tests.fakes.market_data import connection
from tests.fakes.market_data.faults import Fault, Faults
from tests.fakes.market_data.market import Market
from tests.fakes.market_data.request_log import RequestLog, RequestRecord

_UNKNOWN = {"code": "Not Found", "description": "No data found, symbol may be delisted"}


@dataclass
class Yahoo:
    """The vendor: what it knows, what it counts, how it fails, whom it prices otherwise."""

    market: Market
    log: RequestLog
    faults: Faults
    differing: frozenset[str]

    def blueprint(self) -> Blueprint:
        """Return its route."""
        routes = Blueprint("yahoo", __name__, url_prefix="/v8")
        routes.add_url_rule("/finance/chart/<symbol>", "chart", self._view)
        return routes

    def _view(self, symbol: str) -> Response:
        ticker = symbol.replace("-", ".")
        record = RequestRecord(clock.now(), "/v8/finance/chart", [ticker], dict(request.args), "", "nowhere")
        fault = self.faults.take("yahoo", [ticker])
        record.misbehaviour = fault and fault.kind
        self.log.add(record)

        def good() -> Response:
            record.violation = self.log.charge("yahoo", 1)
            looks_like_browser = request.headers.get("User-Agent", "").startswith("Mozilla/")
            if record.violation or not looks_like_browser or (fault and fault.kind == "throttled"):
                return Response("Too Many Requests", 429, content_type="text/plain")
            record.credits = 1
            return self._chart(ticker, symbol, fault)

        response = (fault and connection.apply_fault(fault, good)) or good()
        record.status = response.status_code
        return response

    def _chart(self, ticker: str, symbol: str, fault: Fault | None) -> Response:
        now = clock.now()
        if ticker not in self.market.symbols:
            response = jsonify(chart={"result": None, "error": _UNKNOWN})
            response.status_code = 404
            return response
        start, end = (datetime.fromtimestamp(int(request.args[name]), UTC) for name in ("period1", "period2"))
        rows = self.market.rows(ticker, "1h", start, end, now)
        factor = Decimal("1.02") if ticker in self.differing else Decimal(1)
        columns: dict[str, list[Any]] = {
            name: [_float32(getattr(row, name), factor) for row in rows] for name in ("open", "high", "low", "close")
        }
        columns["volume"] = [None if row.volume is None else int(row.volume) for row in rows]
        times = [int(row.start.timestamp()) for row in rows]
        if fault and fault.kind == "nulls" and times:
            for column in columns.values():
                column[-1] = None
        if fault and fault.kind == "post_market" and times:
            times.append(times[-1] + 3600 * 2)
            for column in columns.values():
                column.append(column[-1])
        live = int(now.timestamp())
        if times and now < end + timedelta(hours=1):
            times.append(live)
            for name, column in columns.items():
                column.append(0 if name == "volume" else column[-1])
        result: dict[str, Any] = {
            "meta": {
                "currency": "USD",
                "symbol": symbol,
                "instrumentType": "EQUITY",
                "regularMarketTime": live,
                "exchangeTimezoneName": "America/New_York",
                "dataGranularity": "30m" if fault and fault.kind == "wrong_interval" else "1h",
            },
            "indicators": {"quote": [columns if times else {}]},
        }
        if times:
            result["timestamp"] = times
        return jsonify(chart={"result": [result], "error": None})


def _float32(value: Decimal | None, factor: Decimal) -> float | None:
    """Return *value* as the 32 bit fraction that the vendor prints."""
    return None if value is None else struct.unpack("f", struct.pack("f", value * factor))[0]
