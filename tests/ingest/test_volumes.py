"""The volume of an hour that is put together: known only where that of each part is."""

from decimal import Decimal

import pytest

from functions.ingest.volumes import Part, add_volumes


def part(volume: str | None, high: str | None = "2") -> Part:
    """A bar whose price rose from 1 to *high*."""
    return Part(volume and Decimal(volume), Decimal(1), high and Decimal(high))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("parts", "volume", "faulty"),
    [
        ([part("3"), part("4")], 7, False),
        ([part("3"), part(None)], None, True),
        ([part(None), part("3")], None, True),
        ([part(None), part(None)], None, False),
        ([part("3"), part("0")], None, True),
        ([part("3"), part("0", high="1")], 3, False),
        ([part("3"), part("0", high=None)], 3, False),
        ([part("0"), part("0")], 0, False),
        ([part("3"), part("-4")], -4, False),
        ([part("-3"), part(None)], -3, False),
        ([part("0.5"), part("0.5")], Decimal("0.5"), False),
        ([part("7")], 7, False),
    ],
)
def test_a_part_without_a_volume_leaves_the_hour_without(
    parts: list[Part], volume: Decimal | int | None, *, faulty: bool
) -> None:
    """None with a fault where a part lacks it; what no count can be goes on to store, which refuses it."""
    found, fault = add_volumes(parts)

    assert found == volume
    assert bool(fault) == faulty


def test_an_unreadable_volume_stays_unreadable() -> None:
    """NaN, of which store keeps the text."""
    found, fault = add_volumes([part("3"), part("NaN")])

    assert found is not None
    assert found.is_nan()
    assert fault is None
