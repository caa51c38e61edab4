"""OpenAPI document: current, valid, complete, and true of every real response."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import jsonschema_rs
import pytest
import redis
from pydantic import BaseModel

from functions.api.bar_models import BarsResponse
from functions.api.mover_models import MoversResponse
from functions.api.quality_models import CoverageResponse
from functions.api.response_models import LatestResponse, ProfileResponse, TickersResponse
from functions.api.routes import ENDPOINTS
from functions.api.status_models import DirectoryResponse, StatusResponse
from functions.contract.__main__ import make_files
from functions.contract.problems import Problem
from knative.local.verb_reference import make_reference
from knative.stocksalot.__main__ import PATH as VERBS
from knative.stocksalot.extension import STOCKSALOT
from tests.conftest import new_database
from tests.reading import ROOT, UNLIMITED, Api, Bar, at, change, hours, put, redis_key, serving, sessions

API = ROOT / "functions" / "api"
DOCUMENT = json.loads((API / "openapi.json").read_text())
SCHEMAS = DOCUMENT["components"]["schemas"]


@pytest.fixture(scope="module")
def database(postgres_server: str, migrated_database: str) -> Iterator[str]:
    """Four weeks of three tickers, with holes, unknown volumes and two sources."""
    with new_database(postgres_server, template=urlsplit(migrated_database).path[1:]) as url:
        starts = hours(sessions(url, "2026-10-26", "2026-11-21"))
        put(url, [Bar("AAPL", start, f"{100 + place}.25", 1000 + place) for place, start in enumerate(starts)])
        put(url, [Bar("XOM", start, "50", None, "replay") for start in starts[::3]])
        put(url, [Bar("KO", at("2026-11-20 19:30"))])
        change(url, "UPDATE companies SET logo = NULL, phone = '+1 555' WHERE ticker = 'AAPL'")
        yield url


@pytest.fixture(scope="module")
def api(database: str, module_redis_url: str) -> Iterator[Api]:
    """The api over them, on Friday evening, with credits spent."""
    with redis.Redis.from_url(module_redis_url) as client:
        client.set("credits:twelvedata:abc:minute:2026-11-20T22:00", 3, ex=600)
        client.hset("credits:twelvedata:limits", mapping={"minute": 8, "day": 800})
        client.set(redis_key(database, "credit-keys"), '{"twelvedata": ["abc"]}')
    with serving(database, module_redis_url) as api:
        yield api


def test_generated_files_are_current() -> None:
    """The generated files are those that `make contract` would write now."""
    files = {**make_files(), VERBS: make_reference(STOCKSALOT)}
    stale = [path.name for path, text in files.items() if path.read_text() != text]

    assert stale == [], "make contract"


def test_every_reference_leads_somewhere() -> None:
    """No $ref of the document is broken, and no schema lies there unused."""
    found = set(references(DOCUMENT))

    for reference in found:
        part: Any = DOCUMENT
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= found


def references(part: Any) -> Iterator[str]:
    """Every $ref in *part*."""
    if isinstance(part, list):
        for one in part:
            yield from references(one)
    elif isinstance(part, dict):
        for name, one in part.items():
            if name == "$ref":
                yield one
            else:
                yield from references(one)


def test_the_document_is_openapi() -> None:
    """Version, servers that are relative to the document, and for each operation a name, a group and answers."""
    assert DOCUMENT["openapi"].startswith("3.1.")
    assert DOCUMENT["servers"] == [{"url": ".", "description": "This installation"}]
    made = [one for methods in DOCUMENT["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in made]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in DOCUMENT["tags"]}
    assert all(set(one["tags"]) <= tags and one["summary"] and one["responses"] for one in made)


@pytest.mark.parametrize("name", sorted(SCHEMAS))
def test_each_schema_is_a_schema(name: str) -> None:
    """JSON Schema 2020-12, which is what OpenAPI 3.1 takes."""
    jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMAS[name]})


def test_each_example_is_one() -> None:
    """Every example of a body or an answer is valid under the schema it stands beside."""
    seen = 0
    for path, schema, example in examples(DOCUMENT, ""):
        whole = {**schema, "components": DOCUMENT["components"]}
        jsonschema_rs.Draft202012Validator(whole, validate_formats=True).validate(example)
        seen += 1
        assert path
    assert seen > 15


def examples(part: Any, path: str) -> Iterator[tuple[str, dict[str, Any], Any]]:
    """Every media type in *part* that has an example: where it is, its schema, the example."""
    if isinstance(part, list):
        for one in part:
            yield from examples(one, path)
    elif isinstance(part, dict):
        if "schema" in part and "example" in part:
            yield path, part["schema"], part["example"]
        for name, one in part.items():
            yield from examples(one, f"{path}/{name}")


def test_every_endpoint_is_in_it_with_its_parameters() -> None:
    """Every endpoint of api is documented, with the description of each parameter."""
    for endpoint in ENDPOINTS:
        described = {
            one["name"]: one["description"]
            for one in DOCUMENT["paths"][endpoint.path]["get"].get("parameters", [])
            if one["in"] == "query"
        }
        assert described == {one.name: one.metadata["description"] for one in fields(endpoint.query)}


ANSWERS: list[tuple[str, type[BaseModel]]] = [
    ("/", DirectoryResponse),
    ("/tickers", TickersResponse),
    ("/tickers/AAPL", ProfileResponse),
    ("/tickers/XOM", ProfileResponse),
    ("/latest", LatestResponse),
    ("/ohlc", BarsResponse),
    ("/ohlc/BA", BarsResponse),
    ("/ohlc/AAPL?limit=3", BarsResponse),
    ("/ohlc/AAPL?as_of=2026-11-19&interval=1w", BarsResponse),
    ("/ohlc?tickers=AAPL,XOM&interval=1d", BarsResponse),
    ("/ohlc/XOM?interval=1mo", BarsResponse),
    *((f"/movers?kind={kind}&basis={basis}", MoversResponse)
      for kind in ("gainers", "losers", "active", "unusual_volume", "volatile")
      for basis in ("previous_close", "previous_bar", "session_open")),
    ("/market_movers", MoversResponse),
    ("/coverage", CoverageResponse),
    ("/coverage?detail=totals&start=2026-11-01", CoverageResponse),
    ("/status", StatusResponse),
]  # fmt: skip


@pytest.mark.parametrize(("path", "model"), ANSWERS)
def test_real_answers_keep_the_contract(api: Api, path: str, model: type[BaseModel]) -> None:
    """Nothing is missing, nothing is more, and nothing is of another kind: neither for pydantic nor for JSON Schema."""
    answer = api.get(path)

    model.model_validate(answer.json(parse_float=Decimal), strict=False)
    assert_fits(answer.json(), model)


@pytest.mark.parametrize(
    "path", ["/ohlc/NOPE", "/ohlc?limit=0&colour=red", "/nothing", f"/ohlc?tickers={'A,' * 5000}", "/latest?limit=1"]
)
def test_real_problems_keep_the_contract(api: Api, path: str) -> None:
    """An error looks as the document says, and its status is among those of its path."""
    answer = api.client.get(path)

    Problem.model_validate(answer.json())
    assert_fits(answer.json(), Problem)
    assert str(answer.status_code) in DOCUMENT["components"]["responses"]


def assert_fits(answer: Any, model: type[BaseModel]) -> None:
    """Check *answer* against the published schema of *model*."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}", "components": DOCUMENT["components"]}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(answer)


def test_empty_tables_keep_the_contract(database_url: str, redis_url: str) -> None:
    """Before the first bar every answer is whole too."""
    with serving(database_url, redis_url) as api:
        for path, model in ANSWERS:
            if "ohlc?tickers" not in path:
                assert_fits(api.get(path).json(), model)


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_the_contract_is_served_as_a_file(api: Api, path: str) -> None:
    """The document has an ETag, is compressed, cacheable, and readable by HEAD."""
    answer = api.get(path)

    assert answer.content == (API / {"/openapi.json": "openapi.json", "/docs": "docs.html"}[path]).read_bytes()
    assert "max-age=300" in answer.headers["cache-control"]
    assert api.get(path, 304, if_none_match=answer.headers["etag"]).content == b""
    assert api.get(path, accept_encoding="gzip").headers["content-encoding"] == "gzip"
    assert api.client.head(path).headers["content-length"] == str(len(answer.content))


COLD = """
import sys
from functions.api import main
from functions.api.documentation import PAGES, page
from functions.api.routes import ENDPOINTS
from shared.http.query import read_query

for path in PAGES:
    page(path)
for endpoint in ENDPOINTS:
    read_query(endpoint.query, b"q=a" if endpoint.path == "/search" else b"")
read_query(next(one.query for one in ENDPOINTS if one.path == "/ohlc/{ticker}"), b"limit=5")
heavy = {"pydantic", "pydantic_core", "pyarrow", "fastapi", "functions.api.openapi", "functions.contract", "resvg_py"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_cold_start_loads_no_models() -> None:
    """Documents and requests, with and without parameters, load neither pydantic nor a response model."""
    output = subprocess.run(
        [sys.executable, "-c", COLD],
        cwd=ROOT,
        env={**UNLIMITED, "PYTHONPATH": str(ROOT), "DATABASE_URL": "postgresql://x", "REDIS_URL": "redis://x"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert output == "[]\n"
