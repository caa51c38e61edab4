"""Blocks that other programs read: parsed as those programs do, and the addresses that they name."""

import json
import re
from typing import Any

import yaml

from functions.contract.settings_reference import make_reference
from tests.documents.blocks import HOST, PUBLIC_HOST, Block, blocks

_ADDRESS = re.compile(rf"(?:{re.escape(HOST)}|{re.escape(PUBLIC_HOST)})/[^\s\"'<>|]*")
_BY_POST = f"{HOST}/api/mcp"
_SETTING = re.compile(r"[A-Z_]+(?==\S)")


class _Loader(yaml.SafeLoader):
    """YAML with Home Assistant's tag !secret."""


def _secret(_: yaml.SafeLoader, node: yaml.Node) -> str:
    return str(node.value)


_Loader.add_constructor("!secret", _secret)


def yaml_blocks(recipe: str) -> list[Any]:
    """Return the YAML blocks of the recipe as values."""
    return [yaml.load(text, _Loader) for text in blocks(recipe, "yaml")]


def check(block: Block) -> None:
    """Refuse a block that is not of its language, or that names no setting of the reference."""
    if block.language == "json":
        json.loads(block.text)
    elif block.language == "yaml":
        assert yaml.load(block.text, _Loader)
    elif block.language == "ini":
        names = _SETTING.findall(block.text)
        assert names
        assert [name for name in names if f"`{name}`" not in make_reference()] == []


def addresses(block: Block) -> list[str]:
    """Return the addresses of an installation that a program requests by GET."""
    return [url for url in _ADDRESS.findall(block.text) if url != _BY_POST]
