"""Events of several tests, and the examples of events."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.store_harness import bar, fetched, hour

ROOT = Path(__file__).parents[2]


EXAMPLES = ROOT / "tests" / "examples"


def example(name: str) -> bytes:
    """The example of an event type."""
    return (EXAMPLES / f"{name}.json").read_bytes()


PRICES = ("100", "101", "102")


@st.composite
def answers(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Events about the same few bars, each fetched at its own instant."""
    sources = ("twelvedata", "replay", "simulated")
    return [
        fetched(
            {
                ticker: [bar(hour(index), draw(st.sampled_from(PRICES))) for index in sorted(indexes)]
                for ticker in draw(st.sets(st.sampled_from(("AAPL", "MSFT")), min_size=1))
                if (indexes := draw(st.sets(st.integers(0, 2), min_size=1)))
            },
            at=hour(0, day=4) + timedelta(minutes=number),
            source=draw(st.sampled_from(sources)),
        )
        for number in range(draw(st.integers(2, 5)))
    ]
