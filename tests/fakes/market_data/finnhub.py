"""Finnhub's /quote and /stock/profile2, under /api/v1."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify, request

from shared.runtime import clock
from tests.fakes.market_data import connection
from tests.fakes.market_data.faults import Fault, Faults
from tests.fakes.market_data.market import Market
from tests.fakes.market_data.request_log import RequestLog, RequestRecord, mask

_LIMIT = "API limit reached. Please try again later. Remaining Limit: 0"
_THREE_DAYS = 3 * 86_400


@dataclass
class Finnhub:
    """The vendor: what it knows, whom it lets in (*keys*; none: anybody with a key), what it counts, how it fails."""

    market: Market
    keys: frozenset[str]
    log: RequestLog
    faults: Faults

    def blueprint(self) -> Blueprint:
        """Return its routes."""
        routes = Blueprint("finnhub", __name__, url_prefix="/api/v1")
        for path, answer in {
            "/quote": self._quote,
            "/stock/profile2": self._profile,
        }.items():
            routes.add_url_rule(path, path[1:].replace("/", "_"), self._served(path, answer))
        return routes

    def _served(self, path: str, answer: Callable[[str, Fault | None], Response]) -> Callable[[], Response]:
        def view() -> Response:
            header, query = request.headers.get("X-Finnhub-Token"), request.args.get("token", "")
            key = query if header is None else header
            symbol = request.args.get("symbol", "").upper()
            params = {name: value for name, value in request.args.items() if name not in ("token", "symbol")}
            key_in = "header" if header is not None else "query" if query else "nowhere"
            record = RequestRecord(clock.now(), f"/api/v1{path}", [symbol] if symbol else [], params, mask(key), key_in)
            fault = self.faults.take("finnhub", record.symbols) if symbol else None
            record.misbehaviour = fault and fault.kind
            self.log.add(record)

            def good() -> Response:
                return self._answer(key, symbol, record, fault, answer)

            response = (fault and connection.apply_fault(fault, good)) or good()
            record.status = response.status_code
            return response

        return view

    def _answer(
        self,
        key: str,
        symbol: str,
        record: RequestRecord,
        fault: Fault | None,
        answer: Callable[[str, Fault | None], Response],
    ) -> Response:
        kind = fault.kind if fault else ""
        if not key:
            return _error(401, "Please use an API key.")
        if kind == "unauthorized" or (self.keys and key not in self.keys):
            return _error(401, "Invalid API key")
        if kind == "text_429":
            return Response("API limit reached. Please sign up for a free account.", 429, content_type="text/plain")
        if kind == "json_429":
            return _error(429, _LIMIT)
        record.violation = self.log.charge(key, 1)
        if record.violation:
            return _error(429, _LIMIT)
        record.credits = 1
        response = answer(symbol, fault)
        response.headers["X-Ratelimit-Limit"] = str(self.log.per_minute)
        response.headers["X-Ratelimit-Remaining"] = str(self.log.per_minute - self.log.usage(key).minute)
        return response

    def _quote(self, symbol: str, fault: Fault | None) -> Response:
        now = clock.now()
        rows = self.market.newest(symbol, now, 2) if symbol in self.market.symbols else []
        session = self.market.market.last_opened(now)
        if len(rows) < 2 or session is None or (fault and fault.kind == "zeros"):
            return jsonify(c=0, d=None, dp=None, h=0, l=0, o=0, pc=0, t=0)
        divisor = self.faults.factors.get(symbol, Decimal(1))
        before, newest = rows
        price, last = _number(newest.close, divisor), _number(before.close, divisor)
        quoted_at = int(min(now, session.closes).timestamp())
        return jsonify(
            c=price,
            d=round(price - last, 4),
            dp=round((price - last) / last * 100, 4),
            h=_number(newest.high, divisor),
            l=_number(newest.low, divisor),
            o=_number(newest.open, divisor),
            pc=last,
            t=quoted_at - _THREE_DAYS if fault and fault.kind == "stale_quote" else quoted_at,
        )

    def _profile(self, symbol: str, fault: Fault | None) -> Response:
        company = self.market.companies.get(symbol)
        if company is None or (fault and fault.kind == "empty_profile"):
            return jsonify({})
        now = clock.now()
        rows = self.market.newest(symbol, now, 1)
        shares = float(company["shares_millions"] or 0)
        price = _number(rows[-1].close, Decimal(1)) if rows else 0.0
        profile: dict[str, Any] = {
            "country": company["country"],
            "currency": company["currency"],
            "estimateCurrency": company["currency"],
            "exchange": "NASDAQ NMS - GLOBAL MARKET"
            if company["exchange"] == "NASDAQ"
            else "NEW YORK STOCK EXCHANGE, INC.",
            "finnhubIndustry": company["industry"],
            "ipo": company["ipo"] or "",
            "logo": f"https://static2.finnhub.io/file/publicdatany/finnhubimage/stock_logo/{symbol}.png",
            "marketCapitalization": round(price * shares, 6),
            "name": company["name"],
            "phone": "14085550100",
            "shareOutstanding": shares,
            "ticker": symbol,
            "weburl": company["website"],
        }
        if fault and fault.kind == "float_phone":
            profile["phone"] += ".0"
        if fault and fault.kind == "missing_fields":
            profile = {"ticker": symbol, "name": profile["name"], "ipo": "", "weburl": "", "marketCapitalization": 0}
        return jsonify(profile)


def _error(status: int, text: str) -> Response:
    response = jsonify(error=text)
    response.status_code = status
    return response


def _number(price: Decimal | None, divisor: Decimal) -> float:
    return round(float((price or Decimal()) / divisor), 4)
