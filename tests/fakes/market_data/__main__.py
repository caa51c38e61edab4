"""`python -m tests.fakes.market_data --port 8090 [--bars bars.csv.gz …]`: serve the fake vendors until stopped."""

import argparse
import signal
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from shared.runtime import clock
from tests.fakes.market_data.mailbox import Mailbox, mail_server
from tests.fakes.market_data.market import Market, read_bars, read_market
from tests.fakes.market_data.server import bind, create_upstream


def main() -> None:
    """Read the command line, listen, serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.market_data", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--mail-port", type=int, help="a port that receives mail, which /mail shows")
    parser.add_argument("--bars", type=Path, nargs="+", help="CSV files to serve; without, the simulated market")
    parser.add_argument("--key", action="append", default=[], help="a key to let in; without, any key is good")
    parser.add_argument("--credits-per-minute", type=int, default=8)
    parser.add_argument("--credits-per-day", type=int, default=800)
    parser.add_argument("--differing", action="append", default=[], help="a symbol that others price higher (KO)")
    parser.add_argument("--calls-per-minute", type=int, default=60)
    arguments = parser.parse_args()
    today = clock.now().date()
    market = read_market(today - timedelta(days=20 * 365), today + timedelta(days=30))
    mailbox = Mailbox()
    app = create_upstream(
        Market(market, read_bars(arguments.bars) if arguments.bars else None),
        keys=arguments.key,
        per_minute=arguments.credits_per_minute,
        per_day=arguments.credits_per_day,
        calls_per_minute=arguments.calls_per_minute,
        differing=arguments.differing or ["KO"],
        mailbox=mailbox,
    )
    if arguments.mail_port:
        mail_server(mailbox, arguments.mail_port, arguments.host).start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        bind(app, arguments.host, arguments.port).serve_forever()


if __name__ == "__main__":
    main()
