"""Reads with as_of give the bars as they were served then, whatever arrived since."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.runtime import clock
from tests.store_harness import Store, bar, fetched, hour, opened

SOURCES = ("twelvedata", "alpaca", "alpaca-iex", "import", "replay", "simulated")
NOW = hour(0, day=4)


class Sighting(NamedTuple):
    """Bar of a source, fetched so many minutes after NOW; without a close, the source is withdrawn."""

    source: str
    minute: int
    close: int | None


SIGHTINGS = st.lists(
    st.builds(Sighting, st.sampled_from(SOURCES), st.integers(0, 6), st.sampled_from((100, 100, 101, 102, None))),
    min_size=1,
    max_size=9,
)


@pytest.fixture
def ranked(monkeypatch: pytest.MonkeyPatch, database_url: str, redis_url: str) -> Iterator[Store]:
    """The function with two providers, the others being of one rank below them."""
    with opened(monkeypatch, database_url, redis_url, PROVIDERS="twelvedata,alpaca") as store:
        yield store


def arrive(store: Store, sighting: Sighting) -> None:
    """Let *sighting* arrive now."""
    source, minute, close = sighting
    if close is None:
        store.run(store.client.post("/withdrawals", json={"source": source, "reason": "wrong"}))
    else:
        store.keep(fetched({"AAPL": [bar(hour(0), f"{close}")]}, source=source, at=NOW + timedelta(minutes=minute)))


def served(store: Store, *instants: datetime | None) -> list[str | None]:
    """The bar as it stood at each of *instants*; None stands for now."""
    rows = store.query(
        """
        SELECT (SELECT row(close, source, revision)::text FROM bars_known_at(instant))
          FROM unnest(%s::timestamptz[]) WITH ORDINALITY AS asked (instant, place)
         ORDER BY place
        """,
        list(instants),
    )
    return [text for (text,) in rows]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sightings=SIGHTINGS)
def test_as_of_an_instant_stands_what_was_served_then(
    monkeypatch: pytest.MonkeyPatch, ranked: Store, sightings: list[Sighting]
) -> None:
    """Equal and different figures, sources of all ranks, late, repeated and withdrawn ones."""
    ranked.query("TRUNCATE bars, bar_revisions, withdrawals, withdrawn_bars, asked_windows")
    instants = [NOW + timedelta(minutes=10 + index) for index in range(len(sightings))]
    found: list[str | None] = []
    for instant, sighting in zip(instants, sightings, strict=True):
        monkeypatch.setattr(clock, "now", lambda instant=instant: instant)
        arrive(ranked, sighting)
        found += served(ranked, None)

    assert served(ranked, NOW, *instants) == [None, *found]
    assert served(ranked, *(instant + timedelta(seconds=59) for instant in instants)) == found


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), sightings=SIGHTINGS, withdrawn=st.sampled_from(SOURCES))
def test_a_withdrawal_leaves_the_highest_version_of_the_others(
    ranked: Store, data: st.DataObject, sightings: list[Sighting], withdrawn: str
) -> None:
    """As if the source had never answered, in whatever order the answers arrived."""
    given_by_source = {(one.source, one.minute): one for one in sightings if one.close}
    ends = []
    for one in ("", withdrawn):
        ranked.query("TRUNCATE bars, bar_revisions, withdrawals, withdrawn_bars, asked_windows")
        for sighting in data.draw(st.permutations(sorted(given_by_source.values()) * 2)):
            if one or sighting.source != withdrawn:
                arrive(ranked, sighting)
        arrive(ranked, Sighting(withdrawn, 0, None))
        ends.append(ranked.query("SELECT close, source FROM bars"))

    assert ends[0] == ends[1]
