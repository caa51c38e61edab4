"""Descriptions of the first invalid field of a JSON object, from the errors of msgspec."""

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "an instant such as 2026-11-20T21:00:00Z",
    "date": "a day such as 2026-11-20",
}
_UNITS = {"str": " of {} characters", "array": " of {} items"}
_EXPECTED = re.compile(r"Expected `([a-z]+(?: \| [a-z]+)*)`(?:, got `([a-z]+)`)?(?: (of length )?([<>]=) (\d+))?")
_QUOTED = re.compile(r"`([^`]*)`")


def describe_error(error: msgspec.ValidationError, model: type[msgspec.Struct]) -> tuple[str, str]:
    """Return the name of the invalid field ("" for the object) of *model*, and the change to make."""
    what, _, path = str(error).partition(" - at `$.")
    name = path.rstrip("`")[:100]
    if what.startswith("Object "):
        return _describe_object(what, name, model)
    if what.startswith("Invalid enum value"):
        return name, f"should be {_alternatives(_choices(model, name))}"
    expected = _EXPECTED.match(what)
    kinds = expected[1].removesuffix(" | null").split(" | ") if expected else []
    if expected is None or not _KINDS.keys() >= set(kinds):
        return name, what.replace("`", "")[:200]
    kind, (_, found, length, order, bound) = kinds[0], expected.groups()
    if found:
        choices = _choices(model, name) if kinds == ["str"] else ()
        return (
            name,
            f"should be {_alternatives(choices or [_KINDS[one] for one in kinds])}, not {_KINDS.get(found, found)}",
        )
    if bound is None:
        return name, f"should be {_KINDS[kind]} in a different format"
    most = "at most" if order == "<=" else "at least"
    unit = _UNITS[kind] if length else " of {}"
    amount = (unit.removesuffix("s") if bound == "1" else unit).format(f"{most} {bound}")
    return name, f"should be {_KINDS[kind]}{amount}"


def _describe_object(what: str, path: str, model: type[msgspec.Struct]) -> tuple[str, str]:
    """Return the description of a missing field or of one that *model* does not have."""
    quoted = _QUOTED.search(what)
    field = f"{path}.{quoted[1]}".lstrip(".")[:100] if quoted else path
    if "missing" in what:
        return field, "is missing"
    known = ", ".join(model.__struct_fields__)
    return field, f"is unknown. Fields: {known}" if known else "is unknown: no fields are allowed"


def _choices(model: type[msgspec.Struct], name: str) -> tuple[object, ...]:
    """Return the values of the field *name*, a `Literal` or a list of one."""
    hint: Any = get_type_hints(model).get(name.partition("[")[0])
    while hint is not None and get_origin(hint) is not Literal:
        hint = next(iter(get_args(hint)), None)
    return get_args(hint)


def _alternatives(values: Sequence[object]) -> str:
    names = [str(value) for value in values]
    return " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else (names or ["another value"])[0]
