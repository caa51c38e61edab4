"""A past instant never names a source that had not answered yet."""

from datetime import datetime
from itertools import permutations
from typing import Any

import pytest

from tests.store_harness import Store, bar, fetched, hour


def source_at(store: Store, instant: datetime) -> str:
    """The source of the only bar as it was known at *instant*."""
    return store.query("SELECT source FROM bars_known_at(%s)", instant)[0][0]


def answer(source: str, index: int, close: str = "100") -> dict[str, Any]:
    """An answer of *source* at hour *index* of Friday."""
    return fetched({"AAPL": [bar(hour(0), close)]}, source=source, at=hour(index, day=4))


@pytest.mark.parametrize("order", permutations(range(2)))
def test_equal_answers_of_two_sources_keep_who_was_first(store: Store, order: tuple[int, ...]) -> None:
    """One revision, whichever arrives first."""
    answers = [answer("replay", 0), answer("twelvedata", 2)]
    for index in order:
        store.keep(answers[index], str(index))

    assert [source_at(store, hour(index, day=4)) for index in (0, 1, 2, 3)] == ["replay"] * 2 + ["twelvedata"] * 2
    assert store.query("SELECT revision FROM bars") == [(0,)]


def test_a_late_answer_in_between_splits_them(store: Store) -> None:
    """Another figure that was fetched between the two equal ones."""
    for number, one in enumerate((answer("replay", 0), answer("twelvedata", 3), answer("replay", 1, "101"))):
        store.keep(one, str(number))

    known = [store.query("SELECT source, close::text FROM bars_known_at(%s)", hour(index, day=4)) for index in range(4)]
    assert known == [[("replay", "100")], [("replay", "101")], [("replay", "101")], [("twelvedata", "100")]]


def test_a_withdrawn_source_leaves_the_bar_to_the_first(store: Store) -> None:
    """The other had given the same figures before."""
    store.keep(answer("replay", 0))
    store.keep(answer("twelvedata", 2), "2")

    store.run(store.client.post("/withdrawals", json={"source": "twelvedata", "reason": "r"}))

    assert store.query("SELECT source, close FROM bars") == [("replay", 100)]
