"""Code blocks of the recipes."""

import re
from typing import Any

import yaml

from tests.reading import ROOT

FOLDER = ROOT / "docs" / "recipes"
HOST = "http://localhost:8080"


class _Loader(yaml.SafeLoader):
    """YAML with Home Assistant's tag !secret."""


def _secret(_: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value)


_Loader.add_constructor("!secret", _secret)


def blocks(recipe: str, language: str) -> list[str]:
    """Return the blocks of *language* in the recipe."""
    text = (FOLDER / f"{recipe}.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def prose(recipe: str) -> str:
    """Return the text of the recipe without its blocks."""
    return re.sub(r"^```.*?^```", "", (FOLDER / f"{recipe}.md").read_text(), flags=re.DOTALL | re.MULTILINE)


def yaml_blocks(recipe: str) -> list[Any]:
    """Return the YAML blocks of the recipe as values."""
    return [yaml.load(text, _Loader) for text in blocks(recipe, "yaml")]
