"""All vendors on one port, with the controls that no vendor has: /misbehave and /requests."""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread
from typing import cast

from flask import Flask, Response, jsonify, request
from werkzeug.http import http_date
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from shared.runtime import clock
from tests.fakes.market_data import connection
from tests.fakes.market_data.alpaca import Alpaca
from tests.fakes.market_data.faults import Faults, UnknownFault
from tests.fakes.market_data.finnhub import Finnhub
from tests.fakes.market_data.hooks import hooks_blueprint
from tests.fakes.market_data.mailbox import Mailbox
from tests.fakes.market_data.market import Market
from tests.fakes.market_data.ntfy import ntfy_blueprint
from tests.fakes.market_data.push_service import PushService
from tests.fakes.market_data.request_log import RequestLog
from tests.fakes.market_data.twelvedata import TwelveData
from tests.fakes.market_data.yahoo import Yahoo


def create_upstream(
    market: Market,
    *,
    keys: Collection[str] = (),
    per_minute: int = 8,
    per_day: int = 800,
    calls_per_minute: int = 60,
    now: Callable[[], datetime] = lambda: clock.now(),
    differing: Collection[str] = (),
    mailbox: Mailbox | None = None,
) -> Flask:
    """Return the application: Twelve Data at /, Finnhub at /api/v1, Alpaca at /v2, Yahoo at /v8.

    *keys*: who is let in, anybody with a key if empty. *differing*: symbols that Alpaca and Yahoo price otherwise.

    `POST /hooks` takes webhooks of alerts, `GET` lists them, `DELETE` forgets them. /mail shows what *mailbox* got,
    /push what browsers got, whose subscriptions `POST /push` makes, and /ntfy what a server of ntfy got.

    `POST /misbehave` takes a fault (faults.py), `DELETE` ends all. `GET /requests` lists the requests and which
    requests went beyond the budget, `DELETE` forgets them and the credits used. *now* is the vendors' own clock, as the
    header Date has it.
    """
    app = Flask(__name__)
    app.json.sort_keys = False  # pyright: ignore[reportAttributeAccessIssue]  as the vendors order theirs
    faults = Faults()
    logs = {
        "twelvedata": RequestLog(per_minute, per_day),
        "finnhub": RequestLog(calls_per_minute, None),
        "alpaca": RequestLog(200, None),
        "yahoo": RequestLog(calls_per_minute, None),
    }
    allowed = frozenset(keys)

    app.config["NOW"] = now
    app.register_blueprint(TwelveData(market, allowed, logs["twelvedata"], faults).blueprint())
    app.register_blueprint(Alpaca(market, allowed, logs["alpaca"], faults, frozenset(differing)).blueprint())
    app.register_blueprint(Yahoo(market, logs["yahoo"], faults, frozenset(differing)).blueprint())
    app.register_blueprint(Finnhub(market, allowed, logs["finnhub"], faults).blueprint())

    app.register_blueprint(hooks_blueprint())
    app.register_blueprint((mailbox or Mailbox()).blueprint())
    app.register_blueprint(ntfy_blueprint())
    app.register_blueprint(PushService().blueprint())

    @app.post("/misbehave")
    def misbehave() -> tuple[Response, int]:
        try:
            faults.order(request.get_json())
        except UnknownFault as unknown:
            return jsonify(error=str(unknown)), 400
        return jsonify(ordered=True), 201

    @app.delete("/misbehave")
    def behave() -> tuple[str, int]:
        faults.forget()
        return "", 204

    @app.get("/requests")
    def requests() -> Response:
        records = sorted((one for log in logs.values() for one in log.records), key=lambda one: one.at)
        return jsonify(
            requests=[one.as_json() for one in records],
            violations=[one.as_json() for one in records if one.violation],
            credits=sum(one.credits for one in logs["twelvedata"].records),
        )

    @app.delete("/requests")
    def forget() -> tuple[str, int]:
        for log in logs.values():
            log.forget()
        return "", 204

    return app


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Return the vendors' own time, for the header Date."""
        app = cast("Flask", getattr(self.server, "app"))  # noqa: B009  werkzeug's server has it, its base class not
        return http_date(app.config["NOW"]())

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Write nothing: /requests has it all, without keys."""


def bind(app: Flask, host: str = "127.0.0.1", port: int = 0) -> BaseWSGIServer:
    """Return a server that listens already; `serve_forever()` serves, its `port` is that chosen by the system."""
    return make_server(host, port, app, threaded=True, request_handler=_Quiet)


@contextmanager
def serving(app: Flask, port: int = 0) -> Iterator[str]:
    """Serve *app* from a thread; yield its address."""
    connection.closing.clear()
    server = bind(app, port=port)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        connection.closing.set()
        server.shutdown()
        thread.join()
        server.server_close()
