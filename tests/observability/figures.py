"""Metrics of store in the format of Prometheus, parsed."""

import re

from tests.store_harness import Store


def figures(store: Store) -> dict[str, float]:
    """Return the figures of /metrics, by name and labels."""
    answer = store.run(store.client.get("/metrics"))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r'[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? \S+', line) for line in lines)
    described = set(re.findall(r"^# TYPE (\S+)", answer.text, re.MULTILINE))
    assert {re.split(r"[ {]", line)[0] for line in lines} == described
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}
