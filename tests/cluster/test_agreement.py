"""Manifests and code name the same events, jobs, settings and connections."""

import importlib
import inspect
import re
from dataclasses import fields as fields_of
from pathlib import Path
from typing import get_type_hints
from urllib.parse import urlsplit

import pytest

from functions.store.migrate import Settings as MigrationSettings
from knative.local.kustomize import build
from knative.local.manifests import read
from shared.events import types as events
from shared.runtime.settings import Secret, SettingsGroup
from tests.cluster.objects import find

KNATIVE = Path(__file__).parents[2] / "knative"
LOCAL = KNATIVE / "overlays" / "local"


def event_classes() -> list[type[events.Event]]:
    """Return the classes of all events."""
    found = [value for value in vars(events).values() if inspect.isclass(value) and issubclass(value, events.Event)]
    return [one for one in found if one is not events.Event]


def test_every_event_has_a_trigger_or_is_terminal() -> None:
    """Each event type that functions reply with goes to the consumer that its class names, and to no other function."""
    triggers = {(t.filter_attributes["type"], urlsplit(t.subscriber_name).hostname) for t in read(LOCAL).triggers}

    wanted = {
        (event.TYPE, f"{consumer}.stocksalot.svc.cluster.local")
        for event in event_classes()
        if event.TYPE != events.TICK
        for consumer in re.findall(r"\w+ → (\w+)", event.__doc__ or "")
    }

    assert {trigger for trigger in triggers if trigger[0] != events.TICK} == wanted


def test_a_function_replies_to_itself_only_by_an_extension() -> None:
    """A Trigger that took every event its own function produces would never end."""
    to_itself = {
        event.TYPE
        for event in event_classes()
        for producer, consumer in re.findall(r"(\w+) → (\w+)", event.__doc__ or "")
        if producer == consumer
    }

    producers = {events.AlertsFired.TYPE: "alerts", events.InsightsWritten.TYPE: "insights"}
    assert to_itself == set(producers)
    filters = [
        trigger.filter_attributes
        for trigger in read(LOCAL).triggers
        if producers.get(trigger.filter_attributes["type"], "none") in trigger.subscriber_name
    ]
    assert filters == [
        {"type": events.AlertsFired.TYPE, "delivery": "wanted"},
        {"type": events.InsightsWritten.TYPE, "words": "wanted"},
    ]


def test_every_job_has_its_trigger() -> None:
    """Each schedule's event matches exactly one Trigger, by type and job."""
    application = read(LOCAL)
    ticks = [t.filter_attributes for t in application.triggers if t.filter_attributes["type"] == events.TICK]

    for source in application.ping_sources:
        assert ticks.count({"type": events.TICK, "job": source.extensions["job"]}) == 1


def settings_of(function: str) -> set[str]:
    """Return the names of the variables that *function*'s Settings reads."""
    for module in (f"functions.{function}.settings", f"functions.{function}.main"):
        try:
            settings = importlib.import_module(module).Settings
        except (ImportError, AttributeError):
            continue
        assert issubclass(settings, SettingsGroup)
        return {field.name.upper() for field in fields_of(settings)}
    pytest.fail(f"{function} has no Settings")


SECRETS_OF_LIBRARIES = {"PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"}
"""Read by libpq and by the server, not by a function's Settings."""


@pytest.mark.parametrize("function", ["alerts", "api", "ingest", "insights", "mcp", "page", "store", "token"])
def test_a_function_gets_the_secrets_it_reads_and_no_other(function: str) -> None:
    """A compromised function reveals no secret of another function."""
    [container] = find(build(LOCAL), "Service", function, "serving")["spec"]["template"]["spec"]["containers"]
    given = {one["name"] for one in container.get("env", []) if "secretKeyRef" in one.get("valueFrom", {})}

    assert not [source for source in container.get("envFrom", []) if "secretRef" in source]
    assert given - SECRETS_OF_LIBRARIES == secret_settings_of(function)


def secret_settings_of(function: str) -> set[str]:
    """Return the variables that *function*'s Settings hides from logs."""
    settings = importlib.import_module(f"functions.{function}.settings").Settings
    kinds = get_type_hints(settings)
    return {field.name.upper() for field in fields_of(settings) if Secret.__name__ in str(kinds[field.name])}


def test_configuration_names_what_the_functions_read() -> None:
    """ConfigMap and Secret name every setting of every function, and no unused one."""
    application = read(LOCAL)
    named = set().union(*(function.environment.names for function in application.functions.values()))

    wanted = set().union(*(settings_of(name) for _, name in application.functions))
    migration = {field.name.upper() for field in fields_of(MigrationSettings)}

    assert named == wanted | migration | SECRETS_OF_LIBRARIES
    for (_, name), function in application.functions.items():
        assert settings_of(name) - secret_settings_of(name) <= set(function.environment.names), name


def test_the_base_holds_no_secret() -> None:
    """Secrets are in overlays or the operator's .env; those of the overlay local are valid in its own cluster only."""
    secret = find(build(LOCAL), "Secret", "stocksalot")

    assert not [document for document in build(KNATIVE / "base") if document.identity[1] == "Secret"]
    assert {name for name, value in secret["stringData"].items() if value} == {"PGPASSWORD", "API_TOKEN_SECRET"}


def test_settings_of_services_replace_given_ones() -> None:
    """A function gets its manifest's values; given variables of the same names replace them, services replace both."""
    function = read(LOCAL).functions["stocksalot", "ingest"]
    outside = {"PROVIDERS": "replay", "AMQP_URL": "amqp://secret", "DATABASE_URL": "postgresql://given/db"}

    found = function.environment.resolve_variables(outside, {"DATABASE_URL": "postgresql://local/db"})

    assert found["PROVIDERS"] == "replay"
    assert found["DATABASE_URL"] == "postgresql://local/db"
    assert found["DATABASE_CONNECTIONS"] == "4"
    assert "AMQP_URL" not in found
    assert "PGPASSWORD" not in found, "values of a Secret are for its cluster"
