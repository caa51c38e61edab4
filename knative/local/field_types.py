"""Types of manifest fields: names, counts, durations and cron schedules, with the limits that a cluster sets."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from croniter import CroniterError, croniter
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import ErrorDetails

VISIBILITY = "networking.knative.dev/visibility"
_CRON_FIELDS = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 6))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_NAMES = {4: {name: n for n, name in enumerate(_MONTHS, 1)}, 5: {name: n for n, name in enumerate(_DAYS)}}
_DESCRIPTORS = {"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}
_TYPES = {
    "string_type": "is not a string",
    "int_type": "is not a whole number",
    "is_instance_of": "is not a list",
    "mapping_type": "is not a mapping",
    "model_type": "is not a mapping",
    "missing": "is missing",
    "extra_forbidden": "is not supported by the local runner",
}


def _matching(pattern: str, what: str, longest: int) -> Callable[[str], str]:
    def check(value: str) -> str:
        if len(value) > longest or not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is not {what}")
        return value

    return check


_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAME = "a name of at most 63 lower-case letters, digits and -"
Label = Annotated[str, AfterValidator(_matching(_LABEL, _NAME, 63))]
Namespace = Annotated[str, AfterValidator(_matching(f"({_LABEL})?", _NAME, 63))]
ServiceName = Annotated[
    str, AfterValidator(_matching("[a-z]([-a-z0-9]*[a-z0-9])?", f"{_NAME}, beginning with a letter", 63))
]
Subdomain = Annotated[
    str, AfterValidator(_matching(rf"{_LABEL}(\.{_LABEL})*", "a name of lower-case letters, digits, - and .", 253))
]
AttributeName = Annotated[
    str, AfterValidator(_matching("[a-z][a-z0-9]*", "an attribute name of lower-case letters and digits", 253))
]
RESERVED_ATTRIBUTES = frozenset(
    ("data", "datacontenttype", "dataschema", "id", "source", "specversion", "time", "type")
)
_RESERVED_VARIABLES = ("K_CONFIGURATION", "K_REVISION", "K_SERVICE", "PORT")
_RESERVED_PATHS = ("/", "/dev", "/dev/log")
_FORBIDDEN_IN_PATH = re.compile(r"//|/\.\.?(/|$)|%2[fF]|#")


def _extension(name: str) -> str:
    if name in RESERVED_ATTRIBUTES:
        raise ValueError(f"{name!r} is an attribute of every event, not an extension")
    return name


def _variable(name: str) -> str:
    if name in _RESERVED_VARIABLES:
        raise ValueError(f"{name!r} is set by Knative")
    if not re.fullmatch("[-._a-zA-Z][-._a-zA-Z0-9]*", name):
        raise ValueError(f"{name!r} is not a name of a variable")
    return name


def _mount_path(path: str) -> str:
    if not path.startswith("/") or (path.rstrip("/") or "/") in _RESERVED_PATHS:
        raise ValueError(f"{path!r} is not an absolute path that may be mounted")
    return path


def _route_path(path: str) -> str:
    if not path.startswith("/") or _FORBIDDEN_IN_PATH.search(path):
        raise ValueError(f"{path!r} is not an absolute path without //, /., /.., %2f and #")
    return path


def _relative_uri(uri: str) -> str:
    if urlsplit(uri).scheme or urlsplit(uri).netloc:
        raise ValueError(f"{uri!r} is absolute, which is not allowed beside ref")
    return uri if not uri or uri.startswith("/") else f"/{uri}"


Extension = Annotated[AttributeName, AfterValidator(_extension)]
Variable = Annotated[str, AfterValidator(_variable)]
MountPath = Annotated[str, AfterValidator(_mount_path)]
RoutePath = Annotated[str, AfterValidator(_route_path)]
RelativeUri = Annotated[str, AfterValidator(_relative_uri)]


def _count(value: object) -> object:
    if isinstance(value, int):
        raise ValueError("is not in quotes")
    if not isinstance(value, str) or not (value.isascii() and value.isdecimal()):
        raise ValueError("is not a whole number in quotes")
    return int(value)


def parse_go_duration(value: object) -> float:
    """Return the seconds of a duration as Knative Serving writes it: 1h2m3s."""
    return _duration(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?", value, "90s")


def parse_iso_duration(value: object) -> float:
    """Return the seconds of a duration as Knative Eventing writes it: PT1H2M3.5S."""
    return _duration(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?", value, "PT30S")


def _duration(pattern: str, value: object, example: str) -> float:
    found = re.fullmatch(pattern, value) if isinstance(value, str) else None
    if found is None or not any(found.groups()):
        raise ValueError(f"is not a duration like {example}")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + seconds


Count = Annotated[int, BeforeValidator(_count)]
GoDuration = Annotated[float, BeforeValidator(parse_go_duration)]
IsoDuration = Annotated[float, BeforeValidator(parse_iso_duration)]


def visibility(labels: Mapping[str, str]) -> Mapping[str, str]:
    """Accept labels whose visibility, if any, is cluster-local."""
    if isinstance(labels, Mapping) and labels.get(VISIBILITY, "cluster-local") != "cluster-local":
        raise ValueError(f"{VISIBILITY} is {labels[VISIBILITY]!r}; the local runner supports 'cluster-local'")
    return labels


def check_schedule(schedule: str, timezone: str) -> None:
    """Raise ValueError for a schedule that Knative's webhook refuses: its parser is robfig/cron, without @every."""
    try:
        ZoneInfo(timezone)
    except (ValueError, KeyError, OSError):
        raise ValueError(f"timezone {timezone!r} does not exist") from None
    if schedule.startswith("@"):
        if schedule not in _DESCRIPTORS:
            raise ValueError(f"schedule {schedule!r} is refused: use five fields or one of {', '.join(_DESCRIPTORS)}")
        return
    fields = schedule.split()
    if len(fields) not in (5, 6):
        raise ValueError(f"schedule {schedule!r} has {len(fields)} fields; it needs 5, or 6 with seconds first")
    for index, field in enumerate(fields, 6 - len(fields)):
        for part in field.split(","):
            _check_cron_part(part.lower(), index, schedule)
    try:
        next_instant(schedule, timezone, datetime(2000, 1, 1, tzinfo=ZoneInfo(timezone)))
    except CroniterError:
        raise ValueError(f"schedule {schedule!r} never comes") from None


def _check_cron_part(part: str, index: int, schedule: str) -> None:
    least, most = _CRON_FIELDS[index]
    names = _CRON_NAMES.get(index, {})
    found = re.fullmatch(r"(?:[*?]|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
    bounds = [names.get(bound, bound) for bound in found.groups()[:2] if bound] if found else []
    numbers = [int(bound) for bound in bounds if str(bound).isdecimal()]
    wrong = not found or len(numbers) < len(bounds) or numbers != sorted(numbers) or found[3] == "0"
    if wrong or any(not least <= number <= most for number in numbers):
        raise ValueError(f"schedule {schedule!r}: {part!r} is not within {least} to {most}")


def next_instant(schedule: str, timezone: str, after: datetime) -> datetime:
    """Return the first instant of *schedule* after *after* (aware), counted by the wall clock of *timezone*."""
    local = after.astimezone(ZoneInfo(timezone))
    return (
        croniter(schedule.replace("?", "*"), local, second_at_beginning=True)
        .get_next(datetime)
        .astimezone(after.tzinfo)
    )


def describe_fault(fault: ErrorDetails) -> str:
    """Return the field of a validation error, as in a.b[0].c, and its fault."""
    # pydantic marks the key of a mapping with a last part of its own.
    steps = [part for part in fault["loc"] if part != "[key]"]
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in steps).lstrip(".")
    text = _TYPES.get(fault["type"])
    context: Mapping[str, Any] = fault.get("ctx", {})
    if fault["type"] == "value_error":
        text = str(context["error"])
    elif fault["type"] == "literal_error":
        text = f"is {fault['input']!r}; the local runner supports {context['expected']}"
    text = text or f"{fault['input']!r}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
    return f"{path}: {text}" if path else text
