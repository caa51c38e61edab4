"""Reference of the settings: the purpose of each from `.env.sample`, type, limits and default from its class."""

import importlib
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from msgspec import Meta

from functions.store.migrate import Settings as MigrationSettings
from shared.runtime.settings import CsvList, CsvMap, Secret, SecretList, SecretMap

ROOT = Path(__file__).parents[2]
_FUNCTIONS = ("alerts", "api", "files", "ingest", "insights", "mcp", "page", "store", "token")
_PARTS = {
    "Secret": "Secrets",
    "Configuration": "Configuration",
    "Only `make run`": "One machine only",
}
_KINDS = {int: "whole number", float: "number", str: "text", Secret: "secret"}
_LONGEST_DEFAULT = 12
_HEAD = """# Settings

For operators. Generated from `.env.sample` and the settings classes by `make contract`; do not edit.

Run `cp .env.sample .env` and set the variables that you need. `make run` reads `.env`; `make deploy` makes a Secret
and a ConfigMap from it. A variable that is empty or absent has its default; `make run` sets the required ones. Invalid
variables are reported before anything starts. A secret may be in a file: put its path into the variable with `_FILE`
appended, such as `API_TOKEN_SECRET_FILE=/run/secrets/token`.
"""


@dataclass(frozen=True)
class Setting:
    """A variable as a settings class has it."""

    kind: str
    default: str
    functions: tuple[str, ...]


def make_reference() -> str:
    """Return docs/reference/settings.md."""
    known = _settings()
    parts = [_HEAD]
    for part, variables in groupby(_sample(), key=lambda one: one[0]):
        rows = [_row(name, text, known.get(name) or _deployment_setting(name, part)) for _, name, text in variables]
        head = "| variable | purpose | value | default | read by |\n| --- | --- | --- | --- | --- |"
        parts.append(f"## {_PARTS[part]}\n\n{head}\n" + "\n".join(rows) + "\n")
    return "\n".join(parts)


def _deployment_setting(name: str, part: str) -> Setting:
    """Return a variable of no settings class, which starting or deploying the functions reads."""
    reader = "make run" if name == "AMQP_URL" else "deployment"
    return Setting("secret" if part == "Secret" else "text", "none", (reader,))


def _row(name: str, text: str, setting: Setting) -> str:
    text, default = _split_default(text)
    if default not in (None, "its own", setting.default.strip("`")):
        raise ValueError(f".env.sample says that the default of {name} is {default}; it is {setting.default}")
    cells = (f"`{name}`", text, setting.kind, setting.default, ", ".join(setting.functions))
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _sample() -> Iterator[tuple[str, str, str]]:
    """Yield the part, the name and the comment of each variable in `.env.sample`."""
    part, comment = "", list[str]()
    for line in (ROOT / ".env.sample").read_text().splitlines():
        if line.startswith("# ---"):
            part = line.strip("# -")
        elif line.startswith("#"):
            comment.append(line.removeprefix("#").strip())
        elif "=" in line:
            if not comment:
                raise ValueError(f".env.sample does not say what {line} is for")
            yield part, line.partition("=")[0], " ".join(comment)
        if not line.startswith("#") or line.startswith("# ---"):
            comment = []


def _split_default(comment: str) -> tuple[str, str | None]:
    """Return *comment* without a short default at its end, which has a column of its own, and that default."""
    text, _, last = comment.rstrip(".").rpartition("; ")
    return (text, last) if text and len(last) < _LONGEST_DEFAULT else (comment.strip().rstrip("."), None)


def _settings() -> dict[str, Setting]:
    """Return every field of every function's settings by its variable."""
    found: dict[str, Setting] = {}
    models = {name: importlib.import_module(f"functions.{name}.settings").Settings for name in _FUNCTIONS}
    for function, model in {**models, "migration": MigrationSettings}.items():
        kinds = get_type_hints(model, include_extras=True)
        for one in fields(model):
            name = one.name.upper()
            readers = (*found[name].functions, function) if name in found else (function,)
            found[name] = Setting(_kind(kinds[one.name]), _default(one), readers)
    return found


def _kind(hint: Any) -> str:
    """Return the type in words, with its limits."""
    if hint == CsvList:
        return "list, separated by commas"
    if hint == SecretList:
        return "secrets, separated by commas"
    if hint == SecretMap:
        return "NAME=secret, separated by commas"
    if hint == CsvMap:
        return "NAME=VALUE, separated by commas"
    if get_origin(hint) is Annotated:
        kind, meta = get_args(hint)
        return f"{_kind(kind)}{_limits(meta)}"
    if get_origin(hint) is Literal:
        names = [f"`{name}`" for name in get_args(hint)]
        return f"{', '.join(names[:-1])} or {names[-1]}"
    options = [one for one in get_args(hint) if one is not type(None)]
    if options:
        return _kind(options[0])
    return _KINDS.get(hint, "number")


def _limits(meta: Meta) -> str:
    least = meta.ge if meta.ge is not None else meta.gt
    above = "above " if meta.gt is not None else ""
    if meta.le is None:
        return f", {above or 'at least '}{least}"
    return f", {above}{least} to {meta.le}"


def _default(field: Any) -> str:
    if field.default is MISSING:
        return "none" if field.default_factory is not MISSING else "required"
    if field.default in (None, ()):
        return "none"
    return f"`{field.default}`"
