"""A function sees what it would see behind Knative."""

import re
from collections.abc import Callable

import pytest

from tests.runner.sample import Sample

HOST = "sample.test.svc.cluster.local"


def test_the_function_sees_what_it_sees_behind_knative(run: Callable[..., None]) -> None:
    """Headers of the proxy are added, those of the connection are not passed on, and a client cannot forge them."""

    async def scenario(sample: Sample) -> None:
        forged = {
            "X-Forwarded-For": "6.6.6.6",
            "K-Proxy-Request": "me",
            "TE": "gzip",
            "Connection": "te, x",
            "X-Own": "1",
        }

        seen = (await sample.get("/", headers=forged)).json()["headers"]

        assert seen["host"] == HOST
        assert seen["x-forwarded-for"] == "6.6.6.6, 127.0.0.1", "the last one is ours"
        assert seen["x-forwarded-proto"] == "http"
        assert seen["forwarded"] == "for=127.0.0.1;proto=http"
        assert seen["k-proxy-request"] == "activator"
        assert seen["x-own"] == "1"
        assert re.fullmatch(r"[0-9a-f-]{36}", seen["x-request-id"])
        assert not {"te", "connection"} & seen.keys()

    run(scenario)


def test_the_function_finds_what_knative_sets(run: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """The process has PORT and the K_ names, and nothing of the runner's own environment."""
    monkeypatch.setenv("AMQP_URL", "amqp://secret")

    async def scenario(sample: Sample) -> None:
        found = (await sample.get("/")).json()["environment"]

        assert (found["K_SERVICE"], found["K_CONFIGURATION"], found["K_REVISION"]) == (
            "sample",
            "sample",
            "sample-00001",
        )
        assert found["PORT"].isdecimal()
        assert "AMQP_URL" not in found

    run(scenario)


def test_a_request_id_is_kept(run: Callable[..., None]) -> None:
    """An X-Request-ID of the caller reaches the function unchanged."""

    async def scenario(sample: Sample) -> None:
        seen = (await sample.get("/", headers={"X-Request-ID": "mine"})).json()["headers"]

        assert seen["x-request-id"] == "mine"

    run(scenario)
