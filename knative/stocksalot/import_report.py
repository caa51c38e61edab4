"""Report of an import before anything is stored: reading and content of each file, refusals with their reasons."""

from collections.abc import Iterator

from functions.ingest.csv_files.clock import zone_name
from functions.ingest.csv_files.hours import Refusal
from functions.store.validation import RejectedBar
from knative.stocksalot.import_events import Import, ReadFile

_EXAMPLES = 5
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "|"}
_DATES = {"us": "month first where the year comes last", "eu": "day first where the year comes last"}


def report_lines(found: Import) -> Iterator[str]:
    """Yield the lines of the report."""
    for path, why in found.unreadable.items():
        yield f"{path}: {why}"
    for one in found.files:
        yield from _describe_file(one)


def _describe_file(one: ReadFile) -> Iterator[str]:
    file, style = one.file, one.file.style
    separator = _DELIMITERS[style.delimiter]
    yield f"{file.path}: {file.lines} lines, {style.encoding}, separated by {separator}, decimal mark {style.decimal}"
    roles = ", ".join(f"{role} = {style.columns.name(role)}" for role in style.columns.places)
    yield f"  columns: {roles}" + (f"; not used: {', '.join(style.columns.unused)}" if style.columns.unused else "")
    yield f"  dates: {_DATES[style.dates]}"
    for group in file.groups:
        if group.clock is None:
            yield f"  bars of {group.interval}: refused. {group.fault.detail if group.fault else ''}"
        else:
            clock = group.clock
            yield (
                f"  bars of {group.interval}, named by their {clock.named_by}; "
                f"time zone: {zone_name(clock)} ({clock.source})"
            )
    for ticker, bars in one.bars.bars.items():
        if bars:
            first, last = (f"{bar.start:%Y-%m-%d %H:%M}" for bar in (bars[0], bars[-1]))
            yield f"  {ticker}: {len(bars)} hours from {first} to {last} UTC"
    if one.bars.repeated:
        yield f"  {one.bars.repeated} lines repeat others and change nothing"
    yield from _describe_refused(one.bars.refused)
    yield from _describe_doubted(one.doubted)


def _describe_refused(refused: list[Refusal]) -> Iterator[str]:
    if not refused:
        return
    yield f"  refused: {sum(len(one.lines) for one in refused)} lines"
    by_reason: dict[str, list[Refusal]] = {}
    for one in refused:
        by_reason.setdefault(one.fault.reason, []).append(one)
    for reason, some in by_reason.items():
        for one in some[:_EXAMPLES]:
            column = f", column {one.fault.column}" if one.fault.column else ""
            more = f" and {len(one.lines) - 1} more" if len(one.lines) > 1 else ""
            yield f"    line {one.line}{more}{column}: {one.fault.detail} ({reason})"
        if len(some) > _EXAMPLES:
            yield f"    ... and {len(some) - _EXAMPLES} more for {reason}"


def _describe_doubted(doubted: list[RejectedBar]) -> Iterator[str]:
    """Yield the hours that store would refuse; it finds bad ticks only beside the stored bars."""
    for one in doubted[:_EXAMPLES]:
        start = f"{one.start:%Y-%m-%d %H:%M}" if one.start else ""
        rest = "; its prices are stored" if one.rejection.reason.startswith("volume-") else ""
        yield f"    {one.ticker} {start}: {one.rejection.detail} ({one.rejection.reason}){rest}"
    if len(doubted) > _EXAMPLES:
        yield f"    ... and {len(doubted) - _EXAMPLES} more that store would refuse, or store without a volume"
