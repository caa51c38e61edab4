"""Events keep the shape both sides agreed on: every type has an example, a producer, and a Trigger or "terminal"."""

import json
from pathlib import Path

import pytest
import yaml

from shared.events import types as events
from shared.events.types import Event

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "tests" / "examples"
TYPES = {
    kind.TYPE: kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}


def triggers() -> list[dict]:
    """Every Trigger of the base manifests."""
    files = (ROOT / "knative" / "base").glob("*.yaml")
    return [
        thing
        for file in files
        for thing in yaml.safe_load_all(file.read_text())
        if thing and thing.get("kind") == "Trigger"
    ]


def test_there_are_events() -> None:
    """The tests below look at something."""
    assert len(TYPES) >= 5


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_an_example_that_both_sides_read(name: str) -> None:
    """The example on disk is valid, and writing it again gives the same JSON value."""
    text = (EXAMPLES / f"{name}.json").read_bytes()

    again = TYPES[name].from_json(text).to_json()

    assert json.loads(again) == json.loads(text)


def test_every_example_belongs_to_a_type() -> None:
    """No example outlives its type."""
    assert {file.stem for file in EXAMPLES.glob("*.json")} == set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_every_type_has_a_trigger_or_is_terminal(name: str) -> None:
    """Every event type has a Trigger, except those whose class declares none."""
    heard = any(trigger["spec"]["filter"]["attributes"].get("type") == name for trigger in triggers())

    assert heard or "terminal" in (TYPES[name].__doc__ or "")


def test_every_trigger_listens_to_a_type_that_exists() -> None:
    """Every Trigger filters for a type that a function sends."""
    assert {trigger["spec"]["filter"]["attributes"]["type"] for trigger in triggers()} <= set(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_an_unknown_field_is_refused(name: str) -> None:
    """Both sides notice when one of them changes a shape without a new version."""
    data = json.loads((EXAMPLES / f"{name}.json").read_text()) | {"surprise": 1}

    with pytest.raises(ValueError, match="surprise"):
        TYPES[name].from_json(json.dumps(data).encode())
