"""Print measurements so that two runs can be laid side by side."""

from collections.abc import Sequence
from statistics import median
from statistics import quantiles as cut


def print_table(title: str, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print *rows* under *head* as a Markdown table with aligned columns."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    print(f"\n{title}\n")
    for index, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if index == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print(flush=True)


def spread(seconds: Sequence[float]) -> tuple[str, str, str]:
    """Return minimum, median and maximum of *seconds* in milliseconds."""
    return tuple(f"{value * 1000:.0f}" for value in (min(seconds), median(seconds), max(seconds)))  # pyright: ignore[reportReturnType]


def quantiles(seconds: Sequence[float]) -> tuple[str, str, str, str]:
    """Return the tenth percentile, median, ninetieth percentile and maximum of *seconds* in milliseconds."""
    tenths = cut(seconds, n=10)
    return tuple(f"{value * 1000:.0f}" for value in (tenths[0], median(seconds), tenths[-1], max(seconds)))  # pyright: ignore[reportReturnType]
