"""Confirmation of a change by the user."""

import sys


def ask_confirmation(question: str) -> bool:
    """Return whether the user says yes to *question*; without a terminal, no, and say how to confirm."""
    if not sys.stdin.isatty():
        print("nothing is changed: confirm with --yes", file=sys.stderr)  # noqa: T201
        return False
    return input(f"{question} [y/N] ").strip().casefold() in ("y", "yes")
