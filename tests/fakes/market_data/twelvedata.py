"""Twelve Data's /time_series."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, jsonify

from tests.fakes.market_data import connection
from tests.fakes.market_data.faults import Fault, Faults
from tests.fakes.market_data.faulty_series import spoil
from tests.fakes.market_data.market import Market, Row
from tests.fakes.market_data.request_log import RequestLog, RequestRecord, Window
from tests.fakes.market_data.requests import Refused, Request, read_request, span

Answer = Callable[[Request, Fault | None], Any]

MOST_SYMBOLS = 120

BAD_KEY = (
    "**apikey** parameter is incorrect or not specified. You can get your free API key instantly following this link: "
    "https://twelvedata.com/pricing. If you believe that everything is correct, you can contact us at "
    "https://twelvedata.com/contact/customer"
)
BAD_SYMBOL = (
    "**symbol** or **figi** parameter is missing or invalid. Please provide a valid symbol according to API "
    "documentation: https://twelvedata.com/docs#reference-data"
)
NO_DATA = "No data is available on the specified dates. Try setting different start/end dates."
FORBIDDEN = "/time_series is available exclusively with grow or pro or ultra or enterprise plans. Consider upgrading"


@dataclass
class TwelveData:
    """The vendor: what it knows, whom it lets in (*keys*; none: anybody with a key), what it counts, how it fails."""

    market: Market
    keys: frozenset[str]
    log: RequestLog
    faults: Faults

    def blueprint(self) -> Blueprint:
        """Return its routes."""
        routes = Blueprint("twelvedata", __name__)
        routes.add_url_rule("/time_series", "time_series", self._served("/time_series", self._time_series))
        return routes

    def _served(self, path: str, answer: Answer) -> Callable[[], Response]:
        """Return a view that checks the key, charges credits, applies a fault, and records the request."""

        def view() -> Response:
            question = read_request()
            record = question.record(path)
            fault = self.faults.take("twelvedata", question.symbols) if question.symbols else None
            record.misbehaviour = fault and fault.kind
            self.log.add(record)

            def good() -> Response:
                return self._answer(question, record, fault, answer)

            response = (fault and connection.apply_fault(fault, good)) or good()
            record.status = response.status_code
            return response

        return view

    def _answer(self, question: Request, record: RequestRecord, fault: Fault | None, answer: Answer) -> Response:
        try:
            self._check(question)
            if fault:
                self._raise(fault, question)
            body = answer(question, fault)
            if spent := self.log.charge(question.key, question.cost):
                record.violation = spent
                raise self._out_of_credits(spent, question)
            record.credits = question.cost
            response = jsonify(body)
            if len(question.symbols) > 1:
                response.headers["Is_batch"] = "true"
        except Refused as refused:
            response = jsonify(code=refused.code, message=refused.message, status="error")
            response.status_code = refused.status
        if question.key:
            used = self.log.usage(question.key).minute
            nothing_left = fault is not None and fault.kind == "credits_left_zero"
            response.headers["api-credits-used"] = str(self.log.per_minute if nothing_left else used)
            response.headers["api-credits-left"] = str(0 if nothing_left else self.log.per_minute - used)
        return response

    def _check(self, question: Request) -> None:
        if not question.key or (self.keys and question.key not in self.keys):
            raise Refused(401, BAD_KEY)
        if len(question.symbols) > MOST_SYMBOLS:
            raise Refused(414, "Input parameter array exceeds the allowed length")

    def _raise(self, fault: Fault, question: Request) -> None:
        """Raise the error that *fault* is, if it is one for the whole request."""
        errors = {
            "minute_credits": (429, out_of_credits("minute", self.log, self.log.per_minute + question.cost)),
            "day_credits": (429, out_of_credits("day", self.log, (self.log.per_day or 0) + question.cost)),
            "unauthorized": (401, BAD_KEY),
            "forbidden": (403, FORBIDDEN),
            "not_found": (404, BAD_SYMBOL),
            "no_data": (400, NO_DATA),
        }
        kind = fault.kind.removesuffix("_200")
        if kind in errors:
            raise Refused(*errors[kind], status=200 if kind != fault.kind else None)

    def _out_of_credits(self, window: Window, question: Request) -> Refused:
        used = self.log.usage(question.key)
        return Refused(429, out_of_credits(window, self.log, getattr(used, window) + question.cost))

    def _time_series(self, question: Request, fault: Fault | None) -> dict[str, Any]:
        if not question.symbols:
            raise Refused(404, BAD_SYMBOL)
        answers = {
            symbol: self._series(symbol, question, fault if fault and fault.concerns(symbol) else None)
            for symbol in question.symbols
            if not (fault and fault.kind == "left_out" and fault.concerns(symbol))
        }
        return _flat_or_keyed(answers, question)

    def _series(self, symbol: str, question: Request, fault: Fault | None) -> dict[str, Any]:
        if fault and fault.kind == "symbol_error":
            return _error(fault.options.get("code", 404), fault.options.get("message", _unknown(symbol)))
        interval, window, size = question.interval(), question.window(), question.outputsize()
        name = self._name(symbol)
        if name is None:
            return _error(404, _unknown(symbol))
        end = window.end or question.now + timedelta(microseconds=1)
        rows = self.market.rows(name, interval, window.start or end - span(interval, size), end, question.now)[-size:]
        if not rows:
            return _error(400, NO_DATA)
        if divisor := self.faults.factors.get(name):
            rows = [_divided(row, divisor) for row in rows]
        values = [_value(row, question.zone()) for row in rows]
        if question.get("order", "desc").lower() == "desc":
            values.reverse()
        if fault:
            values = spoil(fault.kind, values)
        return {
            "meta": {
                "symbol": symbol.partition(":")[0],
                "interval": "30min" if fault and fault.kind == "wrong_interval" else interval,
                "currency": "USD",
                "exchange_timezone": "America/New_York",
                **self._exchange(name),
                "type": "Common Stock",
            },
            "values": values,
            "status": "ok",
        }

    def _name(self, symbol: str) -> str | None:
        """Return under which name the market knows *symbol*, None if it does not."""
        plain = symbol.partition(":")[0]
        name = self.faults.renamed.get(plain, plain)
        return name if name in self.market.symbols and plain not in self.faults.renamed.values() else None

    def _exchange(self, name: str) -> dict[str, str]:
        nasdaq = (self.market.companies.get(name) or {}).get("exchange") == "NASDAQ"
        return {"exchange": "NASDAQ", "mic_code": "XNGS"} if nasdaq else {"exchange": "NYSE", "mic_code": "XNYS"}


def out_of_credits(window: Window, log: RequestLog, used: int) -> str:
    """Return what the vendor says when *used* credits are more than the "minute" or the "day" has."""
    if window == "day":
        return (
            f"You have run out of API credits for the day. {used} API credits were used, with the current limit being "
            f"{log.per_day}. Wait for the next day or consider switching to a higher tier plan at "
            "https://twelvedata.com/pricing"
        )
    return (
        f"You have run out of API credits for the current minute. {used} API credits were used, with the current limit "
        f"being {log.per_minute}. Wait for the next minute or consider switching to a higher tier plan at "
        "https://twelvedata.com/pricing"
    )


def _flat_or_keyed(answers: dict[str, dict[str, Any]], question: Request) -> dict[str, Any]:
    """Return the answer for several symbols keyed by symbol, for one as it is: its error is the whole request's."""
    if len(question.symbols) > 1 or not answers:
        return answers
    alone = next(iter(answers.values()))
    if "code" not in alone:
        return alone
    raise Refused(alone["code"], BAD_SYMBOL if alone["code"] == 404 else alone["message"])


def _error(code: int, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "status": "error"}


def _unknown(symbol: str) -> str:
    return f"**symbol** not found: {symbol}. Please specify it correctly according to API Documentation."


def _value(row: Row, zone: tzinfo) -> dict[str, Any]:
    return {
        "datetime": row.start.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S"),
        "open": _digits(row.open),
        "high": _digits(row.high),
        "low": _digits(row.low),
        "close": _digits(row.close),
        "volume": _whole(row.volume),
    }


def _digits(value: Decimal | None) -> str | None:
    """Return *value* with five decimals, or as many as it has."""
    if value is None:
        return None
    exponent = value.as_tuple().exponent
    return f"{value:.{max(5, -exponent if isinstance(exponent, int) else 0)}f}"


def _whole(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}" if value % 1 else f"{value:.0f}"


def _divided(row: Row, factor: Decimal) -> Row:
    first, high, low, last = (None if price is None else round(price / factor, 6) for price in row[1:5])
    return Row(row.start, first, high, low, last, None if row.volume is None else row.volume * factor)
