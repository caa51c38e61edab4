"""`python -m knative.local`: the runner with StocksALot's verbs."""

import sys

from knative.local import cli
from knative.stocksalot.extension import STOCKSALOT


def main(arguments: list[str] | None = None) -> int:
    """Run the verb of the command line; return the exit code."""
    return cli.main(STOCKSALOT, arguments)


if __name__ == "__main__":
    sys.exit(main())
