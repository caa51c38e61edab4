"""Fenced blocks of the documents: their language, their text, and the reason why one is not run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.running import ROOT

DOCUMENTS = sorted(
    [ROOT / "README.md", *(path for path in (ROOT / "docs").rglob("*.md") if path.parent.name != "reference")]
)
"""Every document but the generated ones."""
HOST = "http://localhost:8080"
PUBLIC_HOST = "https://stocks.example.com"
"""Addresses of an installation in the documents: on the reader's machine, and on the internet."""
PROGRAMS = ("sh", "python", "js", "sql")
"""Languages of blocks that are run."""
OUTPUT = ("text", "json")
"""Languages of a block that shows what the block right before it prints."""
CONFIGURATION = ("json", "yaml", "ini", "html", "excel", "powerquery")
"""Languages of blocks that other programs read: they are parsed, and their addresses are requested."""
REASONS = {
    "cluster": "needs a Kubernetes cluster and a registry: tests/cluster compares each command with the manifests",
    "docker": "needs Docker: tests/cluster/test_compose.py runs the same verbs",
    "setup": "installs, builds, starts, replaces or ends the installation that the other blocks use",
    "key": "needs an account with a provider, or a language model",
    "extension": "needs DuckDB's extensions, which no package index has: test_cells.py runs its query on a file",
    "fragment": "is a part of a program of the reader: tests/alerts verifies messages with the same library",
    "minutes": "takes minutes: tests do the same with little data",
    "example": "changes the code: tests/test_extending.py applies it to a copy",
}
"""Reasons why a block is not run, by the word in `<!-- not run: word -->` before it."""

_FENCE = re.compile(
    r"(?:^ *<!-- not run: (?P<reason>[^>]*?) -->\n+)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_DRAWN = "▶"
_WHOLE = {"docs/extending.md": "example"}
"""Documents of which one reason holds for every block of the languages that it says."""


@dataclass(frozen=True)
class Block:
    """A fenced block of *document*; *follows* is the language of the block right before it, "" if prose is between."""

    document: str
    line: int
    language: str
    text: str
    reason: str | None
    follows: str

    @property
    def is_run(self) -> bool:
        """True for a program that the tests run."""
        return self.language in PROGRAMS and self.reason is None

    @property
    def is_output(self) -> bool:
        """True for the output of the program before it."""
        return self.language in OUTPUT and self.reason is None and self.follows in PROGRAMS

    @property
    def is_drawing(self) -> bool:
        """True for a drawing of letters."""
        return not self.language and _DRAWN in self.text


def blocks_of(path: Path) -> list[Block]:
    """Return the blocks of the document at *path*."""
    return list(_blocks_of(path))


def _blocks_of(path: Path) -> Iterator[Block]:
    name, text = path.relative_to(ROOT).as_posix(), path.read_text()
    before, end = "", 0
    for found in _FENCE.finditer(text):
        indent = found["indent"]
        content = "".join(line.removeprefix(indent) for line in found["text"].splitlines(keepends=True))
        follows = before if not text[end : found.start()].strip() else ""
        line = text.count("\n", 0, found.start("indent")) + 1
        reason = found["reason"] or _WHOLE.get(name)
        yield Block(name, line, found["language"], content, reason, follows)
        before, end = found["language"] if not reason else "", found.end()


def blocks(recipe: str, language: str) -> list[str]:
    """Return the texts of the blocks of *language* in a recipe."""
    path = ROOT / "docs" / "recipes" / f"{recipe}.md"
    return [block.text for block in blocks_of(path) if block.language == language]


def prose(recipe: str) -> str:
    """Return the text of the recipe without its blocks."""
    return _FENCE.sub("", (ROOT / "docs" / "recipes" / f"{recipe}.md").read_text())
