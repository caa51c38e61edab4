"""`python -m tests.fakes.language_model --port 8091`: serve the fake model until stopped."""

import argparse
import signal
from contextlib import suppress

from tests.fakes.language_model.server import Fake, bind


def main() -> None:
    """Read the command line, listen, serve until SIGTERM or Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.language_model", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--misbehave", help="what to do wrong in every call: see faults.py")
    arguments = parser.parse_args()
    fake = Fake()
    if arguments.misbehave:
        fake.misbehave(arguments.misbehave)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        bind(fake, arguments.host, arguments.port).serve_forever()


if __name__ == "__main__":
    main()
