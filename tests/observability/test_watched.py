"""Alerts and dashboard use the metrics of /metrics, and each alert says what to do."""

import json
import re
from typing import Any

import psycopg
import pytest
import yaml

from functions.store.metrics import HELP
from knative.local.field_types import parse_go_duration
from tests.running import ROOT

WATCHED = ROOT / "knative" / "observability"
ALERTS = yaml.safe_load((WATCHED / "alerts.yaml").read_text())["spec"]["groups"][0]["rules"]
PANELS = json.loads((WATCHED / "dashboard.json").read_text())["panels"]
FROM_RABBITMQ = {"rabbitmq_queue_messages_ready", "rabbitmq_queue_messages_unacked"}


def asked_for(expression: str) -> set[str]:
    """The figures that a PromQL expression names."""
    return set(re.findall(r"\b(?:stocksalot|rabbitmq)_[a-z_]+", expression))


def test_alerts_and_dashboard_use_exactly_the_exported_metrics() -> None:
    """Alerts and dashboard use all metrics of /metrics and no others."""
    asked = set().union(
        *(asked_for(rule["expr"]) for rule in ALERTS),
        *(asked_for(target["expr"]) for panel in PANELS for target in panel["targets"]),
    )

    assert asked - FROM_RABBITMQ == set(HELP)


def test_the_figures_of_the_tables_are_described(database_url: str) -> None:
    """Every metric of the database has a help text."""
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT pg_get_functiondef('figures_at'::regproc) || pg_get_functiondef('model_figures'::regproc)"
        ).fetchone()

    assert found is not None
    names = set(re.findall(r"'(stocksalot_[a-z_]+)'", found[0]))
    assert names | {name for name in HELP if re.search("credits|redis|clock", name)} == set(HELP)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, Any]) -> None:
    """Each alert waits, is of a severity, and leads to a chapter of docs/operations.md that is there."""
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    chapters = re.findall(r"^### (.+)$", (ROOT / page).read_text(), re.MULTILINE)

    assert rule["for"]
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert anchor in [chapter.lower() for chapter in chapters]
    assert len(ALERTS) == len(chapters)


def test_store_is_scraped_before_prometheus_forgets() -> None:
    """store is asked more often than the five minutes after which Prometheus forgets, and seldom enough to sleep."""
    scrape, _ = yaml.safe_load_all((WATCHED / "scrape.yaml").read_text())

    assert scrape["spec"]["staticConfigs"][0]["targets"] == ["store.stocksalot.svc.cluster.local"]
    assert 120 <= parse_go_duration(scrape["spec"]["scrapeInterval"]) < 300
