"""An obedient model: one sentence for each note of a prompt, worded as an example of the note is."""

import re
from collections.abc import Sequence

_NOTE = re.compile(r"Note ([0-9]+):")
_REFUSED = re.compile(r"([0-9]+)\. Your sentence ")


def write(texts: Sequence[str]) -> dict[str, str]:
    """Return a sentence by the number of its note: of the last of *texts* that has notes, or refused sentences."""
    for text in reversed(texts):
        found: dict[str, str] = {}
        number = ""
        for line in text.splitlines():
            if match := _NOTE.match(line) or _REFUSED.match(line):
                number = match[1]
            elif line.startswith("- ") and number:
                found[number] = line[2:]
        if found:
            return found
    return {}
