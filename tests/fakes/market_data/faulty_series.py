"""A good series made bad in the ways that vendors' series have been seen to be."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

Values = list[dict[str, Any]]

_TIME = "%Y-%m-%d %H:%M:%S"


def spoil(kind: str, values: Values) -> Values:
    """Return *values*, sorted either way, with the fault *kind*; as they are if it is no fault of a series."""
    if not values or kind not in _FAULTS:
        return values
    ascending = values[0]["datetime"] <= values[-1]["datetime"]
    spoilt = _FAULTS[kind](values if ascending else values[::-1])
    return spoilt if ascending and kind != "descending" else spoilt[::-1]


def _moved(value: dict[str, Any], factor: float) -> dict[str, Any]:
    """Return *value* with all prices times *factor*, digits kept."""
    prices = ("open", "high", "low", "close")
    return value | {name: _times(value[name], factor) for name in prices}


def _times(price: str, factor: float) -> str:
    digits = len(price.partition(".")[2])
    return f"{float(price) * factor:.{digits}f}"


def _at(value: dict[str, Any], moment: datetime) -> dict[str, Any]:
    return value | {"datetime": moment.strftime(_TIME)}


def _time(value: dict[str, Any]) -> datetime:
    return datetime.strptime(value["datetime"], _TIME)  # noqa: DTZ007  in the requested zone


def _weekend(values: Values) -> Values:
    newest = _time(values[-1])
    return [*values, _at(values[-1], newest + timedelta(days=(5 - newest.weekday()) % 7 or 7))]


def _extended(values: Values) -> Values:
    day = values[-1]["datetime"][:10]
    first = next(index for index, value in enumerate(values) if value["datetime"].startswith(day))
    early = _at(values[first], _time(values[first]) - timedelta(hours=1))
    return [*values[:first], early, *values[first:]]


_FAULTS: dict[str, Callable[[Values], Values]] = {
    "descending": lambda values: values,
    "duplicate_bar": lambda values: [*values, _moved(values[-1], 1.01)],
    "changed_bar": lambda values: [*values[:-1], _moved(values[-1], 1.01)],
    "missing_bar": lambda values: values[:-1],
    "weekend_bar": _weekend,
    "off_grid_bar": lambda values: [*values, _at(values[-1], _time(values[-1]) + timedelta(minutes=7))],
    "extended_hours_bar": _extended,
    "null_values": lambda values: [*values[:-1], _blank(values[-1], None)],
    "nan_values": lambda values: [*values[:-1], _blank(values[-1], "NaN")],
    "missing_volume": lambda values: [
        {name: figure for name, figure in value.items() if name != "volume"} for value in values
    ],
    "price_x10000": lambda values: [*values[:-1], _moved(values[-1], 10_000)],
}


def _blank(value: dict[str, Any], instead: str | None) -> dict[str, Any]:
    return {name: figure if name == "datetime" else instead for name, figure in value.items()}
