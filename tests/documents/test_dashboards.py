"""Recipes of dashboards: their paths and templates, evaluated on the answers of a running system."""

import json
import re
from datetime import datetime
from typing import Any

import jinja2

from tests.documents.blocks import HOST, blocks, prose
from tests.documents.configuration import yaml_blocks
from tests.documents.conftest import Deployment


def select(value: Any, path: str) -> Any:
    """Return the value at a dotted *path*, as these programs read it."""
    for name in path.removeprefix("$.").split("."):
        value = value[name]
    return value


def test_home_assistant_gets_states_and_attributes(deployment: Deployment) -> None:
    """Each template gives a number in Jinja, the sensor is available, and every attribute is in the answer."""
    configuration, headers = yaml_blocks("home-assistant")
    (resource,) = configuration["rest"]
    answer = deployment.json(resource["resource"])
    engine = jinja2.Environment(undefined=jinja2.StrictUndefined)

    price, change = resource["sensor"]
    states = [engine.from_string(one["value_template"]).render(value_json=answer) for one in (price, change)]

    assert float(states[0]) == answer["close"]
    assert float(states[1]) == round(answer["change_percent"], 2)
    assert engine.from_string(price["availability"]).render(value_json=answer) == "True"
    assert engine.from_string(price["availability"]).render(value_json={"status": 503}) == "False"
    assert set(price["json_attributes"]) <= set(answer)
    assert (price["unit_of_measurement"], resource["scan_interval"]) == ("USD", 300)
    assert list(headers) == ["headers"]


def test_grafana_gets_a_time_series(deployment: Deployment) -> None:
    """The root selector leads to rows, and each column's selector to a value of its type, in rising time."""
    (query,) = [json.loads(text) for text in blocks("grafana", "json")]
    rows = select(deployment.json(query["url"]), query["root_selector"])

    time, close = query["columns"]
    instants = [datetime.fromisoformat(select(row, time["selector"])) for row in rows]
    assert instants == sorted(instants)
    assert len(instants) == 30
    assert (time["type"], close["type"]) == ("timestamp", "number")
    assert all(isinstance(select(row, close["selector"]), int | float) for row in rows)


def test_grafana_gets_an_average(deployment: Deployment) -> None:
    """The second query of the text has the selectors that it names."""
    text = prose("grafana")
    url = re.search(rf'"url": "({re.escape(HOST)}[^"]*indicators[^"]*)"', text)
    selector = re.search(r"selector `(values\.[a-z0-9_]+)`", text)
    assert url
    assert selector
    items = deployment.json(url[1])["items"]

    assert {"complete"} <= set(items[0])
    assert select(items[-1], selector[1]) is None, "thirty days are too few for fifty"
    assert items[-1]["incomplete"] == {"sma_50": "warm-up"}


def test_grafana_is_provisioned_for_the_address_of_the_query() -> None:
    """The data source may reach the host that the query asks."""
    (provisioning,) = yaml_blocks("grafana")
    (source,) = provisioning["datasources"]

    assert source["jsonData"]["allowedHosts"] == [HOST]


def test_glance_finds_what_its_template_reads(deployment: Deployment) -> None:
    """Each path of the template is in the answer, of the type that its function reads; every block is closed."""
    ((widget,),) = yaml_blocks("glance")
    answer = deployment.json(widget["url"])
    template = widget["template"]

    (array,) = re.findall(r'\.JSON\.Array "([a-z_.]+)"', template)
    for kind, path in re.findall(r'\.JSON\.(String|Float) "([a-z_.]+)"', template):
        assert isinstance(select(answer, path), str if kind == "String" else int | float)
    for item in select(answer, array):
        for kind, path in re.findall(r'(?<!JSON)\.(String|Float) "([a-z_.]+)"', template):
            assert isinstance(select(item, path), str if kind == "String" else int | float), path
    actions = re.findall(r"{{ (\w+)", template)
    assert actions.count("end") == actions.count("range") + actions.count("if")
    assert len(select(answer, array)) == 3


def test_homepage_finds_its_fields(deployment: Deployment) -> None:
    """Each mapping's field is in the answer, of the type of its format."""
    ((group,),) = yaml_blocks("homepage")
    widget = group["Stocks"][0]["AAPL"]["widget"]
    answer = deployment.json(widget["url"])

    for mapping in widget["mappings"]:
        value = select(answer, mapping["field"])
        if mapping["format"] == "float":
            assert isinstance(value, int | float)
        else:
            assert datetime.fromisoformat(value)
    assert [mapping["field"] for mapping in widget["mappings"]] == ["close", "change_percent", "end"]


def test_ghostfolio_gets_a_price(deployment: Deployment) -> None:
    """Its selector, a JSONPath, leads to a number."""
    (scraper,) = [json.loads(text) for text in blocks("ghostfolio", "json")]

    assert isinstance(select(deployment.json(scraper["url"]), scraper["selector"]), int | float)
