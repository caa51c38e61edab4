"""Reference of the command line: each verb with its options, made from the parser."""

import argparse
from collections.abc import Mapping

from knative.local.cli import make_parser
from knative.local.extension import Extension

_HEAD = """# Verbs

For users of StocksALot on one machine. Generated from the command line by `make contract`; do not edit.

`.venv/bin/python -m knative.local VERB` uses the running copy; if several run, select one by `--port` or `--folder`.
`up --port PORT` listens on a port other than 8080; `up --folder FOLDER` stores data and logs in another folder.
A verb exits with 0, with 1 and a sentence that states how to correct it, or with 2 for a wrong option.
"""


def make_reference(extension: Extension) -> str:
    """Return docs/reference/verbs.md."""
    return "\n".join([_HEAD, *(_section(name, *verb) for name, verb in _verbs(make_parser(extension)).items())])


def _verbs(parser: argparse.ArgumentParser) -> Mapping[str, tuple[str, argparse.ArgumentParser]]:
    """Return the help and the parser of each verb."""
    (action,) = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
    return {name: (helps[name], verb) for name, verb in action.choices.items()}


def _section(name: str, text: str, verb: argparse.ArgumentParser) -> str:
    rows = [_row(one) for one in verb._actions if one.dest not in ("help", "port", "folder")]
    table = ["| argument | meaning |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {name}", "", f"{text[:1].upper()}{text[1:]}.", "", *table])


def _row(action: argparse.Action) -> str:
    """Return the row of an option or an argument."""
    value = "" if action.nargs == 0 else action.metavar or action.dest.upper()
    if action.choices:
        value = " or ".join(map(str, action.choices))
    names = ", ".join(f"`{name} {value}`" if value else f"`{name}`" for name in action.option_strings)
    needed = "" if action.option_strings or action.nargs in ("?", "*") else " (required)"
    return f"| {names or f'`{value}`'} | {(action.help or '').replace('%%', '%').replace('|', chr(92) + '|')}{needed} |"
